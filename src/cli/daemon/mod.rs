//! The daemon: `recv`, `chat`, `hub`, `exec`, `echo` and `discard` as processes.
//!
//! What was typed becomes a server (`serve`), which runs until a signal or a request drains it
//! (`main_loop`). May import: all of `cli` but the tools. Must not: `client`, `flood`.

pub(crate) mod args;
mod bus;
pub(crate) mod chat;
pub(crate) mod console;
pub(crate) mod exec;
pub(crate) mod hub;
pub(crate) mod main_loop;
pub(crate) mod notify;
pub(crate) mod recv;
mod remote;
pub(crate) mod serve;
pub(crate) mod tls;
