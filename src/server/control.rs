//! What can be changed while a server runs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::warn;

use super::Handle;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::limits::options;
use crate::scheduler::worker_status::WorkerInfo;

/// Longest wait for the acceptor, which needs microseconds where it has a processor.
const PAUSE_WITHIN: Duration = Duration::from_secs(5);

impl Handle {
    /// Announces a drain that begins after `delay`: [`is_ready`](Handle::is_ready) is false from
    /// now on, so a load balancer sends no more clients, while clients are still accepted and
    /// served. Has no effect if a drain has begun or was announced.
    pub fn drain_after(&self, delay: Duration) {
        self.shared.ctx.drain.announce(delay);
        self.shared.notify_threads();
    }

    /// Whether a load balancer should send clients: no drain has begun or was announced, and
    /// accepting is not paused.
    pub fn is_ready(&self) -> bool {
        !self.is_leaving() && !self.is_paused()
    }

    /// Whether a drain was announced or has begun.
    pub fn is_leaving(&self) -> bool {
        self.shared.ctx.drain.is_leaving()
    }

    /// Accepts no client until [`resume`](Handle::resume): new ones wait in the kernel's backlog,
    /// connected ones are served. A drain still accepts the backlog.
    ///
    /// Returns when no more clients can be admitted: it waits until the acceptor has finished the
    /// client that it is admitting, for at most 5 s; then the log says that the acceptor is stuck.
    /// In [`refusal`](crate::Service::refusal), which the acceptor calls, it returns at once.
    pub fn pause(&self) {
        let Shared { ctx, heartbeat, .. } = &*self.shared;
        ctx.knobs.is_paused.store(true, Ordering::SeqCst);
        if !heartbeat.wait_for_acceptor(|| ctx.accept_waker.notify(), PAUSE_WITHIN) {
            warn!("accepting is paused, but the acceptor is stuck; it may let one more client in");
        }
    }

    /// Accepts again.
    pub fn resume(&self) {
        let paused = &self.shared.ctx.knobs.is_paused;
        paused.store(false, Ordering::SeqCst);
        self.shared.ctx.accept_waker.notify();
    }

    /// Whether accepting is paused.
    pub fn is_paused(&self) -> bool {
        self.shared.ctx.knobs.is_paused.load(Ordering::SeqCst)
    }

    /// Changes the number of workers, 1 to 1024, at once: no further worker starts a turn beyond
    /// it. Workers above the new number, and those from before the change, end after their turn; no
    /// turn is interrupted. Stuck workers count until their handler returns.
    ///
    /// # Errors
    /// [`Error::Option`] when the number is out of bounds; [`Error::Start`] when the system does
    /// not give that many threads, or too many earlier workers are still in their handlers. After
    /// an error nothing has changed.
    pub fn set_workers(&self, workers: usize) -> Result<()> {
        options::check_workers(workers)?;
        let shared = &self.shared;
        let now = &shared.ctx.knobs.workers;
        // Turns and readers of the figures never wait for this lock.
        let _resizing = shared.resizing.lock();
        let before = now.load(Ordering::Relaxed);
        if before == workers {
            return Ok(());
        }
        let threads = shared.ctx.work.threads(workers);
        let wait_queue = &shared.ctx.wait_queue;
        // During the resize keep at least one thread free to poll.
        wait_queue.resize(workers.min(before));
        let generation = shared.pool.resize(threads).map_err(|source| {
            wait_queue.resize(before);
            let what = "the workers";
            Error::Start { what, source }
        })?;
        now.store(workers, Ordering::Relaxed);
        let each = shared.ctx.limits.options.worker_descriptors;
        if each > 0 {
            let most = options::clients_most(workers, each);
            let clients_max = &shared.ctx.knobs.clients_max;
            clients_max.fetch_min(most, Ordering::SeqCst);
        }
        shared.answer(shared.run_queue.resize(threads, generation));
        wait_queue.resize(workers);
        shared.ctx.accept_waker.notify();
        Ok(())
    }

    /// Changes the maximum number of clients, at least 1. Connected clients stay, even above it.
    ///
    /// # Errors
    /// [`Error::Option`] when it is 0 or needs more descriptors than the process may open.
    pub fn set_clients_max(&self, clients_max: usize) -> Result<()> {
        let knobs = &self.shared.ctx.knobs;
        let workers = knobs.workers.load(Ordering::Relaxed);
        let each = self.shared.ctx.limits.options.worker_descriptors;
        options::check_clients_max(clients_max, workers, each)?;
        knobs.clients_max.store(clients_max, Ordering::SeqCst);
        self.shared.ctx.accept_waker.notify();
        Ok(())
    }

    /// Changes the time after which a worker whose handler has not returned is reported as stuck.
    ///
    /// # Errors
    /// [`Error::Option`] when it is more than 100 years.
    pub fn set_stuck_after(&self, stuck_after: Duration) -> Result<()> {
        options::check_stuck_after(stuck_after)?;
        self.shared.worker_table.set_stuck_after(stuck_after);
        self.shared.notify_threads();
        Ok(())
    }

    /// The workers that serve a client now: which client, since when, and whether they are stuck.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        self.shared.worker_table.list()
    }
}
