//! The run queue: which worker serves, which one polls, and when another one is woken.
//!
//! One mutex guards the queue and the counts of workers, so every decision sees one consistent
//! state:
//!
//! - A worker is **on duty** from its call-in until it parks. At most `workers` are on duty, so
//!   the pool's own channel never holds more jobs than the pool has threads.
//! - The **leader** is the worker on duty that waits in the poller. It queues the connections that
//!   became ready, gives up the lead and serves the queue *itself*: a handler that returns quickly
//!   never costs the waking of a second thread.
//! - A worker that finds the queue empty **parks** if another worker leads or is about to. As long
//!   as one worker is on duty, one polls or works. A leader that is alone on duty may spin for
//!   some microseconds before it blocks, where measurement shows that this pays (`spin.rs`).
//! - Another worker is **called in** when waiting would hurt:
//!   - turns have lately been slow, and more connections are ready or no worker would poll during
//!     this turn;
//!   - quick turns are long enough to be worth a second worker, or the queue holds more than the
//!     workers on duty clear within `clear_within`;
//!   - for a whole tick the watch saw no turn end and no worker poll.
//!
//! Invariants, all under the mutex:
//! 1. `sleeping` implies `leading`, and that the queue is empty or a worker is `coming` for it. A
//!    push that finds `sleeping` clears it, and its caller must wake the poller
//!    ([`Wakeup::Poller`]); or, where turns may last, calls in a worker and lets the leader sleep,
//!    which would only have to be replaced. A worker that then leaves the queue to no coming worker
//!    clears it.
//! 2. A non-empty queue implies that a worker is on duty, or that the caller was just told to call
//!    one in ([`Wakeup::Worker`]).
//! 3. `on_duty` counts a worker from its call-in, before its thread runs. At most one of them is
//!    still `coming`: when it arrives it sees what is left to do, and calls in the next. Of several
//!    woken at once, most would find the queue already empty.
//! 4. `on_duty <= workers`. After a resize, workers of an older generation may exceed this until
//!    their turns end: each then parks, and calls in one of the new generation where there is a
//!    place. Where a turn may last for ever ([`Pace::Slow`](crate::scheduler::load::Pace)) older
//!    generations do not count: a worker must poll meanwhile, and the wait queue bounds how many
//!    serve.
//! 5. `presumed_blocked <= serving <= on_duty`. While `on_duty > presumed_blocked` and the queue is
//!    not closed, a worker that is not presumed blocked leads or steps again soon.
//! 6. Between two polls the workers serve no more turns than were queued at the first, so a client
//!    that always has more to send cannot keep the others from being read.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::VecDeque;
use std::time::Duration;

use crate::scheduler::load::{Policy, ServiceTimes};
use crate::scheduler::sync::Mutex;

/// What the caller must do after a connection was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Wakeup {
    /// Nothing: a worker on duty will find it.
    NotNeeded,
    /// Wake the leader, which sleeps in the poller.
    Poller,
    /// Call in a worker: `on_duty` counts it already.
    Worker,
}

/// What a worker on duty does next.
#[derive(Debug)]
#[must_use]
pub(crate) enum Step<C> {
    /// Carry out the wake-up, serve this connection, then report with [`RunQueue::ended`].
    Serve(C, Wakeup, Epoch),
    /// Wait in the poller until something happens, then report with [`RunQueue::led`].
    Lead(Wait),
    /// Park: `on_duty` counts this worker no more. Carry out the wake-up first.
    Park(Wakeup),
}

/// How long the leader waits in the poller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Spin for a moment, then block until an event or a wake-up. Turns are quick and no other
    /// worker on duty needs the core, so the event may come before blocking would pay.
    SpinThenBlock,
    /// Block until an event or a wake-up.
    Event,
    /// Return at once: the queue has more to serve.
    Never,
}

/// Tells whether a turn began before or after the watch last presumed workers blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

/// What the watch learns from a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) call: Wakeup,
    /// The leader slept in the poller for the whole tick: there is no work.
    pub(crate) quiet: bool,
    /// Turns end, and are quick.
    pub(crate) smooth: bool,
    /// No worker polls, and none has since the tick before: each is in a turn.
    pub(crate) unpolled: bool,
}

/// The queue and the counts of workers. `C` is a connection.
pub(crate) struct RunQueue<C> {
    inner: Mutex<Inner<C>>,
}

