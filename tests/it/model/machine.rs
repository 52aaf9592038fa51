//! What the model's server uses: a poller, a pool and a gate, each a mutex and a condition
//! variable.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use loom::sync::Condvar;

use crate::scheduler::run_queue::Wait;
use crate::scheduler::sync::Mutex;

/// An event or a wake-up ends the wait, also one that came before it.
#[derive(Default)]
pub(super) struct Poller {
    pending: Mutex<Pending>,
    changed: Condvar,
    /// A plain atomic: see `connection.rs`.
    inside: AtomicBool,
}

#[derive(Default)]
struct Pending {
    events: Vec<(usize, usize)>,
    woken: bool,
}

impl Poller {
    /// The events: a connection's name and the kind of reason, each once.
    pub(super) fn wait(&self, wait: Wait) -> Vec<(usize, usize)> {
        assert!(!self.inside.swap(true, SeqCst), "two leaders");
        let mut pending = self.pending.lock();
        while wait != Wait::Never && pending.events.is_empty() && !pending.woken {
            pending = self.changed.wait(pending).expect("never poisoned");
        }
        pending.woken = false;
        self.inside.store(false, SeqCst);
        std::mem::take(&mut pending.events)
    }

    pub(super) fn wake(&self) {
        self.pending.lock().woken = true;
        self.changed.notify_one();
    }

    pub(super) fn raise(&self, name: usize, kind: usize) {
        self.pending.lock().events.push((name, kind));
        self.changed.notify_one();
    }
}

/// Idle threads and the jobs that wait for them.
#[derive(Default)]
pub(super) struct Pool {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

#[derive(Default)]
struct Jobs {
    /// Each with its generation.
    waiting: Vec<u64>,
    closed: bool,
}

impl Pool {
    pub(super) fn call_in(&self, generation: u64) {
        self.jobs.lock().waiting.push(generation);
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.jobs.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for a job; `None` when there will be none.
    pub(super) fn next_job(&self) -> Option<u64> {
        let mut jobs = self.jobs.lock();
        loop {
            if let Some(generation) = jobs.waiting.pop() {
                return Some(generation);
            }
            if jobs.closed {
                return None;
            }
            jobs = self.changed.wait(jobs).expect("never poisoned");
        }
    }
}

/// Lets one thread pass for each time that it was opened since the last one passed.
#[derive(Default)]
pub(super) struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub(super) fn open(&self) {
        *self.open.lock() = true;
        self.changed.notify_one();
    }

    pub(super) fn pass(&self) {
        let mut open = self.open.lock();
        while !*open {
            open = self.changed.wait(open).expect("never poisoned");
        }
        *open = false;
    }
}
