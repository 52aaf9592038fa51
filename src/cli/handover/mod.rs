//! Restart without loss: a running poold hands its listening sockets to its successor.
//!
//! ```text
//! poold restart          running poold                     its successor
//!      │── restart ─────────▶│── starts itself again ───────────▶│
//!      │                     │◀────────────────────── take over ─│
//!      │                     │── the sockets ───────────────────▶│ builds everything, accepts
//!      │                     │◀────────────────────────── ready ─│
//!      │◀─────────── done ───│── yours ─────────────────────────▶│ says that it is ready
//!                            ▼ drains                            ▼ serves
//! ```
//!
//! Until it has heard `ready` the running one accepts as ever, so whatever happens to the other
//! before that changes nothing. From `yours` on it accepts nobody: the backlog, which both have in
//! common, is the successor's. No listening socket is closed by both, so no client is refused.
//!
//! All of it runs on the main thread, which has nothing to do but wait; nothing here blocks it.

mod args;
mod client;
mod protocol;
mod restart;
mod server;
mod spawn;

use std::time::Duration;

pub(in crate::cli) use args::{ControlArgs, RestartArgs};
pub(in crate::cli) use client::Inherited;
pub(in crate::cli) use restart::restart;
pub(in crate::cli) use server::{Event, HandoverServer};
pub(in crate::cli) use spawn::go_between;

/// What both sides call the service's sockets.
pub(in crate::cli) const SERVICE: &str = "service";
/// And the one on which they talk.
const CONTROL: &str = "control";

/// Both sides speak this; another number is refused, and the running one goes on.
const VERSION: u32 = 1;
/// Longest that a successor may take that was started by hand, until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// And the most that a restart may allow its own.
const READY_WITHIN_MAX: Duration = Duration::from_secs(60 * 60);
