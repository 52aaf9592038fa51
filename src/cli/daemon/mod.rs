//! The daemon: `recv`, `chat`, `exec`, `echo` and `discard` as processes.
//!
//! What was typed becomes a server (`serve`), which runs until a signal or a request drains it
//! (`main_loop`). May import: all of `cli` but the tools. Must not: `client`, `flood`.

pub(in crate::cli) mod args;
pub(in crate::cli) mod chat;
pub(in crate::cli) mod console;
pub(in crate::cli) mod exec;
pub(in crate::cli) mod main_loop;
pub(in crate::cli) mod notify;
pub(in crate::cli) mod serve;
pub(in crate::cli) mod sockets;
