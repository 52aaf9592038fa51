//! Restarts by take-over.

mod given_up;
pub(crate) mod moved;
mod moved_asked;
mod moved_console;
pub(crate) mod moved_crowd;
mod moved_exec;
pub(crate) mod moved_fails;
pub(crate) mod moved_senders;
mod moved_signals;
pub(crate) mod owner;
mod owner_all;
pub(crate) mod restart;
pub(crate) mod takeover;
pub(crate) mod takeover_fails;
