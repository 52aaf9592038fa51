//! A connection's counts, and what its bytes look like.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use crate::framing::hint::{HINTS, Hint};

/// A connection's counts, for lists and totals. Only the running worker writes them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) messages_in: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    /// Milliseconds after `since` of the last byte that came.
    pub(crate) heard_ms: AtomicU64,
    /// Milliseconds after `since`, plus one, since when the peer has taken no output; 0 while it
    /// keeps up.
    pub(crate) stalled_ms: AtomicU64,
    /// Messages given to the service in the running turn: not yet in any sum. One read has no more.
    pub(crate) in_turn: AtomicU32,
    /// The number of the hint that was given, plus one; 0 for none.
    hint: AtomicU8,
}

impl Tally {
    pub(crate) fn tell(&self, hint: Hint) {
        self.hint.store(hint as u8 + 1, Ordering::Relaxed);
    }

    /// The hint that was given.
    pub(crate) fn hint(&self) -> Option<Hint> {
        let number = self.hint.load(Ordering::Relaxed);
        HINTS.get(usize::from(number.checked_sub(1)?)).copied()
    }
}

/// The client's first bytes, kept for hints.
#[derive(Debug, Default)]
pub(crate) enum Look {
    /// Nothing has come.
    #[default]
    Nothing,
    /// Bytes came, and no message has ended.
    Begun(Box<Begun>),
    /// No more bytes are checked.
    Done,
}

/// The first bytes of a client that has ended no message.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) since: Instant,
    pub(crate) first: Vec<u8>,
    /// Some of what has come belongs to no message.
    pub(crate) has_stray: bool,
}

impl Begun {
    pub(crate) fn new(since: Instant) -> Begun {
        Begun {
            since,
            first: Vec::new(),
            has_stray: false,
        }
    }

    /// All that has come, if the message under way is all of it; otherwise what is kept.
    pub(crate) fn all<'a>(&'a self, under_way: &'a [u8]) -> &'a [u8] {
        match under_way.starts_with(&self.first) {
            true => under_way,
            false => &self.first,
        }
    }
}