struct Inner<C> {
    queue: VecDeque<C>,
    /// Workers called in and not yet parked.
    on_duty: usize,
    /// Workers on duty whose thread has not arrived yet.
    coming: usize,
    /// A worker is the leader.
    leading: bool,
    /// The leader blocks in the poller, and no queued connection waits for it.
    sleeping: bool,
    /// Turns that may still be served before a worker must poll.
    round: usize,
    /// Workers in a turn that has made no progress for a whole tick.
    presumed_blocked: usize,
    /// Workers in a turn.
    serving: usize,
    /// Serving workers of an older generation.
    old_generation: usize,
    /// Serving workers of a generation newer than `self.generation`.
    new_generation: usize,
    /// How often the watch has presumed the serving workers blocked.
    epoch: u64,
    /// Polls that left something to serve, and turns, that have ended so far.
    progress: u64,
    /// `progress` at the last tick of the watch.
    progress_seen: u64,
    /// A worker has polled since the last tick.
    has_polled: bool,
    /// The watch sleeps and must be woken when there is work.
    watch_parked: bool,
    turns: ServiceTimes,
    /// No more work will come: workers park.
    closed: bool,
    workers: usize,
    /// The current generation; workers of an older one park when their turn ends.
    generation: u64,
}

impl<C> RunQueue<C> {
    pub(crate) fn new(policy: Policy) -> RunQueue<C> {
        RunQueue {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                on_duty: 0,
                coming: 0,
                leading: false,
                sleeping: false,
                round: 0,
                presumed_blocked: 0,
                serving: 0,
                old_generation: 0,
                new_generation: 0,
                epoch: 0,
                progress: 0,
                progress_seen: 0,
                has_polled: false,
                watch_parked: false,
                turns: ServiceTimes::new(policy),
                closed: false,
                workers: policy.workers,
                generation: 0,
            }),
        }
    }

    /// Queues a connection that was woken outside its own turn.
    pub(crate) fn push(&self, connection: C) -> Wakeup {
        let mut inner = self.inner.lock();
        inner.queue.push_back(connection);
        // The watch, if it sleeps, is woken by the leader.
        if inner.sleeping && (inner.watch_parked || !inner.turns.may_last()) {
            inner.sleeping = false;
            return Wakeup::Poller;
        }
        let slow = inner.turns.are_slow();
        inner.attend(slow)
    }

    /// Answers what a worker that was called in does first.
    pub(crate) fn arrive(&self, generation: u64) -> Step<C> {
        let mut inner = self.inner.lock();
        inner.coming -= 1;
        self.step(generation, &mut inner)
    }

    /// Answers what a worker does after it led and `waited` in the poller.
    pub(crate) fn next(&self, generation: u64, waited: Duration) -> Step<C> {
        let mut inner = self.inner.lock();
        inner.turns.waited(waited);
        self.step(generation, &mut inner)
    }

    /// Ends a worker's turn, which began in `epoch` and took `took`, and answers what the worker
    /// does next. `again` goes to the back of the queue.
    pub(crate) fn ended(
        &self,
        generation: u64,
        epoch: Epoch,
        took: Duration,
        again: Option<C>,
    ) -> Step<C> {
        let mut inner = self.inner.lock();
        inner.turns.ended(took);
        inner.progress += 1;
        inner.serving -= 1;
        match generation.cmp(&inner.generation) {
            Less => inner.old_generation -= 1,
            Greater => inner.new_generation -= 1,
            Equal => {}
        }
        if epoch.0 < inner.epoch {
            inner.presumed_blocked -= 1;
        }
        inner.queue.extend(again);
        self.step(generation, &mut inner)
    }

    fn step(&self, generation: u64, inner: &mut Inner<C>) -> Step<C> {
        let is_over = generation < inner.generation || inner.counted() > inner.workers;
        if is_over && !inner.closed {
            inner.on_duty -= 1;
            return Step::Park(inner.attend(true));
        }
        if (inner.leading || inner.round > 0)
            && let Some(connection) = inner.queue.pop_front()
        {
            inner.round = inner.round.saturating_sub(1);
            inner.serving += 1;
            match generation.cmp(&inner.generation) {
                Less => inner.old_generation += 1,
                Greater => inner.new_generation += 1,
                Equal => {}
            }
            let call = inner.attend(inner.is_behind());
            return Step::Serve(connection, call, Epoch(inner.epoch));
        }
        if inner.leading || (inner.queue.is_empty() && inner.is_spare()) {
            inner.on_duty -= 1;
            return Step::Park(Wakeup::NotNeeded);
        }
        inner.leading = true;
        inner.sleeping = inner.queue.is_empty();
        Step::Lead(match inner.sleeping {
            true if inner.on_duty == 1 && inner.turns.spins() => Wait::SpinThenBlock,
            true => Wait::Event,
            false => Wait::Never,
        })
    }

    /// Queues what the leader found ready, and ends its lead. Answers whether the watch must be
    /// woken.
    pub(crate) fn led(&self, found: &mut Vec<C>) -> bool {
        let mut inner = self.inner.lock();
        inner.leading = false;
        inner.sleeping = false;
        inner.has_polled = true;
        inner.queue.extend(found.drain(..));
        inner.round = inner.queue.len();
        // A client that waits to be accepted, and can't be, does not keep the watch from parking.
        inner.progress += u64::from(inner.round > 0);
        let has_work = inner.round > 0 || inner.serving > 0;
        has_work && std::mem::take(&mut inner.watch_parked)
    }

    /// Calls in the first worker.
    pub(crate) fn open(&self) -> Wakeup {
        let mut inner = self.inner.lock();
        inner.call_in(false)
    }

    /// The watch calls this about once a millisecond while there is work.
    pub(crate) fn tick(&self) -> Tick {
        let mut inner = self.inner.lock();
        let stands_still = inner.progress == inner.progress_seen;
        inner.progress_seen = inner.progress;
        if stands_still && !inner.leading && inner.presumed_blocked < inner.serving {
            // Each serving worker has been in the same turn for a whole tick.
            inner.presumed_blocked = inner.serving;
            inner.epoch += 1;
        }
        let unattended =
            !inner.leading && inner.on_duty > 0 && inner.on_duty == inner.presumed_blocked;
        let call = inner.call_in(unattended);
        let has_polled = std::mem::take(&mut inner.has_polled);
        Tick {
            call,
            unpolled: !inner.leading && !has_polled,
            quiet: stands_still && inner.is_idle(),
            smooth: !stands_still && inner.presumed_blocked == 0 && !inner.turns.are_slow(),
        }
    }

    /// Lets the watch sleep; answers `false` if the leader is awake.
    pub(crate) fn park_watch(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.watch_parked = inner.is_idle();
        inner.watch_parked
    }

    /// Sets the number of workers and their generation; workers of an older one park when they can.
    /// Carry out the wake-up, so that a sleeping leader notices.
    pub(crate) fn resize(&self, workers: usize, generation: u64) -> Wakeup {
        let mut inner = self.inner.lock();
        inner.workers = workers;
        inner.generation = generation;
        inner.old_generation = inner.serving - std::mem::take(&mut inner.new_generation);
        if inner.sleeping {
            Wakeup::Poller
        } else {
            Wakeup::NotNeeded
        }
    }

    /// Closes the queue: no more work will come. Carry out the wake-up, so that a sleeping leader
    /// notices.
    pub(crate) fn close(&self) -> Wakeup {
        let mut inner = self.inner.lock();
        inner.closed = true;
        if inner.sleeping {
            Wakeup::Poller
        } else {
            Wakeup::NotNeeded
        }
    }

    /// The connections queued and the workers on duty.
    pub(crate) fn load(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        (inner.queue.len(), inner.on_duty)
    }
}

