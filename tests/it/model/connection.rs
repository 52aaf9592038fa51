//! A connection of the model: the real state word, and the check's own notes.
//!
//! The checks' own notes are plain atomics of the standard library. The explorer does not see
//! them, so they add no interleavings; and because it switches threads only at its own
//! primitives, a note taken right after a call belongs to that call.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use loom::sync::atomic::{AtomicUsize as Shared, Ordering::Relaxed};

use crate::scheduler::state::{Next, Phase, Reasons, StateWord};

/// Each kind is counted separately, so a turn that gets the wrong reason misses something.
pub(super) const KINDS: [Reasons; 3] = [Reasons::READABLE, Reasons::WRITABLE, Reasons::NOTICE];
pub(super) const READABLE: usize = 0;
pub(super) const WRITABLE: usize = 1;
pub(super) const NOTICE: usize = 2;

pub(super) struct Connection {
    pub(super) name: usize,
    pub(super) state: StateWord,
    /// How often each kind of reason was given. Relaxed: only the state word's own ordering may
    /// make a turn see it.
    said: [Shared; KINDS.len()],
    /// How much of it the turns have seen.
    heard: [AtomicUsize; KINDS.len()],
    turns: AtomicUsize,
    /// From a `wake` that answers "queue it" until a worker has it.
    queued: AtomicBool,
    running: AtomicBool,
    gone: AtomicBool,
}

impl Connection {
    /// Ready, like a connection that was just accepted; the caller queues it.
    pub(super) fn new(name: usize) -> Connection {
        Connection {
            name,
            state: StateWord::ready(),
            said: std::array::from_fn(|_| Shared::new(0)),
            heard: Default::default(),
            turns: AtomicUsize::new(0),
            queued: AtomicBool::new(true),
            running: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    /// Brings it to rest before the model begins.
    pub(super) fn rest(&self) {
        let _ = self.state.start();
        assert_eq!(self.state.finish(), Next::Leave);
        self.queued.store(false, SeqCst);
    }

    /// Counts something that a later turn must see.
    pub(super) fn say(&self, kind: usize) {
        self.said[kind].fetch_add(1, Relaxed);
    }

    /// Wakes it; the caller queues it if told so.
    pub(super) fn wake(&self, kind: usize) -> Next {
        let next = self.state.wake(KINDS[kind]);
        self.note_queued(next)
    }

    /// A worker starts a turn and sees what it was woken for.
    pub(super) fn start(&self) {
        assert!(
            self.queued.swap(false, SeqCst),
            "served without being queued"
        );
        assert!(!self.running.swap(true, SeqCst), "two workers in it");
        assert!(!self.gone.load(SeqCst), "served after its end");
        let reasons = self.state.start();
        self.turns.fetch_add(1, SeqCst);
        for (kind, reason) in KINDS.iter().enumerate() {
            if reasons.include(*reason) {
                self.heard[kind].store(self.said[kind].load(Relaxed), SeqCst);
            }
        }
    }

    pub(super) fn finish(&self) -> Next {
        self.running.store(false, SeqCst);
        let next = self.state.finish();
        self.note_queued(next)
    }

    pub(super) fn again(&self) -> Next {
        self.running.store(false, SeqCst);
        let next = self.state.again();
        self.note_queued(next)
    }

    pub(super) fn end(&self) {
        self.running.store(false, SeqCst);
        self.state.end();
        self.gone.store(true, SeqCst);
    }

    fn note_queued(&self, next: Next) -> Next {
        if next == Next::Queue {
            assert!(!self.queued.swap(true, SeqCst), "queued twice");
            assert!(!self.gone.load(SeqCst), "queued after its end");
        }
        next
    }

    /// All that its turns have seen so far.
    pub(super) fn heard(&self) -> usize {
        self.heard.iter().map(|heard| heard.load(SeqCst)).sum()
    }

    pub(super) fn turns(&self) -> usize {
        self.turns.load(SeqCst)
    }

    /// Checks, after the last wake, that it rests or is gone, and that its turns have seen
    /// everything.
    pub(super) fn assert_at_rest(&self) {
        if self.gone.load(SeqCst) {
            return;
        }
        assert_eq!(self.state.phase(), Phase::Resting);
        for (kind, heard) in self.heard.iter().enumerate() {
            let said = self.said[kind].load(Relaxed);
            assert_eq!(heard.load(SeqCst), said, "lost: reason {kind}");
        }
    }
}
