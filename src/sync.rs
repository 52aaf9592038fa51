//! The primitives that the state machine of connection and queue is built on.
//!
//! `state.rs` and `ready.rs` take them from here and nowhere else, so that the model check
//! (`tests/it/model.rs`) can compile the same two files against primitives whose every
//! interleaving it explores.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicU8, Ordering};
