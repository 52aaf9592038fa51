//! Accepting: on which thread, which clients are admitted, which are refused; and the drain's first
//! steps.
//!
//! The workers' leader waits for new clients as for the bytes of connected ones. It accepts a few
//! and goes on with their first turns, so on a quiet server no thread wakes another for a client.
//! The acceptor's own thread accepts
//! - the rest of many that come at once, while workers go on with their clients;
//! - while no worker polls, because handlers block: the watch tells it;
//! - after a pause, because of a rate or for want of descriptors;
//! - when another thread has changed what the gate depends on;
//! - the backlog, when a drain begins.
//!
//! One of them at a time is the acceptor, see [`Baton`](crate::scheduler::baton::Baton).

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use socket2::Socket;
use tracing::debug;

use super::shared::Shared;
use crate::connection::lingering::Slot;
use crate::connection::{Connection, Opening, Stage};
use crate::drain::{Backlog, ServerPhase};
use crate::limits::admission::{Placed, WhenFull};
use crate::limits::counters::{Case, Trouble};
use crate::limits::limit::Limit;
use crate::limits::options::HEADER_WITHIN;
use crate::net::acceptor::{AcceptGate, AcceptHandler, Acceptor, Waits};
use crate::net::address::Peer;
use crate::scheduler::state::{Phase, Reasons};
use crate::service::InDrain;

/// One slot in so many is kept free, as long as a lingering client can be closed for it.
const PLACES_A_SPARE: usize = 16;

/// Maximum clients that a worker accepts in a row, while connected ones wait.
const WORKER_BURST: usize = 64;

/// What the acceptor's thread does next.
enum Then {
    /// Wait to be woken, or until this time.
    Wait(Option<Instant>),
    End,
}

/// A client's socket, its address, and whether it speaks plainly in any case.
type Accepted = (Socket, Peer, bool);

impl Shared {
    /// Runs the acceptor's thread until it ends, then the drain's first steps.
    pub(super) fn accept(self: &Arc<Self>) {
        self.accept_to_the_end();
        self.heartbeat.acceptor_ends();
        self.ctx.drain.begin(Backlog::Accept);
        self.ctx.drain.no_more_clients();
        let all = self.ctx.registry.all();
        let ends_input = self.ctx.work.in_drain() == InDrain::ReadOut;
        for connection in &all {
            if ends_input && connection.lent.load(Ordering::SeqCst) {
                connection.shut(Shutdown::Read);
            }
            connection.wake(Reasons::NOTICE);
        }
        self.ctx.drain.stop_if_empty(|| self.ctx.registry.count());
    }

    /// Accepts clients that the poller has reported, on a worker.
    pub(super) fn accept_some(self: &Arc<Self>) {
        self.client_has_come.store(true, Ordering::SeqCst);
        if self.ctx.drain.phase() != ServerPhase::Running {
            // What is left of the backlog is its own thread's.
            self.ctx.accept_waker.notify();
            return;
        }
        self.acceptor.call(|acceptor| {
            let accept = || acceptor.accept(self, WORKER_BURST);
            let waits = self.heartbeat.accepts(accept);
            if waits != Waits::AnEvent || acceptor.recovers_at().is_some() {
                self.ctx.accept_waker.notify();
            }
        });
    }

    /// Runs the acceptor's thread until the listeners are closed.
    fn accept_to_the_end(self: &Arc<Self>) {
        loop {
            // If a worker is the acceptor, it looks again, and wakes this thread if need be.
            let mut then = Then::Wait(None);
            self.acceptor.call(|acceptor| {
                then = self.heartbeat.accepts(|| self.accept_all(acceptor));
            });
            match then {
                Then::Wait(until) => self.ctx.accept_waker.wait(until),
                Then::End => return,
            }
        }
    }

    /// Accepts, with pauses if need be, until there is nothing to do but to wait.
    fn accept_all(self: &Arc<Self>, acceptor: &mut Acceptor) -> Then {
        loop {
            let waits = acceptor.accept(self, usize::MAX);
            acceptor.notice_recovery();
            match waits {
                Waits::More => {}
                Waits::AnEvent => return Then::Wait(acceptor.recovers_at()),
                Waits::Time(pause) => self.rest(acceptor, pause),
                Waits::Nothing => {
                    // Another process may hold it open.
                    acceptor.close(|listener| drop(self.poller.unwatch(&listener)));
                    return Then::End;
                }
            }
        }
    }

    /// Waits for a pause to pass, even if clients come: clients that reconnect at once after they
    /// were turned away must not keep it busy. Only the waker ends the pause early.
    fn rest(&self, acceptor: &mut Acceptor, pause: Duration) {
        let until = Instant::now() + pause;
        self.ctx.accept_waker.wait(Some(until));
        if Instant::now() < until {
            // A client leaves; its descriptor is free now or soon.
            acceptor.try_soon();
        }
    }

