//! The server: connects listeners, run queue, workers, poller and watch, and reports on them.
//!
//! Also the library's handle to a running server: figures, resizing, pause, drain, health probe.
//! The only folder that sees both the pool and the poller. May import every other folder of the
//! library. Must not: the command line.

mod accept;
mod control;
mod evict;
mod guard;
mod heartbeat;
mod probe;
mod shared;
mod stats;
pub(crate) mod watch;

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::connection::registry::Registry;
use crate::drain::{Backlog, Report, ServerPhase};
use crate::error::{Error, Result};
use crate::framing::Framing;
use crate::limits::options::{Limits, Options};
use crate::net::acceptor::{AcceptErrors, Acceptor};
use crate::net::address::Address;
#[cfg(feature = "cli")]
use crate::net::address::Peer;
use crate::net::listen::{Listeners, SocketFile};
use crate::scheduler::poller::Poller;
use crate::scheduler::pool::{Pool, thread_name};
use crate::service::{Erased, Service, StreamService, Work};

pub use probe::Probe;
use shared::Shared;
pub use stats::Stats;

/// After the drain's deadline: how long workers have to notice that their socket was cut.
const CUT_GRACE: Duration = Duration::from_millis(500);

/// A running server: it listens and serves from its creation on.
///
/// Dropping it drains it, as [`Handle::drain`] and [`wait`](Server::wait) do: that takes until its
/// clients have closed, at most [`Options::drain`] and half a second. Do not drop it in a handler:
/// the drop would wait for that handler to return. [`Handle::drain`] does not wait.
#[must_use = "dropping it ends it"]
pub struct Server {
    shared: Arc<Shared>,
    addresses: Vec<Address>,
    threads: Vec<JoinHandle<()>>,
    socket_files: Vec<SocketFile>,
}

/// A handle to a running server, for any thread. Cheap to clone. It does not keep the server
/// running, but keeps its figures and its service in memory: a service that holds a handle to its
/// own server is never dropped, so it ends its work in [`finish`](Service::finish).
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
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on an address and serves every client that connects to it. For several addresses,
    /// and for a choice of how they are bound: [`Listeners::bind_all`] and [`Server::serve`].
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the address or the options, or which system call failed.
    pub fn bind(address: &str, options: Options, service: impl Service) -> Result<Server> {
        Server::serve(Listeners::bind(address)?, options, service)
    }

    /// As [`bind`](Server::bind), on sockets that listen already.
    ///
    /// # Errors
    /// As [`bind`](Server::bind).
    pub fn serve(listeners: Listeners, options: Options, service: impl Service) -> Result<Server> {
        let opener = Erased(Arc::new(service));
        Server::start(listeners, options, Work::Messages(Arc::new(opener)))
    }

    /// Listens on an address and gives each client's stream to the service, on a worker that it
    /// keeps until it returns. When all workers are taken, clients wait in order of arrival; one
    /// thread more than `workers` watches the waiting ones.
    ///
    /// # Errors
    /// As [`bind`](Server::bind).
    pub fn bind_streams(
        address: &str,
        options: Options,
        service: impl StreamService,
    ) -> Result<Server> {
        Server::serve_streams(Listeners::bind(address)?, options, service)
    }

    /// As [`bind_streams`](Server::bind_streams), on sockets that listen already.
    ///
    /// # Errors
    /// As [`bind`](Server::bind).
    pub fn serve_streams(
        listeners: Listeners,
        options: Options,
        service: impl StreamService,
    ) -> Result<Server> {
        Server::start(listeners, options, Work::Streams(Arc::new(service)))
    }

    fn start(listeners: Listeners, options: Options, work: Work) -> Result<Server> {
        let limits = Limits::new(options)?;
        let (sockets, addresses, socket_files) = listeners.into_parts();
        let name = limits.options.name;
        let threads = work.threads(limits.options.workers);
        let cannot = |what| move |source| Error::Start { what, source };
        let errors = Arc::new(AcceptErrors::default());
        let (acceptor, accept_waker) =
            Acceptor::new(sockets, Arc::clone(&errors)).map_err(cannot("the acceptor"))?;
        let poller = Poller::new().map_err(cannot("the poller"))?;
        let pool = Pool::new(name, threads).map_err(cannot("the workers"))?;
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            Shared::new(
                shared.clone(),
                limits,
                work,
                poller,
                pool,
                accept_waker,
                errors,
            )
        });
        shared.answer(shared.run_queue.open());
        let for_watch = Arc::clone(&shared);
        let for_acceptor = Arc::clone(&shared);
        let threads = spawn(name, "watch", move || for_watch.watch()).and_then(|watch| {
            let acceptor = spawn(name, "acceptor", move || for_acceptor.accept(acceptor))?;
            Ok(vec![watch, acceptor])
        });
        match threads {
            Ok(threads) => Ok(Server {
                shared,
                addresses,
                threads,
                socket_files,
            }),
            Err(error) => {
                // No client is connected, so the threads that were started end at once.
                shared.ctx.drain.begin(Backlog::Leave);
                shared.ctx.drain.no_more_clients();
                shared.ctx.drain.stop_if_empty(|| 0);
                shared.answer(shared.run_queue.close());
                shared.ctx.deadlines.watch_notify.notify();
                Err(error)
            }
        }
    }

    /// The address that was bound, with the real port instead of port 0; the first one, if there
    /// are several.
    pub fn address(&self) -> &Address {
        &self.addresses[0]
    }

    /// All addresses on which it listens, at least one.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Removes the files of its Unix sockets at the end, as if they had been bound here. For
    /// sockets that were [adopted](Listeners::adopt) from a process that uses them no more.
    pub fn own_socket_files(&mut self) {
        self.own_files_of(&self.addresses.clone());
    }

    /// As [`own_socket_files`](Server::own_socket_files), for these of its addresses.
    pub(crate) fn own_files_of(&mut self, these: &[Address]) {
        // The earlier ones are the same files, or belong to another process.
        self.socket_files.iter_mut().for_each(SocketFile::keep);
        let own = self.addresses.iter().filter(|one| these.contains(one));
        self.socket_files = SocketFile::all_of(&own.cloned().collect::<Vec<_>>());
    }

    /// A handle, to drain the server from elsewhere or to list its clients.
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Waits until the server is drained, and returns the report.
    #[must_use = "the report says whether clients were cut off"]
    pub fn wait(mut self) -> Report {
        self.finish()
    }

    fn finish(&mut self) -> Report {
        // Taken at once, so that this runs once.
        let threads = std::mem::take(&mut self.threads);
        let shared = Arc::clone(&self.shared);
        let drain = &shared.ctx.drain;
        drain.wait(ServerPhase::Draining, None);
        loop {
            // [`Handle::hurry`] may bring the deadline forward while this waits.
            let deadline = self.over_at();
            let look_again = deadline.min(Instant::now() + Duration::from_millis(50));
            if drain.wait(ServerPhase::Stopped, Some(look_again)) || Instant::now() >= deadline {
                break;
            }
        }
        let deadline = self.over_at();
        if drain.phase() < ServerPhase::Stopped {
            // The watch does the same, perhaps a moment later.
            shared.cut_off();
        }
        let lost = shared.ctx.work.finish(deadline);
        shared.answer(shared.run_queue.close());
        shared.ctx.deadlines.watch_notify.notify();
        if drain.backlog() == Backlog::Leave {
            self.socket_files.iter_mut().for_each(SocketFile::keep);
        }
        let report = shared.report(lost);
        if drain.phase() == ServerPhase::Stopped {
            for thread in threads {
                // Both threads end as soon as the server has stopped; a panic in one was reported.
                let _ = thread.join();
            }
            shared.pool.join(deadline);
        }
        report
    }

    /// The latest end of a drain: the deadline, and a grace for workers to notice that their socket
    /// was cut. Workers that are held up by the output notice nothing, and a drain that all
    /// connections have met needs no grace.
    fn over_at(&self) -> Instant {
        let drain = &self.shared.ctx.drain;
        let deadline = drain.deadline().unwrap_or_else(Instant::now);
        let is_met = drain.phase() == ServerPhase::Stopped && Instant::now() < deadline;
        match is_met || self.shared.ctx.work.is_held_up() {
            true => deadline,
            false => deadline + CUT_GRACE,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.handle().drain();
            let _ = self.finish();
        }
    }
}

