//! Restart without loss: a running poold hands its listening sockets to its successor.
//!
//! ```text
//! poold restart          running poold                     its successor
//!      │── restart ─────────▶│── starts itself again ───────────▶│
//!      │                     │◀────────────────────── take over ─│
//!      │                     │── the sockets ───────────────────▶│ builds everything, accepts
//!      │                     │◀────────────────────────── ready ─│
//!      │                     │── its clients (see `mover.rs`) ──▶│ serves them
//!      │◀─────────── done ───│── yours ─────────────────────────▶│ says that it is ready
//!                            ▼ drains                            ▼ serves
//! ```
//!
//! Until `ready`, the running process accepts as usual, so a failure of the successor changes
//! nothing. After `yours` it accepts no client: the backlog, which both share, belongs to the
//! successor. At no time are both copies of a listening socket closed, so no client is refused.
//!
//! In the running process all of it runs on the main thread, which otherwise only waits; nothing
//! here blocks it. The clients are moved on a thread of their own.

mod args;
mod arrivals;
mod batch;
mod client;
mod mover;
mod offers;
mod protocol;
mod restart;
mod server;
mod spawn;
mod talk;
#[cfg(test)]
mod tests;
mod together;

use std::time::Duration;

pub(crate) use args::{ControlArgs, RestartArgs};
pub(crate) use client::Inherited;
pub(crate) use restart::restart;
pub(crate) use server::{Event, HandoverServer};
pub(crate) use spawn::{again, go_between};

/// The name of the service's sockets.
pub(crate) const SERVICE: &str = "service";
/// The name of a descriptor whose end says that the running process has let go of what only one can
/// have.
const HELD: &str = "held";
/// The name of the control socket.
const CONTROL: &str = "control";

/// The protocol's version; another one is refused, and the running process goes on.
const VERSION: u32 = 1;
/// Maximum time until a successor that was started by hand is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// The version of the states in which clients move; others stay.
const CLIENTS_VERSION: u32 = 1;
/// Numbers of clients that the running process may still use while its successor starts.
const NUMBERS_KEPT: u64 = 10_000;
/// Maximum of the time that `poold restart` sets for its successor.
const READY_WITHIN_MAX: Duration = Duration::from_secs(60 * 60);