    /// The gate when the server is full: open if the next client is to be refused.
    fn full(&self) -> AcceptGate {
        match self.ctx.limits.options.when_full {
            WhenFull::Refuse => AcceptGate::Open,
            WhenFull::Shed if !self.shedding.can(&self.ctx) => AcceptGate::Open,
            WhenFull::Wait | WhenFull::Shed => AcceptGate::Full,
        }
    }

    /// Closes a resting client to make room, if the options say so.
    fn shed_one(&self) {
        if self.ctx.limits.options.when_full == WhenFull::Shed {
            self.shedding.shed_one(&self.ctx);
        }
    }

    /// Whether there is room. If not, the next close wakes the acceptor.
    fn has_room(&self) -> bool {
        let knobs = &self.ctx.knobs;
        let has = || self.ctx.admitted() < knobs.clients_max.load(Ordering::SeqCst);
        if has() {
            return true;
        }
        // A client that leaves after this wakes the acceptor; the second check sees one that left
        // before.
        self.ctx.close_wakes_acceptor.store(true, Ordering::SeqCst);
        has()
    }

    /// Keeps some slots free where that costs no client anything: closes a lingering client before
    /// the next one needs its slot.
    fn keep_room(&self) {
        let ctx = &self.ctx;
        let most = ctx.knobs.clients_max.load(Ordering::SeqCst);
        if ctx.admitted() + most / PLACES_A_SPARE + 1 > most {
            ctx.lingering.close_oldest(Slot::Admitted);
        }
    }