impl Handle {
    /// Starts the drain: the server accepts the backlog and no further client, serves what each
    /// client has sent, and sends each the end of the stream. Returns at once; [`Server::wait`]
    /// reports.
    pub fn drain(&self) {
        self.shared.ctx.drain.begin(Backlog::Accept);
        self.shared.notify_threads();
    }

    /// As [`drain`](Handle::drain), but accepts no further client: the backlog is left to the
    /// process that has the [`listeners`](Handle::listeners), and a Unix socket's file stays.
    pub fn hand_over(&self) {
        self.shared.ctx.drain.begin(Backlog::Leave);
        self.shared.notify_threads();
    }

    /// Duplicates of the listening sockets, for a successor to accept from; none once they are
    /// closed. As long as one is open, clients can connect and wait in the backlog.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn listeners(&self) -> io::Result<Vec<OwnedFd>> {
        self.shared.ctx.accept_waker.listeners()
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

    /// The connected clients.
    pub fn registry(&self) -> &Registry {
        &self.shared.ctx.registry
    }

    /// Clients that have all their data and the end and have not closed, at most so many.
    #[cfg(feature = "cli")]
    pub(crate) fn lingering(&self, most: usize) -> Vec<Peer> {
        self.shared.ctx.lingering.peers(most)
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

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.shared.ctx.drain.phase();
        let mut out = out.debug_struct("Server");
        out.field("addresses", &self.addresses)
            .field("phase", &phase);
        out.finish_non_exhaustive()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Handle");
        out.field("phase", &self.phase()).finish_non_exhaustive()
    }
}

fn spawn(server: &str, name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let name = thread_name(server, name);
    let thread = std::thread::Builder::new().name(name).spawn(run);
    thread.map_err(|source: io::Error| Error::Start {
        what: "a thread",
        source,
    })
}
