//! The primitives under the state word, the baton, the run queue and the wait queue.
//!
//! `state.rs`, `baton.rs`, `run_queue.rs` and `wait_queue.rs` take them only from here, so that the
//! model check (`tests/it/model`) can compile the same files against primitives whose every
//! interleaving it explores.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicU8, Ordering};
