//! Whether the acceptor and the workers still come when they are called.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::shared::Shared;

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

/// A question to a running server whether it still accepts and serves; see
/// [`Handle::probe`](crate::Handle::probe).
#[must_use = "it tells only those who look at it"]
pub struct Probe {
    shared: Arc<Shared>,
    number: u64,
}

impl fmt::Debug for Probe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Probe")
            .field("acceptor_answered", &self.acceptor_answered())
            .field("worker_answered", &self.worker_answered())
            .finish_non_exhaustive()
    }
}

impl Probe {
    pub(super) fn new(shared: &Arc<Shared>) -> Probe {
        let pulse = &shared.pulse;
        let number = pulse.asked.fetch_add(1, Ordering::SeqCst) + 1;
        shared.house.doorbell.ring();
        if !pulse.queued.swap(true, Ordering::SeqCst) {
            shared.enqueue_probe();
        }
        Probe {
            shared: Arc::clone(shared),
            number,
        }
    }

    /// Whether the acceptor has answered.
    pub fn acceptor_answered(&self) -> bool {
        self.shared.pulse.acceptor.load(Ordering::SeqCst) >= self.number
    }

    /// Whether a worker has. While all are busy none does.
    pub fn worker_answered(&self) -> bool {
        self.shared.pulse.worker.load(Ordering::SeqCst) >= self.number
    }
}
