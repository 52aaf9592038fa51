//! Whether the acceptor and the workers still respond.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Each has answered all probes up to its number.
#[derive(Default)]
pub(super) struct Heartbeat {
    asked: AtomicU64,
    acceptor: AtomicU64,
    worker: AtomicU64,
    /// A probe is in the run queue; there is at most one.
    queued: AtomicBool,
    /// The thread that accepts now, which can't wait for itself.
    accepting: Mutex<Option<ThreadId>>,
    acceptor_is_over: AtomicBool,
    /// Threads in `wait_for_acceptor`; the acceptor takes the lock only if there are any.
    waiting: AtomicUsize,
    lock: Mutex<()>,
    came: Condvar,
}

impl Heartbeat {
    /// Runs the acceptor on the calling thread.
    pub(super) fn accepts<R>(&self, run: impl FnOnce() -> R) -> R {
        *self.accepting.lock() = Some(thread::current().id());
        let result = run();
        *self.accepting.lock() = None;
        result
    }

    /// Starts a probe: answers its number, and whether a task must be queued for it.
    pub(super) fn ask(&self) -> (u64, bool) {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        (number, !self.queued.swap(true, Ordering::SeqCst))
    }

    /// Whether the acceptor has answered the probe.
    pub(super) fn acceptor_answered(&self, number: u64) -> bool {
        self.acceptor.load(Ordering::SeqCst) >= number
    }

    /// Whether a worker has answered the probe.
    pub(super) fn worker_answered(&self, number: u64) -> bool {
        self.worker.load(Ordering::SeqCst) >= number
    }

    /// The acceptor checks its gate.
    pub(super) fn acceptor_came(&self) {
        let asked = self.asked.load(Ordering::SeqCst);
        self.acceptor.store(asked, Ordering::SeqCst);
        self.wake_waiting();
    }

    /// The acceptor has admitted its last client.
    pub(super) fn acceptor_ends(&self) {
        self.acceptor_is_over.store(true, Ordering::SeqCst);
        self.wake_waiting();
    }

    /// Both sides store before they load, so a thread that is not seen here sees what was stored.
    fn wake_waiting(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _in_turn = self.lock.lock();
            self.came.notify_all();
        }
    }

    /// Calls `wake` and waits until the acceptor has checked its gate since, or has ended; `false`
    /// if neither happens within `most`. Does not wait on the thread that accepts, which checks the
    /// gate next.
    pub(super) fn wait_for_acceptor(&self, wake: impl FnOnce(), most: Duration) -> bool {
        if *self.accepting.lock() == Some(thread::current().id()) {
            return true;
        }
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.waiting.fetch_add(1, Ordering::SeqCst);
        wake();
        let until = Instant::now() + most;
        let has_come =
            || self.acceptor_answered(number) || self.acceptor_is_over.load(Ordering::SeqCst);
        let mut guard = self.lock.lock();
        while !has_come() && !self.came.wait_until(&mut guard, until).timed_out() {}
        drop(guard);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        has_come()
    }

    /// A worker has taken the probe from the queue. It answers all probes so far; the next one is
    /// queued anew.
    pub(super) fn worker_came(&self) {
        self.queued.store(false, Ordering::SeqCst);
        let asked = self.asked.load(Ordering::SeqCst);
        self.worker.fetch_max(asked, Ordering::SeqCst);
    }
}