impl<C> Inner<C> {
    /// Calls in a worker where one is wanted or none is on duty, and there is a place for it.
    fn call_in(&mut self, wanted: bool) -> Wakeup {
        let full = self.counted() >= self.workers || self.coming > 0;
        if self.closed || full || !(wanted || self.on_duty == 0) {
            return Wakeup::NotNeeded;
        }
        self.on_duty += 1;
        self.coming += 1;
        Wakeup::Worker
    }

    /// Calls in a worker as [`call_in`](Inner::call_in) does, or wakes the leader where it sleeps
    /// and no worker comes for what is queued.
    fn attend(&mut self, wanted: bool) -> Wakeup {
        let call = self.call_in(wanted);
        if !self.sleeping || self.queue.is_empty() || self.coming > 0 {
            return call;
        }
        self.sleeping = false;
        Wakeup::Poller
    }

    /// Whether the leader sleeps, and nothing waits for a worker.
    fn is_idle(&self) -> bool {
        self.sleeping && self.queue.is_empty()
    }

    /// Workers on duty that `workers` bounds.
    fn counted(&self) -> usize {
        match self.turns.may_last() {
            true => self.on_duty - self.old_generation,
            false => self.on_duty,
        }
    }

    /// Whether an idle worker is not needed to lead either: another worker on duty serves quick
    /// turns, or is coming, and leads afterwards. Two alternating leaders would only take each
    /// other's clients and a second core. (If the other one blocks, the watch finds out.)
    fn is_spare(&self) -> bool {
        self.closed || (self.on_duty - self.presumed_blocked > 1 && !self.turns.are_slow())
    }

    /// Whether the turn that is about to run would keep other connections waiting.
    fn is_behind(&self) -> bool {
        if self.turns.are_slow() {
            return !self.queue.is_empty() || !self.leading;
        }
        !self.queue.is_empty()
            && (self.turns.are_long(self.on_duty)
                || self.turns.clear_late(self.queue.len(), self.on_duty))
    }
}
