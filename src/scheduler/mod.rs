//! Which worker runs which connection, and when.
//!
//! The run queue and its state word, the pool of threads, the poller, how long turns take, whether
//! spinning pays. A connection is known here only as a token that is resting, ready or running.
//! May import: `error`, `series`. Must not: anything that knows what a connection is.

pub(crate) mod contention;
pub(crate) mod load;
pub(crate) mod metrics;
pub(crate) mod poller;
pub(crate) mod pool;
pub(crate) mod run_queue;
pub(crate) mod spin;
pub(crate) mod state;
pub(crate) mod sync;
pub(crate) mod worker_status;
