//! A health check of a running server.

use std::fmt;
use std::sync::Arc;

use super::shared::Shared;

/// A check whether a running server still accepts and serves; see
/// [`Handle::probe`](crate::Handle::probe).
#[must_use = "a probe has no effect unless its answers are read"]
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
        let (number, is_to_queue) = shared.heartbeat.ask();
        shared.ctx.accept_waker.notify();
        if is_to_queue {
            shared.enqueue_probe();
        }
        Probe {
            shared: Arc::clone(shared),
            number,
        }
    }

    /// Whether the acceptor has answered.
    pub fn acceptor_answered(&self) -> bool {
        self.shared.heartbeat.acceptor_answered(self.number)
    }

    /// Whether a worker has answered. While all workers are busy, none does.
    pub fn worker_answered(&self) -> bool {
        self.shared.heartbeat.worker_answered(self.number)
    }
}
