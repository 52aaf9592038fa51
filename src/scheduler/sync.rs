//! The primitives that the state machine of connection, queue and lobby is built on.
//!
//! `state.rs`, `ready.rs` and `lobby.rs` take them from here and nowhere else, so that the model
//! check (`tests/it/model.rs`) can compile the same files against primitives whose every
//! interleaving it explores.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicU8, Ordering};
