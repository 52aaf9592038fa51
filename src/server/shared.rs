//! The state that acceptor, workers and watch share, and what each of them does with it.
//!
//! The registry, the queue, the poller and the pool do not know each other; closures connect them
//! here.
//!
//! ```text
//! acceptor ──▶ registry, poller, run queue ───▶ worker: next() ─▶ serve ─▶ turn
//!     ▲               ▲                             │    │
//!     │               └── wake (client, poller,     │    └──▶ lead ─▶ poller ─▶ led()
//!     │                        watch, drain)        └──▶ park           │
//!     └─────────────────────────────────────────────────────────────────┘ a client has come
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::evict::Shedding;
use super::heartbeat::Heartbeat;
use crate::connection::deadlines::{Deadlines, Notify};
use crate::connection::handshakes::Handshakes;
use crate::connection::held::Held;
use crate::connection::here;
use crate::connection::lingering::Lingering;
use crate::connection::registry::Registry;
use crate::connection::wait_queue::WaitQueue;
use crate::connection::{Common, Connection};
use crate::drain::{Drain, Report, Unit};
use crate::framing::Framing;
use crate::limits::admission::{Admission, Rules};
use crate::limits::counters::Notices;
use crate::limits::options::{Limits, Options, cores};
use crate::limits::overload::Overload;
use crate::net::acceptor::{AcceptErrors, Acceptor, OpenListeners};
use crate::scheduler::baton::Baton;
use crate::scheduler::load::{Pace, Policy};
use crate::scheduler::poller::{LISTENER, Poller};
use crate::scheduler::pool::{NUMBERS, Pool, WorkerId};
use crate::scheduler::run_queue::{RunQueue, Step, Wait, Wakeup};
use crate::scheduler::state::{Next, Reasons};
use crate::scheduler::worker_status::WorkerTable;
use crate::service::{Tail, Work};
use crate::turn::context::{Knobs, ServerContext, Totals};
use crate::turn::{Scratch, serve_once};

/// Turns longer than this, on average, mean that handlers block or compute.
const SLOW_TURN: Duration = Duration::from_micros(50);
/// Turns longer than this are long against the waking of another worker, some 5 µs: lines by the
/// hundred that are formatted and written out. (At 25 µs half the turns of `recv` under eight
/// floods were longer, so `recv` alternated between one worker and two, at 0.5 and 0.8 of a bare
/// loop's throughput.)
const LONG_TURN: Duration = Duration::from_micros(15);
/// How long quick turns may leave the queue before another worker comes.
const CLEAR_WITHIN: Duration = Duration::from_millis(1);

/// When another worker is called in.
fn policy(options: &Options, work: &Work) -> Policy {
    Policy {
        workers: work.threads(options.workers),
        slow_turn: SLOW_TURN,
        long_turn: LONG_TURN,
        quick_workers: cores(),
        clear_within: CLEAR_WITHIN,
        pace: match work {
            Work::Messages(_) => Pace::Measured,
            Work::Streams(_) => Pace::Slow,
        },
    }
}

/// What connections know of the server.
fn common(options: &Options, shared: Weak<Shared>) -> Arc<Common> {
    let to_serve = Weak::clone(&shared);
    Arc::new(Common {
        framing: options.framing.clone(),
        message_max: options.message_max,
        overlong: options.overlong,
        outbox_max: options.outbox_max,
        rate: options.rate,
        queue: Box::new(move |connection| {
            if let Some(connection) = here::keep(connection)
                && let Some(shared) = shared.upgrade()
            {
                shared.enqueue(connection);
            }
        }),
        serve: Box::new(move |connection| {
            if let Some(shared) = to_serve.upgrade() {
                shared.serve_beside(connection);
            }
        }),
    })
}

/// An entry of the run queue.
pub(super) struct Queued {
    task: Task,
    since: Instant,
}

/// What a worker does with an entry.
enum Task {
    /// Serve this connection once.
    Serve(Arc<Connection>),
    /// Answer the probes.
    Answer,
}

/// The leader's buffers, used again for each poll.
#[derive(Default)]
struct PollBuffers {
    seen: Vec<(u64, Reasons)>,
    woken: Vec<Queued>,
}

