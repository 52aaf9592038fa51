//! The composer: the only room that sees both the pool and the poller.
//!
//! The registry, the queue, the poller and the pool know nothing of each other; here their
//! closures are tied together.
//!
//! ```text
//! acceptor ──▶ registry, poller, ready queue ──▶ worker: next() ─▶ serve ─▶ turn
//!                     ▲                             │    │
//!                     └── wake (client, poller,     │    └──▶ lead ─▶ poller ─▶ led()
//!                              watch, drain)        └──▶ home
//! ```

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::acceptor::{AcceptErrors, Acceptor, Door, Doorbell};
use crate::connection::{Connection, Opening, Queue};
use crate::deadlines::Deadlines;
use crate::drain::{Drain, Report, ServerPhase};
use crate::error::{Error, Result};
use crate::framing::Decoder;
use crate::limits::{Limits, Options, cores};
use crate::listen::{self, SocketFile};
use crate::peer::{Address, Peer};
use crate::poller::Poller;
use crate::pool::Pool;
use crate::ready::{Call, Pace, Policy, Ready, Step, Wait};
use crate::registry::Registry;
use crate::service::{Opens, Service, StreamService, Work};
use crate::state::{Next, Reasons};
use crate::turn::{House, Scratch, Totals, take_turn};
use crate::watch::{Bell, Look, keep};

/// Turns longer than this, on average, mean that handlers block or compute.
const SLOW_TURN: Duration = Duration::from_micros(50);
/// How long quick turns may leave the queue before another worker comes.
const CLEAR_WITHIN: Duration = Duration::from_millis(10);
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

struct Shared {
    house: House,
    ready: Ready<Arc<Connection>>,
    poller: Poller,
    pool: Pool,
    bell: Bell,
    accept_errors: Arc<AcceptErrors>,
    accepted: AtomicU64,
    queue: Queue,
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
    /// keeps until it returns. Clients beyond the workers wait in the order in which they came.
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
        let (listener, address, socket_file) = listen::listen(address)?;
        let cannot = |what| move |source| Error::Start { what, source };
        let errors = Arc::new(AcceptErrors::default());
        let (acceptor, doorbell) =
            Acceptor::new(vec![listener], Arc::clone(&errors)).map_err(cannot("the acceptor"))?;
        let poller = Poller::new().map_err(cannot("the poller"))?;
        let pool = Pool::new(limits.options.workers).map_err(cannot("the workers"))?;
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            Shared::new(shared.clone(), limits, work, poller, pool, doorbell, errors)
        });
        shared.answer(shared.ready.open());
        let mut threads = Vec::new();
        let for_watch = Arc::clone(&shared);
        threads.push(spawn("watch", move || for_watch.watch())?);
        let for_acceptor = Arc::clone(&shared);
        threads.push(spawn("acceptor", move || for_acceptor.accept(acceptor))?);
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
        shared.bell.ring();
        let report = shared.report(lost);
        if drain.phase() == ServerPhase::Stopped {
            for thread in self.threads.drain(..) {
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
        self.shared.stats()
    }

    /// The most memory in bytes that the limits let clients and workers use.
    pub fn memory_max(&self) -> u64 {
        self.shared.house.limits.memory_max()
    }
}

/// What a server has done so far, and what it does now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Clients accepted. Grows with every connection.
    pub accepted: u64,
    /// Clients connected now.
    pub clients: usize,
    /// Connections that wait for a worker now. Often above zero: add workers.
    pub ready: usize,
    /// Workers called in now, the one that polls included.
    pub workers_on_duty: usize,
    /// Messages read.
    pub messages: u64,
    /// Messages that ended with their connection, not with a delimiter.
    pub partial: u64,
    /// Messages longer than the bound, delivered cut. Raise `message_max` or mend the sender.
    pub truncated: u64,
    /// Messages longer than the bound, skipped. As above.
    pub dropped: u64,
    /// Panics in handlers: each closed its client. The log says where.
    pub panics: u64,
    /// Failed accepts for want of a descriptor or memory. Raise the limit or lower `clients_max`.
    pub accept_exhausted: u64,
    /// Failed accepts of clients that had already gone.
    pub accept_client: u64,
}

impl Shared {
    fn new(
        shared: Weak<Shared>,
        limits: Limits,
        work: Work,
        poller: Poller,
        pool: Pool,
        doorbell: Doorbell,
        accept_errors: Arc<AcceptErrors>,
    ) -> Shared {
        let policy = Policy {
            workers: limits.options.workers,
            slow_turn: SLOW_TURN,
            quick_workers: cores(),
            clear_within: CLEAR_WITHIN,
            pace: if matches!(work, Work::Streams(_)) {
                Pace::Slow
            } else {
                Pace::Measured
            },
        };
        let drain = Drain::new(limits.options.drain);
        Shared {
            house: House {
                limits,
                work,
                registry: Registry::default(),
                drain,
                deadlines: Deadlines::default(),
                totals: Totals::default(),
                doorbell,
            },
            ready: Ready::new(policy),
            poller,
            pool,
            bell: Bell::default(),
            accept_errors,
            accepted: AtomicU64::new(0),
            queue: Arc::new(move |connection| {
                if let Some(shared) = shared.upgrade() {
                    shared.answer(shared.ready.push(connection));
                }
            }),
        }
    }

    /// Does what the ready queue asks for.
    fn answer(self: &Arc<Self>, call: Call) {
        match call {
            Call::Nobody => {}
            Call::Poller => self.poller.wake(),
            Call::Worker => {
                let shared = Arc::clone(self);
                self.pool
                    .call_in(move || Scratch::lend(|scratch| shared.work(scratch)));
            }
        }
    }