    /// Refuses a client: in a turn of its own if the service has a line for it, else at once.
    fn refuse(self: &Arc<Self>, client: Accepted, limit: Limit) {
        let case = Case {
            peer: Some(client.1),
            ..Case::default()
        };
        self.ctx.notices.acted(limit, case);
        if self.ctx.can_tell(limit) {
            self.connect(client, Stage::Refused(limit));
        } else {
            self.ctx.totals.turned_away.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How long a balancer's header may take.
    fn header_within(&self) -> Duration {
        let times = &self.ctx.limits.options.times;
        times.first_byte.unwrap_or(HEADER_WITHIN)
    }

    /// Checks whether the client is admitted; answers the limit that refuses it. A client that a
    /// balancer will announce is checked again when its address is known.
    fn find_place(&self, peer: Peer, id: u64, is_announced: bool) -> Result<Placed, Limit> {
        // Clients that are in the backlog when a drain begins are all admitted.
        let waits = self.ctx.limits.options.when_full == WhenFull::Wait;
        let running = self.ctx.drain.phase() == ServerPhase::Running;
        if running && !waits && !self.has_room() {
            // This frees a slot for the next client, not for this one.
            self.ctx.lingering.close_oldest(Slot::Admitted);
            return Err(Limit::Clients);
        }
        let admission = &self.ctx.admission;
        if !is_announced {
            admission.check_lists(peer, Instant::now())?;
        }
        if !is_announced && self.ctx.work.keeps_workers() && !self.ctx.wait_queue.has_room() {
            return Err(Limit::Queue);
        }
        if running && self.overload.refuses(self.run_queue.load().0) {
            return Err(Limit::Overload);
        }
        if is_announced {
            return Ok(Placed { replaces: None });
        }
        // Last, because it may close another client.
        admission.take_share(peer, id)
    }

    /// Registers the socket with the poller, which also reports what has happened by now. `false`:
    /// that failed, and is logged.
    fn watch_socket(&self, connection: &Connection) -> bool {
        if connection.watched.swap(true, Ordering::SeqCst) {
            return true;
        }
        let Err(error) = self.poller.watch(&connection.socket, connection.id) else {
            return true;
        };
        let case = Case {
            id: Some(connection.id),
            peer: Some(connection.identity.peer()),
            why: &error.to_string(),
            ..Case::default()
        };
        self.ctx.notices.trouble(Trouble::Unwatched, case);
        false
    }

    /// Registers the socket of a client that comes to rest, if it is not registered yet.
    pub(super) fn rests(&self, connection: &Arc<Connection>) {
        if !self.ctx.work.keeps_workers() || connection.state.phase() == Phase::Gone {
            return;
        }
        self.watch_or_cut(connection);
    }

    /// Registers the socket, or resets a client that could not be served.
    pub(super) fn watch_or_cut(&self, connection: &Arc<Connection>) {
        if !self.watch_socket(connection) {
            connection.cut();
        }
    }

    fn connect(self: &Arc<Self>, (socket, peer, is_plain): Accepted, stage: Stage) {
        let options = &self.ctx.limits.options;
        let is_new = matches!(stage, Stage::New);
        if matches!(stage, Stage::Refused(_)) {
            self.ctx.refused.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(bytes) = options.send_buffer {
            // The system keeps twice what it is told (socket(7)). If it refuses, it keeps more.
            let _ = socket.set_send_buffer_size(bytes / 2);
        }
        let id = self.numbers_before + self.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        let connection = Arc::new(Connection::new(Opening {
            id,
            peer,
            socket,
            stage,
            common: Arc::clone(&self.common),
        }));
        if is_plain && options.tls.is_some() {
            connection.identity.set_plain();
        }
        self.ctx.registry.insert(Arc::clone(&connection));
        // A client that gets a worker at once is not registered: its events would only wake
        // threads.
        let is_lent_soon =
            is_new && self.ctx.work.keeps_workers() && self.ctx.wait_queue.lends_at_once();
        if !is_lent_soon && !self.watch_socket(&connection) {
            let is_draining = self.ctx.drain.phase() != ServerPhase::Running;
            self.ctx.leave(&connection, is_draining.then_some(true));
            return;
        }
        debug!(id, %peer, "{}connected", self.ctx.notices.prefix());
        if is_new && self.ctx.work.keeps_workers() {
            // Here, in the order of arrival: the turns may run in another.
            self.ctx.wait_queue.let_in(&connection);
        }
        self.enqueue(connection);
    }
}

impl AcceptHandler for Arc<Shared> {
    fn gate(&self) -> AcceptGate {
        self.heartbeat.acceptor_came();
        if self.ctx.drain.phase() != ServerPhase::Running {
            let drain = &self.ctx.drain;
            let over = drain.deadline().is_some_and(|at| at <= Instant::now());
            return match drain.backlog() {
                Backlog::Accept if over => AcceptGate::Over,
                Backlog::Accept => AcceptGate::Closing,
                Backlog::Leave => AcceptGate::Shut,
            };
        }
        if self.ctx.knobs.is_paused.load(Ordering::SeqCst) || self.ctx.held.shuts_gate() {
            return AcceptGate::Held;
        }
        if let Some(pause) = self.ctx.admission.pause(Instant::now()) {
            return AcceptGate::Paused(pause);
        }
        if self.has_room() {
            AcceptGate::Open
        } else {
            self.full()
        }
    }

    fn takes_event(&self) -> bool {
        self.client_has_come.swap(false, Ordering::SeqCst)
    }

    fn has_to_wait(&self, gate: AcceptGate) {
        let limit = match gate {
            AcceptGate::Paused(_) => Limit::AcceptRate,
            // The client is admitted as soon as another is closed, or is refused; that is counted
            // then.
            _ if self.ctx.limits.options.when_full == WhenFull::Shed => return,
            _ => Limit::Clients,
        };
        let case = Case {
            why: "it waits in the backlog",
            ..Case::default()
        };
        self.ctx.notices.acted(limit, case);
    }

    fn is_waited_for(&self) {
        if !self.ctx.lingering.close_next(Slot::Admitted) {
            self.shed_one();
        }
    }

    fn admit(&self, socket: Socket, peer: Peer, is_plain: bool) {
        // There was a descriptor and room: a close need not wake the acceptor until the gate is
        // shut again.
        self.ctx.close_wakes_acceptor.store(false, Ordering::SeqCst);
        // Nor is a client closed that has not read all it was sent.
        self.ctx.lingering.found(Slot::Admitted);
        self.ctx.admission.accepted(Instant::now());
        // Only the thread that accepts assigns numbers.
        let id = self.numbers_before + self.accepted.load(Ordering::Relaxed) + 1;
        let is_announced = self.ctx.admission.awaits_header(peer, Instant::now());
        let stage = match is_announced {
            true => Stage::Header {
                until: Instant::now() + self.header_within(),
            },
            false => self.ctx.first_stage(is_plain, Instant::now()),
        };
        match self.find_place(peer, id, is_announced) {
            Ok(placed) => {
                self.connect((socket, peer, is_plain), stage);
                self.ctx.make_place(placed);
                self.keep_room();
            }
            Err(limit) => self.refuse((socket, peer, is_plain), limit),
        }
    }

    fn cut_off(&self) {
        self.ctx.drain.count_end(true);
    }

    fn starved(&self) {
        self.ctx.close_wakes_acceptor.store(true, Ordering::SeqCst);
        let lingering = &self.ctx.lingering;
        if !lingering.close_oldest(Slot::Refused) && !lingering.close_next(Slot::Admitted) {
            self.shed_one();
        }
    }
}
