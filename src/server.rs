//! The composer: the only room that sees both the pool and the poller.

mod control;
mod entrance;
mod guard;
mod shared;
mod shedding;
mod stats;

use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::acceptor::{AcceptErrors, Acceptor};
use crate::drain::{Report, ServerPhase};
use crate::error::{Error, Result};
use crate::limits::{Limits, Options};
use crate::listen::{self, SocketFile};
use crate::peer::Address;
use crate::poller::Poller;
use crate::pool::{Pool, thread_name};
use crate::registry::Registry;
use crate::service::{Opens, Service, StreamService, Work};

use shared::Shared;
pub use stats::Stats;

/// After the drain's deadline: how long workers have to notice that their socket was cut.
const CUT_GRACE: Duration = Duration::from_millis(500);

/// A running server: it listens and serves from the moment it is made.
///
/// Dropping it drains it, as [`wait`](Server::wait) after [`Handle::drain`] does.
pub struct Server {
    shared: Arc<Shared>,
    address: Address,
    threads: Vec<JoinHandle<()>>,
    _socket_file: Option<SocketFile>,
}

/// What can be done with a running server from anywhere. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on an address and serves every client that connects to it.
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the address or the options, or what the system refused.
    pub fn bind(address: &str, options: Options, service: impl Service) -> Result<Server> {
        let opener = Opens(Arc::new(service));
        Server::start(&address.parse()?, options, Work::Messages(Arc::new(opener)))
    }

    /// Listens on an address and gives each client's stream to the service, with a worker that it
    /// keeps until it returns. Clients beyond the workers wait in the order in which they came;
    /// one thread more than `workers` sees to those who wait.
    ///
    /// # Errors
    /// As [`bind`](Server::bind).
    pub fn bind_streams(
        address: &str,
        options: Options,
        service: impl StreamService,
    ) -> Result<Server> {
        Server::start(&address.parse()?, options, Work::Streams(Arc::new(service)))
    }

    fn start(address: &Address, options: Options, work: Work) -> Result<Server> {
        let limits = Limits::new(options)?;
        let name = limits.options.name;
        let (listener, address, socket_file) = listen::listen(address)?;
        let threads = work.threads(limits.options.workers);
        let cannot = |what| move |source| Error::Start { what, source };
        let errors = Arc::new(AcceptErrors::default());
        let (acceptor, doorbell) =
            Acceptor::new(vec![listener], Arc::clone(&errors)).map_err(cannot("the acceptor"))?;
        let poller = Poller::new().map_err(cannot("the poller"))?;
        let pool = Pool::new(name, threads).map_err(cannot("the workers"))?;
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            Shared::new(shared.clone(), limits, work, poller, pool, doorbell, errors)
        });
        shared.answer(shared.ready.open());
        let mut threads = Vec::new();
        let for_watch = Arc::clone(&shared);
        threads.push(spawn(name, "watch", move || for_watch.watch())?);
        let for_acceptor = Arc::clone(&shared);
        threads.push(spawn(name, "acceptor", move || {
            for_acceptor.accept(acceptor)
        })?);
        Ok(Server {
            shared,
            address,
            threads,
            _socket_file: socket_file,
        })
    }

    /// Where it listens: the address that was bound, port 0 replaced by the real one.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// A handle, to drain it from elsewhere or to see who is connected.
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Waits until somebody drains the server and the drain is over, and reports how it went.
    #[must_use = "the report says whether anybody was cut off"]
    pub fn wait(mut self) -> Report {
        self.finish()
    }

    fn finish(&mut self) -> Report {
        // Taken at once, so that this runs once.
        let threads = std::mem::take(&mut self.threads);
        let shared = Arc::clone(&self.shared);
        let drain = &shared.house.drain;
        drain.wait(ServerPhase::Draining, None);
        loop {
            // A second signal may bring the deadline forward while this waits.
            let deadline = drain.deadline().unwrap_or_else(Instant::now) + CUT_GRACE;
            let look_again = deadline.min(Instant::now() + Duration::from_millis(50));
            if drain.wait(ServerPhase::Stopped, Some(look_again)) || Instant::now() >= deadline {
                break;
            }
        }
        let deadline = drain.deadline().unwrap_or_else(Instant::now) + CUT_GRACE;
        let lost = shared.house.work.finish(deadline);
        shared.answer(shared.ready.close());
        shared.house.deadlines.bell.ring();
        let report = shared.report(lost);
        if drain.phase() == ServerPhase::Stopped {
            for thread in threads {
                // Both end as soon as the server has stopped; a panic of theirs was reported.
                let _ = thread.join();
            }
            shared.pool.join(deadline);
        }
        report
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
    /// Starts the drain: the backlog is accepted, then nobody more; every client is served what
    /// it has sent, sees the end, and may close. Returns at once; [`Server::wait`] reports.
    pub fn drain(&self) {
        self.shared.house.drain.begin();
        self.shared.nudge();
    }

    /// Brings the drain's deadline forward to now: who is still connected is reset.
    pub fn hurry(&self) {
        self.shared.house.drain.hurry();
        self.shared.nudge();
    }

    /// Where the server is in its life.
    pub fn phase(&self) -> ServerPhase {
        self.shared.house.drain.phase()
    }

    /// Waits until the server has come to `phase`; `false` if `timeout` came first.
    pub fn wait_for(&self, phase: ServerPhase, timeout: Duration) -> bool {
        self.shared
            .house
            .drain
            .wait(phase, Some(Instant::now() + timeout))
    }

    /// Who is connected.
    pub fn registry(&self) -> &Registry {
        &self.shared.house.registry
    }

    /// The server's own figures.
    pub fn stats(&self) -> Stats {
        Stats::of(&self.shared)
    }

    /// The most memory in bytes that the limits let clients and workers use.
    pub fn memory_max(&self) -> u64 {
        self.shared.house.limits.memory_max()
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