    /// A worker's time on duty.
    fn work(self: &Arc<Self>, scratch: &mut Scratch) {
        let mut harvest = Vec::new();
        let mut step = self.ready.next(None, None);
        loop {
            step = match step {
                Step::Home => return,
                Step::Lead(wait) => {
                    self.lead(wait, &mut harvest);
                    self.ready.next(None, None)
                }
                Step::Serve(connection, call) => {
                    self.answer(call);
                    let began = Instant::now();
                    let next = take_turn(&self.house, &connection, scratch, began);
                    let again = (next == Next::Queue).then_some(connection);
                    self.ready.next(Some(began.elapsed()), again)
                }
            };
        }
    }

    /// Waits in the poller and brings back what became ready.
    fn lead(&self, wait: Wait, harvest: &mut Vec<Arc<Connection>>) {
        let timeout = match wait {
            Wait::Event => None,
            Wait::Never => Some(Duration::ZERO),
        };
        let mut woken = Vec::new();
        if let Err(error) = self
            .poller
            .wait(timeout, |id, reasons| woken.push((id, reasons)))
        {
            tracing::error!(%error, "the poller failed");
        }
        if !woken.is_empty() {
            let registry = self.house.registry.reader();
            for (id, reasons) in woken {
                if let Some(connection) = registry.get(&id)
                    && connection.state.wake(reasons) == Next::Queue
                {
                    harvest.push(Arc::clone(connection));
                }
            }
        }
        if self.ready.led(harvest) {
            self.bell.ring();
        }
    }

    /// The acceptor's life, and the drain's first steps.
    fn accept(self: &Arc<Self>, acceptor: Acceptor) {
        let clients_max = self.house.limits.options.clients_max;
        let door = || match self.house.drain.phase() {
            ServerPhase::Running if self.house.registry.count() < clients_max => Door::Open,
            ServerPhase::Running => Door::Full,
            _ => Door::Closing,
        };
        acceptor.run(door, |socket, peer| self.admit(socket, peer));
        self.house.drain.begin();
        self.house.drain.no_more_clients();
        let mut left = 0;
        for connection in self.house.registry.all() {
            left += 1;
            if connection.lent.load(Ordering::SeqCst) {
                connection.shut(std::net::Shutdown::Read);
            }
            connection.wake(Reasons::NOTICE);
        }
        if left == 0 {
            self.house.drain.stop_if_empty(self.house.registry.count());
        }
    }

    fn admit(self: &Arc<Self>, socket: Socket, peer: Peer) {
        let options = &self.house.limits.options;
        let id = self.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        let connection = Arc::new(Connection::new(Opening {
            id,
            peer,
            socket,
            decoder: Decoder::new(options.framing, options.message_max, options.overlong),
            outbox_max: options.outbox_max,
            queue: Arc::clone(&self.queue),
        }));
        self.house.registry.insert(Arc::clone(&connection));
        if let Err(error) = self.poller.watch(&connection.socket, id) {
            tracing::warn!(%error, %peer, "can't watch this client; it is closed");
            let left = self.house.registry.remove(id);
            self.house.drain.one_gone(true, left);
            return;
        }
        tracing::debug!(id, %peer, "connected");
        self.answer(self.ready.push(connection));
    }

    /// The watch's life.
    fn watch(self: &Arc<Self>) {
        keep(
            &self.bell,
            |now| {
                let tick = self.ready.tick();
                self.answer(tick.call);
                for connection in self.house.deadlines.due(now) {
                    connection.wake(Reasons::NOTICE);
                }
                if self.house.drain.phase() == ServerPhase::Stopped {
                    return Look::Over;
                }
                if self
                    .house
                    .drain
                    .deadline()
                    .is_some_and(|deadline| deadline <= now)
                {
                    self.cut_off();
                    return Look::Work;
                }
                if tick.quiet { Look::Quiet } else { Look::Work }
            },
            || {
                let due = [self.house.drain.deadline(), self.house.deadlines.next()];
                self.ready
                    .park_watch()
                    .then(|| due.into_iter().flatten().min())
            },
        );
    }

    /// The drain's deadline has come: every connection that is left is reset.
    fn cut_off(&self) {
        for connection in self.house.registry.all() {
            connection.cut();
        }
    }

    /// Gets the acceptor and the watch to look at the phase.
    fn nudge(&self) {
        self.house.doorbell.ring();
        self.bell.ring();
    }

    fn report(&self, lost: u64) -> Report {
        let (left, cut_off, took) = self.house.drain.outcome();
        let totals = &self.house.totals;
        let received = totals.messages.load(Ordering::Relaxed);
        let undelivered = totals.undelivered.load(Ordering::Relaxed) + lost;
        Report {
            took,
            left,
            cut_off: cut_off + self.house.registry.count() as u64,
            received,
            delivered: received.saturating_sub(undelivered),
        }
    }

    fn stats(&self) -> Stats {
        let totals = &self.house.totals;
        let (ready, workers_on_duty) = self.ready.load();
        Stats {
            accepted: self.accepted.load(Ordering::Relaxed),
            clients: self.house.registry.count(),
            ready,
            workers_on_duty,
            messages: totals.messages.load(Ordering::Relaxed),
            partial: totals.partial.load(Ordering::Relaxed),
            truncated: totals.truncated.load(Ordering::Relaxed),
            dropped: totals.dropped.load(Ordering::Relaxed),
            panics: totals.panics.load(Ordering::Relaxed),
            accept_exhausted: self.accept_errors.exhausted.load(Ordering::Relaxed),
            accept_client: self.accept_errors.client.load(Ordering::Relaxed),
        }
    }
}

fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(run);
    thread.map_err(|source: io::Error| Error::Start {
        what: "a thread",
        source,
    })
}
