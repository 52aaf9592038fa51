//! The handle to a running server.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::probe::Probe;
use super::shared::Shared;
use super::stats::Stats;
use crate::connection::registry::Registry;
use crate::drain::{Backlog, ServerPhase};
use crate::framing::Framing;
use crate::service::Work;

/// A handle to a running server, for any thread. Cheap to clone. It does not keep the server
/// running, but keeps its figures and its service in memory: a service that holds a handle to its
/// own server is never dropped, so it ends its work in [`finish`](crate::Service::finish).
///
/// ```
/// use poold::service::Echo;
/// use poold::{Options, Server};
///
/// # fn main() -> poold::Result<()> {
/// let server = Server::bind("127.0.0.1:0", Options::default(), Echo)?;
/// let handle = server.handle();
/// handle.set_workers(16)?;
/// let stats = handle.stats();
/// println!("{} clients, {} messages", stats.clients, stats.messages_in);
/// println!("99 % waited at most {:?} for a worker", stats.waits.quantile(0.99));
///
/// std::thread::spawn(move || handle.drain()); // Or from a handler, or a signal's thread.
/// let report = server.wait();
/// assert_eq!(report.cut_off, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Handle {
    pub(super) shared: Arc<Shared>,
}

impl Handle {
    /// Starts the drain: the server accepts the backlog and no further client, serves what each
    /// client has sent, and sends each the end of the stream. Returns at once;
    /// [`Server::wait`](crate::Server::wait) reports.
    ///
    /// Of a drain that [`hand_over_within`](Handle::hand_over_within) has begun, no more is left
    /// than [`Options::drain`](crate::Options::drain).
    pub fn drain(&self) {
        self.shared.ctx.drain.begin(Backlog::Accept);
        self.shared.ctx.drain.shorten();
        self.shared.notify_threads();
    }

    /// As [`drain`](Handle::drain), but accepts no further client: the backlog is left to the
    /// process that has the [`listeners`](Handle::listeners), and a Unix socket's file stays.
    pub fn hand_over(&self) {
        self.shared.ctx.drain.begin(Backlog::Leave);
        self.shared.notify_threads();
    }

    /// As [`hand_over`](Handle::hand_over), for clients that may take longer, or less long, than
    /// [`Options::drain`](crate::Options::drain): those that a
    /// [`StreamService`](crate::StreamService) serves, which can't move to the other process.
    pub fn hand_over_within(&self, drain: Duration) {
        let begun = &self.shared.ctx.drain;
        begun.begin_within(Backlog::Leave, drain);
        self.shared.notify_threads();
    }

    /// Duplicates of the listening sockets, for a successor to accept from; none once they are
    /// closed. As long as one is open, clients can connect and wait in the backlog.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn listeners(&self) -> io::Result<Vec<OwnedFd>> {
        self.shared.listeners.duplicate()
    }

    /// Calls `then` when a drain begins, at once if one has, on the thread that begins it. It must
    /// not block; a panic in it changes nothing.
    pub fn when_draining(&self, then: impl FnOnce() + Send + 'static) {
        self.shared.ctx.drain.when_begun(Box::new(then));
    }

    /// Brings the drain's deadline forward to now: clients that are still connected are reset.
    pub fn hurry(&self) {
        self.shared.ctx.drain.hurry();
        self.shared.notify_threads();
    }

    /// Where the server is in its life.
    pub fn phase(&self) -> ServerPhase {
        self.shared.ctx.drain.phase()
    }

    /// Waits until the server has reached `phase` or a later one; `false` after `timeout`.
    pub fn wait_for(&self, phase: ServerPhase, timeout: Duration) -> bool {
        // A time beyond the clock's range is no timeout.
        let until = Instant::now().checked_add(timeout);
        self.shared.ctx.drain.wait(phase, until)
    }

    /// The time until the drain's deadline; `None` before the drain has begun.
    pub fn drain_left(&self) -> Option<Duration> {
        let deadline = self.shared.ctx.drain.deadline()?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Asks the acceptor and, through the run queue, one worker to answer. Returns at once; the
    /// probe says which of them have answered.
    pub fn probe(&self) -> Probe {
        Probe::new(&self.shared)
    }

    /// The number of the client that connected last.
    pub fn last_id(&self) -> u64 {
        self.shared.numbers_before + self.shared.accepted.load(Ordering::Relaxed)
    }

    /// The connected clients.
    pub fn registry(&self) -> &Registry {
        &self.shared.ctx.registry
    }

    /// The server's own figures.
    pub fn stats(&self) -> Stats {
        Stats::of(&self.shared)
    }

    /// The framing of messages; `None` for a stream service.
    pub fn framing(&self) -> Option<&Framing> {
        let ctx = &self.shared.ctx;
        let cuts = matches!(ctx.work, Work::Messages(_));
        cuts.then_some(&ctx.limits.options.framing)
    }

    /// The maximum memory in bytes that the limits let clients and workers use.
    pub fn memory_max(&self) -> u64 {
        let ctx = &self.shared.ctx;
        let reads = matches!(ctx.work, Work::Messages(_));
        ctx.limits.memory_max(reads)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Handle");
        out.field("phase", &self.phase()).finish_non_exhaustive()
    }
}
