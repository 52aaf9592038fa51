//! Whether the acceptor and the workers still come when they are called.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Each has answered all probes up to its number.
#[derive(Default)]
pub(super) struct Pulse {
    asked: AtomicU64,
    acceptor: AtomicU64,
    worker: AtomicU64,
    /// One is in the ready queue: there is never a second.
    queued: AtomicBool,
}

impl Pulse {
    /// A new question: its number, and whether a probe must be queued for it.
    pub(super) fn ask(&self) -> (u64, bool) {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        (number, !self.queued.swap(true, Ordering::SeqCst))
    }

    /// Whether the acceptor has answered the question.
    pub(super) fn acceptor_answered(&self, number: u64) -> bool {
        self.acceptor.load(Ordering::SeqCst) >= number
    }

    /// Whether a worker has answered the question.
    pub(super) fn worker_answered(&self, number: u64) -> bool {
        self.worker.load(Ordering::SeqCst) >= number
    }

    /// The acceptor looks at the door.
    pub(super) fn acceptor_came(&self) {
        let asked = self.asked.load(Ordering::SeqCst);
        self.acceptor.store(asked, Ordering::SeqCst);
    }

    /// A worker has taken the probe from the queue. Who asks from now on queues another, so what
    /// was asked before is answered by this one.
    pub(super) fn worker_came(&self) {
        self.queued.store(false, Ordering::SeqCst);
        let asked = self.asked.load(Ordering::SeqCst);
        self.worker.fetch_max(asked, Ordering::SeqCst);
    }
}