pub(super) struct Shared {
    pub(super) ctx: ServerContext,
    pub(super) run_queue: RunQueue<Queued>,
    pub(super) poller: Poller,
    pub(super) pool: Pool,
    pub(super) worker_table: WorkerTable,
    pub(super) overload: Overload,
    pub(super) shedding: Shedding,
    pub(super) heartbeat: Heartbeat,
    /// What accepts; see `accept.rs` for the threads.
    pub(super) acceptor: Baton<Acceptor>,
    pub(super) listeners: OpenListeners,
    /// The poller has reported a client since the acceptor looked last.
    pub(super) client_has_come: AtomicBool,
    pub(super) accept_errors: Arc<AcceptErrors>,
    /// Clients that have a number.
    pub(super) accepted: AtomicU64,
    /// The first client that is accepted here has the number after this one.
    pub(super) numbers_before: u64,
    /// Held while the number of workers changes.
    pub(super) resizing: Mutex<()>,
    pub(super) common: Arc<Common>,
}

fn answers(work: &Work) -> bool {
    matches!(work, Work::Messages(opener) if opener.tail() == Tail::Discard)
}

impl Shared {
    pub(super) fn new(
        shared: Weak<Shared>,
        limits: Limits,
        work: Work,
        poller: Poller,
        pool: Pool,
        acceptor: Acceptor,
        accept_errors: Arc<AcceptErrors>,
    ) -> Shared {
        let policy = policy(&limits.options, &work);
        let options = &limits.options;
        let for_notices = Weak::clone(&shared);
        let notices = Notices::new(options.name, move || {
            if let Some(shared) = for_notices.upgrade() {
                shared.ctx.deadlines.watch_notify.notify();
            }
        });
        let common = common(options, shared);
        let worker_table = WorkerTable::new(NUMBERS, options.stuck_after);
        let wait_queue = WaitQueue::new(options.workers, options.queue_max);
        let overload = options.overload.filter(|_| answers(&work));
        let drain = Drain::new(options.drain);
        Shared {
            ctx: ServerContext {
                registry: Registry::default(),
                drain,
                admission: Admission::new(rules(options)),
                notices,
                deadlines: Deadlines::default(),
                wait_queue,
                lingering: Lingering::default(),
                handshakes: Handshakes::new(cores().saturating_sub(1).max(1)),
                held: Held::default(),
                totals: Totals::default(),
                streamed: Arc::default(),
                knobs: Knobs::of(options),
                accept_waker: Notify::default(),
                refused: AtomicUsize::new(0),
                close_wakes_acceptor: AtomicBool::new(false),
                limits,
                work,
            },
            run_queue: RunQueue::new(policy),
            poller,
            pool,
            worker_table,
            overload: Overload::new(overload),
            shedding: Shedding::default(),
            heartbeat: Heartbeat::default(),
            listeners: acceptor.open_listeners(),
            acceptor: Baton::new(acceptor),
            client_has_come: AtomicBool::new(false),
            accept_errors,
            accepted: AtomicU64::new(0),
            numbers_before: 0,
            resizing: Mutex::default(),
            common,
        }
    }

    /// Puts a connection at the back of the run queue.
    pub(super) fn enqueue(self: &Arc<Self>, connection: Arc<Connection>) {
        self.push(Task::Serve(connection));
    }

    /// Queues a task that answers the probes.
    pub(super) fn enqueue_probe(self: &Arc<Self>) {
        self.push(Task::Answer);
    }

    fn push(self: &Arc<Self>, task: Task) {
        let since = Instant::now();
        self.answer(self.run_queue.push(Queued { task, since }));
    }

    /// Carries out a wake-up for the run queue.
    pub(super) fn answer(self: &Arc<Self>, call: Wakeup) {
        match call {
            Wakeup::NotNeeded => {}
            Wakeup::Poller => self.poller.wake(),
            Wakeup::Worker => {
                let shared = Arc::clone(self);
                self.pool
                    .call_in(move |id| Scratch::lend(|scratch| shared.work(id, scratch)));
            }
        }
    }

    /// Runs a worker from its call-in until it parks.
    fn work(self: &Arc<Self>, id: WorkerId, scratch: &mut Scratch) {
        let WorkerId { number, generation } = id;
        let slot = self.worker_table.of(number);
        let mut net = PollBuffers::default();
        // One reading of the clock ends a turn and begins the next.
        let mut now = Instant::now();
        let mut step = self.run_queue.arrive(generation);
        loop {
            step = match step {
                Step::Park(call) => return self.answer(call),
                Step::Lead(wait) => {
                    self.lead(wait, &mut net);
                    let before = std::mem::replace(&mut now, Instant::now());
                    self.run_queue.next(generation, now - before)
                }
                Step::Serve(Queued { task, since }, call, epoch) => {
                    self.answer(call);
                    let began = now;
                    let Task::Serve(connection) = task else {
                        self.heartbeat.worker_came();
                        step = self
                            .run_queue
                            .ended(generation, epoch, Duration::ZERO, None);
                        continue;
                    };
                    let waited = began.saturating_duration_since(since);
                    self.overload.waited(waited);
                    self.worker_table.begin(slot, connection.id, began);
                    let next = serve_once(&self.ctx, &connection, scratch, began);
                    now = Instant::now();
                    self.worker_table.end(slot);
                    if next == Next::Leave {
                        self.rests(&connection);
                    }
                    let took = now - began;
                    let moved = std::mem::take(&mut scratch.moved);
                    slot.meter.count(waited, took, moved);
                    let took = took.saturating_sub(std::mem::take(&mut scratch.shaken));
                    let again = (next == Next::Queue).then_some(Queued {
                        task: Task::Serve(connection),
                        since: now,
                    });
                    self.run_queue.ended(generation, epoch, took, again)
                }
            };
        }
    }

