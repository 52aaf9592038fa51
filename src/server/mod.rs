//! The server: connects listeners, run queue, workers, poller and watch, and reports on them.
//!
//! Also the library's handle to a running server: figures, resizing, pause, drain, health probe.
//! The only folder that sees both the pool and the poller. May import every other folder of the
//! library. Must not: the command line.

mod accept;
mod arrival;
mod control;
mod evict;
mod export;
mod handle;
mod heartbeat;
mod parcel;
mod probe;
mod shared;
mod stats;
#[cfg(test)]
mod tests;
mod watch;

use std::fmt;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::drain::{Backlog, Report, ServerPhase};
use crate::error::{Error, Result};
use crate::limits::options::{Limits, Options};
use crate::net::acceptor::{AcceptErrors, Acceptor};
use crate::net::address::Address;
use crate::net::listen::{Listeners, SocketFile};
use crate::scheduler::poller::{LISTENER, Poller};
use crate::scheduler::pool::{Pool, thread_name};
use crate::service::{Erased, Service, StreamService, Work};

pub use arrival::Arrival;
pub use export::Export;
pub use handle::Handle;
pub use parcel::Parcel;
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
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::{Ipv4Addr, Shutdown, TcpStream};
///
/// use poold::{Options, Server, service::Echo};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = Options { workers: 4, ..Default::default() };
/// let server = Server::bind((Ipv4Addr::LOCALHOST, 0), options, Echo)?;
///
/// let mut client = TcpStream::connect(server.address())?;
/// client.write_all(b"hello\n")?;
/// client.shutdown(Shutdown::Write)?;
/// let mut text = String::new();
/// client.read_to_string(&mut text)?;
/// assert_eq!(text, "hello\n");
///
/// drop(client);
/// server.handle().drain();
/// let report = server.wait();
/// assert_eq!((report.received, report.cut_off), (1, 0));
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it ends it"]
pub struct Server {
    shared: Arc<Shared>,
    addresses: Vec<Address>,
    threads: Vec<JoinHandle<()>>,
    socket_files: Vec<SocketFile>,
}

impl Server {
    /// Listens on an [`Address`], or what one is made of: `"127.0.0.1:8080"`, a
    /// [`SocketAddr`](std::net::SocketAddr), `(Ipv4Addr::LOCALHOST, 8080)`. Serves every client
    /// that connects to it. For several addresses, and for a choice of how they are bound:
    /// [`Listeners::bind_all`] and [`Server::serve`].
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the address or the options, or which system call failed.
    pub fn bind<A>(address: A, options: Options, service: impl Service) -> Result<Server>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
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
    pub fn bind_streams<A>(
        address: A,
        options: Options,
        service: impl StreamService,
    ) -> Result<Server>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
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
        let numbers_before = listeners.numbers_before();
        let awaits_clients = listeners.awaits_clients() && work.moves_together();
        let (sockets, addresses, socket_files) = listeners.into_parts();
        let name = limits.options.name;
        let threads = work.threads(limits.options.workers);
        let cannot = Error::start;
        let errors = Arc::new(AcceptErrors::default());
        let acceptor = Acceptor::new(sockets, Arc::clone(&errors));
        let poller = Poller::new().map_err(cannot("the poller"))?;
        for listener in acceptor.listeners() {
            let watched = poller.watch(&listener, LISTENER);
            watched.map_err(cannot("the acceptor"))?;
        }
        let pool = Pool::new(name, threads).map_err(cannot("the workers"))?;
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            let shared = shared.clone();
            Shared {
                numbers_before,
                ..Shared::new(shared, limits, work, poller, pool, acceptor, errors)
            }
        });
        if awaits_clients {
            shared.ctx.held.shut_gate();
        }
        let for_watch = Arc::clone(&shared);
        let for_acceptor = Arc::clone(&shared);
        let threads = spawn(name, "watch", move || for_watch.watch()).and_then(|watch| {
            let acceptor = spawn(name, "acceptor", move || for_acceptor.accept())?;
            Ok(vec![watch, acceptor])
        });
        match threads {
            Ok(threads) => {
                shared.answer(shared.run_queue.open());
                Ok(Server {
                    shared,
                    addresses,
                    threads,
                    socket_files,
                })
            }
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
        shared.ctx.notices.end();
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

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.shared.ctx.drain.phase();
        let mut out = out.debug_struct("Server");
        out.field("addresses", &self.addresses)
            .field("phase", &phase);
        out.finish_non_exhaustive()
    }
}

fn spawn(server: &str, name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let name = thread_name(server, name);
    let thread = std::thread::Builder::new().name(name).spawn(run);
    thread.map_err(Error::start("a thread"))
}
