//! What a connection has done, and what its bytes look like.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

use crate::framing::hint::{HINTS, Hint};

/// What the connection has done, for lists and totals. Written by the running worker only.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) messages_in: AtomicU64,
    /// Handed to the service in the turn that is running: not yet in any sum.
    pub(crate) in_turn: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    /// Milliseconds after `since` of the last byte that came.
    pub(crate) heard_ms: AtomicU64,
    /// Milliseconds after `since`, and one, at which the peer last took something of what it is
    /// owed still; 0 while it owes no reading.
    pub(crate) stalled_ms: AtomicU64,
    /// The number of the hint that was told, and one; 0 for none.
    hint: AtomicU8,
}

impl Tally {
    pub(crate) fn tell(&self, hint: Hint) {
        self.hint.store(hint as u8 + 1, Ordering::Relaxed);
    }

    /// What its bytes look like, if that was told.
    pub(crate) fn hint(&self) -> Option<Hint> {
        let number = self.hint.load(Ordering::Relaxed);
        HINTS.get(usize::from(number.checked_sub(1)?)).copied()
    }
}

/// What was looked at of the client's first bytes, for hints.
#[derive(Debug, Default)]
pub(crate) enum Look {
    /// Nothing came.
    #[default]
    Nothing,
    /// These came then, and no message has ended.
    Begun { since: Instant, first: Vec<u8> },
    /// All that is looked at.
    Done,
}
