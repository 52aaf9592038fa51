//! Whether the acceptor and the workers still come when they are called.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Each has answered all probes up to its number.
#[derive(Default)]
pub(super) struct Pulse {
    asked: AtomicU64,
    acceptor: AtomicU64,
    worker: AtomicU64,
    /// One is in the ready queue: there is never a second.
    queued: AtomicBool,
    /// The acceptor's own thread, which can't wait for itself.
    acceptor_thread: OnceLock<ThreadId>,
    acceptor_is_over: AtomicBool,
    /// Threads in `wait_for_acceptor`; the acceptor takes the lock only if there are any.
    waiting: AtomicUsize,
    lock: Mutex<()>,
    came: Condvar,
}

impl Pulse {
    /// The calling thread is the acceptor's.
    pub(super) fn acceptor_begins(&self) {
        let _ = self.acceptor_thread.set(thread::current().id());
    }

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
        self.wake_waiting();
    }

    /// The acceptor has let in its last client.
    pub(super) fn acceptor_ends(&self) {
        self.acceptor_is_over.store(true, Ordering::SeqCst);
        self.wake_waiting();
    }

    /// Both sides store first and load then: a thread that is not seen here sees what was stored.
    fn wake_waiting(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _in_turn = self.lock.lock();
            self.came.notify_all();
        }
    }

    /// Waits until the acceptor has come to the door since `ring` was called, or never comes
    /// again; `false` if it did not within `most`. Its own thread comes there next: it does not
    /// wait.
    pub(super) fn wait_for_acceptor(&self, ring: impl FnOnce(), most: Duration) -> bool {
        if self.acceptor_thread.get() == Some(&thread::current().id()) {
            return true;
        }
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.waiting.fetch_add(1, Ordering::SeqCst);
        ring();
        let until = Instant::now() + most;
        let has_come =
            || self.acceptor_answered(number) || self.acceptor_is_over.load(Ordering::SeqCst);
        let mut guard = self.lock.lock();
        while !has_come() && !self.came.wait_until(&mut guard, until).timed_out() {}
        drop(guard);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        has_come()
    }

    /// A worker has taken the probe from the queue. Who asks from now on queues another, so what
    /// was asked before is answered by this one.
    pub(super) fn worker_came(&self) {
        self.queued.store(false, Ordering::SeqCst);
        let asked = self.asked.load(Ordering::SeqCst);
        self.worker.fetch_max(asked, Ordering::SeqCst);
    }
}
