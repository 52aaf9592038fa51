//! What acceptor, workers and watch share, and what each of them does with it.
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

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::acceptor::{AcceptErrors, Acceptor, Door, Doorbell};
use crate::connection::{Connection, Opening, Queue};
use crate::deadlines::Deadlines;
use crate::drain::{Drain, Report, ServerPhase};
use crate::framing::Decoder;
use crate::house::{House, Totals};
use crate::limits::{Limits, cores};
use crate::peer::Peer;
use crate::poller::Poller;
use crate::pool::Pool;
use crate::ready::{Call, Pace, Policy, Ready, Step, Wait};
use crate::registry::Registry;
use crate::service::Work;
use crate::state::{Next, Reasons};
use crate::turn::{Scratch, take_turn};
use crate::watch::{Bell, Look, keep};

/// Turns longer than this, on average, mean that handlers block or compute.
const SLOW_TURN: Duration = Duration::from_micros(50);
/// How long quick turns may leave the queue before another worker comes.
const CLEAR_WITHIN: Duration = Duration::from_millis(10);
pub(super) struct Shared {
    pub(super) house: House,
    pub(super) ready: Ready<Arc<Connection>>,
    pub(super) poller: Poller,
    pub(super) pool: Pool,
    pub(super) bell: Bell,
    pub(super) accept_errors: Arc<AcceptErrors>,
    pub(super) accepted: AtomicU64,
    pub(super) queue: Queue,
}

impl Shared {
    pub(super) fn new(
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
    pub(super) fn answer(self: &Arc<Self>, call: Call) {
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
    pub(super) fn accept(self: &Arc<Self>, acceptor: Acceptor) {
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
    pub(super) fn watch(self: &Arc<Self>) {
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
    pub(super) fn nudge(&self) {
        self.house.doorbell.ring();
        self.bell.ring();
    }

    pub(super) fn report(&self, lost: u64) -> Report {
        let (left, cut_off, took) = self.house.drain.outcome();
        let totals = &self.house.totals;
        // Who is still here has a service that is stuck: in the last message that it was handed,
        // or in an output whose lost messages are known.
        let stuck = self.house.registry.all();
        let in_turn = |one: &Arc<Connection>| one.tally.in_turn.load(Ordering::Relaxed);
        let in_turns: Vec<u64> = stuck
            .iter()
            .map(in_turn)
            .filter(|count| *count > 0)
            .collect();
        let received = totals.messages.load(Ordering::Relaxed) + in_turns.iter().sum::<u64>();
        let undelivered =
            totals.undelivered.load(Ordering::Relaxed) + lost.max(in_turns.len() as u64);
        Report {
            took,
            left,
            cut_off: cut_off + stuck.len() as u64,
            received,
            delivered: received.saturating_sub(undelivered),
        }
    }
}
