//! Decides which worker runs which connection, and when.
//!
//! The run queue, a connection's state word, the pool of threads, the poller, service times, the
//! choice to spin; a task that one thread at a time does. A connection is only a token here:
//! resting, ready, running or gone.
//! May import: `net::address`, for the log. Must not: anything that knows what a connection is.

pub(crate) mod baton;
pub(crate) mod load;
pub(crate) mod metrics;
mod parked;
pub(crate) mod poller;
pub(crate) mod pool;
pub(crate) mod run_queue;
pub(crate) mod spin;
pub(crate) mod state;
pub(crate) mod sync;
pub(crate) mod worker_status;