    /// Serves a connection on a thread that is no worker, once.
    fn serve_beside(self: &Arc<Self>, connection: Arc<Connection>) {
        let began = Instant::now();
        let (next, moved) = Scratch::lend(|scratch| {
            let next = serve_once(&self.ctx, &connection, scratch, began);
            scratch.forget_server();
            (next, std::mem::take(&mut scratch.moved))
        });
        self.worker_table.count_beside(began.elapsed(), moved);
        match next {
            Next::Queue => self.enqueue(connection),
            Next::Leave => self.rests(&connection),
        }
    }

    /// Waits in the poller, queues the connections that became ready, and accepts new ones.
    fn lead(self: &Arc<Self>, wait: Wait, net: &mut PollBuffers) {
        let PollBuffers { seen, woken } = net;
        let mut has_client = false;
        if let Err(error) = self
            .poller
            .wait(wait, |id, reasons| seen.push((id, reasons)))
        {
            tracing::error!(%error, "the poller failed");
        }
        self.ctx.handshakes.polled();
        if !seen.is_empty() {
            let since = Instant::now();
            let registry = self.ctx.registry.reader();
            for (id, reasons) in seen.drain(..) {
                has_client |= id == LISTENER;
                if let Some(connection) = registry.get(&id)
                    && connection.state.wake(reasons) == Next::Queue
                {
                    let task = Task::Serve(Arc::clone(connection));
                    woken.push(Queued { task, since });
                }
            }
        }
        if self.run_queue.led(woken) {
            self.ctx.deadlines.watch_notify.notify();
        }
        if has_client {
            self.accept_some();
        }
    }

    /// Wakes the acceptor and the watch, which then check the phase.
    pub(super) fn notify_threads(&self) {
        self.ctx.accept_waker.notify();
        self.ctx.deadlines.watch_notify.notify();
    }

    pub(super) fn report(&self, lost: u64) -> Report {
        // A connection is either in the registry or in the counts.
        let registry = self.ctx.registry.reader();
        let (left, cut_off, took) = self.ctx.drain.outcome();
        let stuck: Vec<_> = registry.values().cloned().collect();
        drop(registry);
        let totals = &self.ctx.totals;
        // Connections that are left have a stuck service: in the last message that it was given, or
        // in an output whose lost messages are counted.
        let in_turn = |one: &Arc<Connection>| one.tally.in_turn.load(Ordering::Relaxed);
        let in_turns = stuck.iter().map(|one| u64::from(in_turn(one)));
        let in_turns: Vec<u64> = in_turns.filter(|count| *count > 0).collect();
        let received = totals.messages.load(Ordering::Relaxed) + in_turns.iter().sum::<u64>();
        let lost = lost.max(in_turns.len() as u64);
        let undelivered = totals
            .undelivered
            .load(Ordering::Relaxed)
            .saturating_add(lost);
        Report {
            took,
            left,
            cut_off: cut_off + stuck.len() as u64,
            received,
            delivered: received.saturating_sub(undelivered),
            served: self.ctx.streamed.clients.load(Ordering::Relaxed),
            unit: match (&self.ctx.work, &self.ctx.limits.options.framing) {
                (Work::Streams(_), _) => Unit::Streams,
                (Work::Messages(_), Framing::Raw) => Unit::Pieces,
                (Work::Messages(_), _) => Unit::Messages,
            },
        }
    }
}

fn rules(options: &Options) -> Rules {
    Rules {
        per_address_max: options.per_address_max,
        when_address_full: options.when_address_full,
        allow: options.allow.clone(),
        deny: options.deny.clone(),
        proxy_from: options.proxy_from.clone(),
        accept_rate: options.accept_rate,
    }
}
