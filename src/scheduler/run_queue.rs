//! The ready queue, and who of the workers does what: serve, lead or go home.
//!
//! One mutex guards it all, so that every decision is taken on one consistent picture:
//!
//! - **On duty** are the workers that were called in and have not gone home. Never more than the
//!   pool has, so the pool's own channel never holds more jobs than it has threads.
//! - The **leader** is the one worker on duty that waits in the poller. It brings what became
//!   ready to the queue, gives up the lead and serves the queue *itself*: a handler that returns
//!   quickly never costs the waking of a second thread.
//! - A worker that finds the queue empty and somebody else leading, or about to, **goes home**.
//!   So as long as anybody is on duty, somebody polls or works. A leader that is alone on duty may
//!   look for some microseconds before it sleeps, where that is measured to pay (`spin.rs`).
//! - Another worker is **called in** when waiting would hurt: turns have lately been slow and more
//!   is ready, or nobody would poll while this turn runs; quick turns are long enough to be worth
//!   it, or the queue holds more than those on duty will clear soon (but not for a while after that
//!   one had to share a core); or the watch saw no turn end and nobody poll for a whole tick.
//!
//! Invariants, all under the mutex:
//! 1. `sleeping` implies `leading` and an empty queue: who pushes onto a sleeping leader's queue
//!    clears it and must wake the poller ([`Wakeup::Poller`]).
//! 2. A non-empty queue implies that somebody is on duty, or that the caller was just told to
//!    call somebody in ([`Wakeup::Worker`]).
//! 3. `on_duty` counts call-ins that were ordered, even when the thread has not started yet. Of
//!    those (`coming`) there is at most one: when it comes it sees what is left to do, and calls in
//!    the next. Of several that are woken at once most would come to an empty queue, for those
//!    whose turns end have taken it.
//! 4. `on_duty <= workers`, except that after a resizing those of an earlier shift may be more
//!    until their turns have ended: each of them leaves then, and calls in one of the new shift
//!    where there is a place. Where a turn may take for ever ([`Pace::Slow`]) those of an earlier
//!    shift don't count: somebody must poll meanwhile, and the lobby bounds how many serve.
//! 5. `away <= serving <= on_duty`, and while `on_duty > away` and nothing is closed, one that is
//!    not away leads or will step again soon.
//! 6. Between two polls no more turns are served than were queued at the first, so a client that
//!    always has more cannot keep the others from being heard.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::VecDeque;
use std::time::Duration;

use crate::scheduler::load::{Policy, ServiceTimes};
use crate::scheduler::sync::Mutex;

/// What must be done after something was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Wakeup {
    /// Somebody on duty will find it.
    Nobody,
    /// The leader sleeps in the poller: wake it.
    Poller,
    /// Call in a worker; its place on duty is already taken.
    Worker,
}

/// What a worker on duty does next.
#[derive(Debug)]
#[must_use]
pub(crate) enum Step<C> {
    /// Serve this one, then report with [`RunQueue::ended`]; before it, do what the call says.
    Serve(C, Wakeup, Epoch),
    /// Wait in the poller until something happens, then report with [`RunQueue::led`].
    Lead(Wait),
    /// Leave: the place on duty is already given back. Do what the call says.
    Home(Wakeup),
}

/// How long the leader waits in the poller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until an event or a wake-up, which may come so soon that it is not worth sleeping: turns are
    /// quick, and nobody else on duty has a use for the core.
    Keen,
    /// Until an event or a wake-up.
    Event,
    /// Not at all: the queue has more to serve.
    Never,
}

/// When a turn began: before or after the watch last found that nothing moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

/// What the watch learns at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) call: Wakeup,
    /// The leader slept in the poller all through: there is no work.
    pub(crate) quiet: bool,
    /// Turns end, and quickly.
    pub(crate) smooth: bool,
}

/// The queue and the duty roster. `C` is a connection.
pub(crate) struct RunQueue<C> {
    inner: Mutex<Inner<C>>,
}

struct Inner<C> {
    queue: VecDeque<C>,
    /// Workers called in and not yet home.
    on_duty: usize,
    /// Of those on duty, the ones that were called in and have not come yet.
    coming: usize,
    /// A worker is the leader.
    leading: bool,
    /// The leader waits for an event, with nothing queued.
    sleeping: bool,
    /// Turns that may still be served before somebody must poll.
    round: usize,
    /// Of those on duty, the ones in a turn that the watch has found standing still.
    away: usize,
    /// Of those on duty, the ones in a turn.
    serving: usize,
    /// Of these, the ones of an earlier shift.
    former: usize,
    /// And the ones of a shift that this has not been told of yet.
    early: usize,
    /// How often the watch has found that nothing moves.
    era: u64,
    /// Polls and turns that have ended, so far.
    progress: u64,
    /// As it was at the last tick of the watch.
    progress_seen: u64,
    /// The watch sleeps and wants to hear when there is work.
    watch_parked: bool,
    turns: ServiceTimes,
    /// No more work will come: workers go home.
    closed: bool,
    workers: usize,
    /// Workers of an earlier shift leave when they can.
    shift: u64,
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
                away: 0,
                serving: 0,
                former: 0,
                early: 0,
                era: 0,
                progress: 0,
                progress_seen: 0,
                watch_parked: false,
                turns: ServiceTimes::new(policy),
                closed: false,
                workers: policy.workers,
                shift: 0,
            }),
        }
    }

    /// Queues a connection that was woken from outside of a turn, or by another client's turn.
    pub(crate) fn push(&self, connection: C) -> Wakeup {
        let mut inner = self.inner.lock();
        inner.queue.push_back(connection);
        if inner.sleeping {
            inner.sleeping = false;
            return Wakeup::Poller;
        }
        let slow = inner.turns.are_slow();
        inner.call_in(slow)
    }

    /// A worker that was called in has come: what now?
    pub(crate) fn come(&self, shift: u64) -> Step<C> {
        let mut inner = self.inner.lock();
        inner.coming -= 1;
        self.step(shift, &mut inner)
    }

    /// A worker has led, and waited for so long: what now?
    pub(crate) fn next(&self, shift: u64, waited: Duration) -> Step<C> {
        let mut inner = self.inner.lock();
        inner.turns.waited(waited);
        self.step(shift, &mut inner)
    }

    /// The turn of a worker of `shift` is over: it began in `era` and took so long; `again` goes to
    /// the back of the queue. What now?
    pub(crate) fn ended(
        &self,
        shift: u64,
        era: Epoch,
        took: Duration,
        again: Option<C>,
    ) -> Step<C> {
        let mut inner = self.inner.lock();
        inner.turns.ended(took);
        inner.progress += 1;
        inner.serving -= 1;
        match shift.cmp(&inner.shift) {
            Less => inner.former -= 1,
            Greater => inner.early -= 1,
            Equal => {}
        }
        if era.0 < inner.era {
            inner.away -= 1;
        }
        inner.queue.extend(again);
        self.step(shift, &mut inner)
    }

    fn step(&self, shift: u64, inner: &mut Inner<C>) -> Step<C> {
        let is_over = shift < inner.shift || inner.counted() > inner.workers;
        if is_over && !inner.closed {
            inner.on_duty -= 1;
            return Step::Home(inner.call_in(true));
        }
        if (inner.leading || inner.round > 0)
            && let Some(connection) = inner.queue.pop_front()
        {
            inner.round = inner.round.saturating_sub(1);
            inner.serving += 1;
            match shift.cmp(&inner.shift) {
                Less => inner.former += 1,
                Greater => inner.early += 1,
                Equal => {}
            }
            let late = inner.turns.clear_late(inner.queue.len(), inner.on_duty);
            let call = inner.call_in(late || inner.is_behind());
            if late && call == Wakeup::Worker {
                inner.turns.have_help();
            }
            return Step::Serve(connection, call, Epoch(inner.era));
        }
        if inner.leading || (inner.queue.is_empty() && inner.is_spare()) {
            inner.on_duty -= 1;
            return Step::Home(Wakeup::Nobody);
        }
        inner.leading = true;
        inner.sleeping = inner.queue.is_empty();
        Step::Lead(match inner.sleeping {
            true if inner.on_duty == 1 && inner.turns.spins() => Wait::Keen,
            true => Wait::Event,
            false => Wait::Never,
        })
    }

    /// The leader is back with what became ready, and leads no more.
    /// Answers whether the watch must be told that there is work.
    pub(crate) fn led(&self, harvest: &mut Vec<C>) -> bool {
        let mut inner = self.inner.lock();
        inner.leading = false;
        inner.sleeping = false;
        inner.progress += 1;
        inner.queue.extend(harvest.drain(..));
        inner.round = inner.queue.len();
        std::mem::take(&mut inner.watch_parked)
    }

    /// Calls in a worker if nobody is on duty: how the first one comes.
    pub(crate) fn open(&self) -> Wakeup {
        let mut inner = self.inner.lock();
        inner.call_in(false)
    }

    /// The watch looks in, about once a millisecond while there is work.
    pub(crate) fn tick(&self) -> Tick {
        let mut inner = self.inner.lock();
        inner.turns.tick();
        let stands_still = inner.progress == inner.progress_seen;
        inner.progress_seen = inner.progress;
        if stands_still && !inner.leading && inner.away < inner.serving {
            // Who was in a turn a tick ago is in it still: count on nobody of them.
            inner.away = inner.serving;
            inner.era += 1;
        }
        let unattended = !inner.leading && inner.on_duty > 0 && inner.on_duty == inner.away;
        let call = inner.call_in(unattended);
        Tick {
            call,
            quiet: stands_still && inner.sleeping,
            smooth: !stands_still && inner.away == 0 && !inner.turns.are_slow(),
        }
    }

    /// The watch wants to sleep; refused when the leader is not asleep any more.
    pub(crate) fn park_watch(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.watch_parked = inner.sleeping;
        inner.watch_parked
    }

    /// A worker had, or had not, to wait for a processor.
    pub(crate) fn contended(&self, contended: bool) {
        self.inner.lock().turns.contended(contended);
    }

    /// There are so many workers from now on, of this shift; who is of an earlier one leaves. Who
    /// leads must be woken to notice: do what the call says.
    pub(crate) fn resize(&self, workers: usize, shift: u64) -> Wakeup {
        let mut inner = self.inner.lock();
        inner.workers = workers;
        inner.shift = shift;
        inner.former = inner.serving - std::mem::take(&mut inner.early);
        if inner.sleeping {
            Wakeup::Poller
        } else {
            Wakeup::Nobody
        }
    }

    /// No more work will come. Who leads must be woken to notice: do what the call says.
    pub(crate) fn close(&self) -> Wakeup {
        let mut inner = self.inner.lock();
        inner.closed = true;
        if inner.sleeping {
            Wakeup::Poller
        } else {
            Wakeup::Nobody
        }
    }

    /// Connections that wait for a worker, and workers on duty.
    pub(crate) fn load(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        (inner.queue.len(), inner.on_duty)
    }
}

impl<C> Inner<C> {
    /// Takes a place on duty if there is one and it is wanted, or nobody else is on duty.
    fn call_in(&mut self, wanted: bool) -> Wakeup {
        let full = self.counted() >= self.workers || self.coming > 0;
        if self.closed || full || !(wanted || self.on_duty == 0) {
            return Wakeup::Nobody;
        }
        self.on_duty += 1;
        self.coming += 1;
        Wakeup::Worker
    }

    /// Those on duty that `workers` bounds.
    fn counted(&self) -> usize {
        match self.turns.may_last() {
            true => self.on_duty - self.former,
            false => self.on_duty,
        }
    }

    /// Whether a worker without work is not needed to lead either: another on duty serves quick
    /// turns, or is just coming, and leads when it is through. Two that take turns at it would only
    /// take each other's clients, and a core. (If that other blocks, the watch finds out.)
    fn is_spare(&self) -> bool {
        self.closed || (self.on_duty - self.away > 1 && !self.turns.are_slow())
    }

    /// Whether the turn that is about to run would keep others waiting.
    fn is_behind(&self) -> bool {
        if self.turns.are_slow() {
            return !self.queue.is_empty() || !self.leading;
        }
        !self.queue.is_empty() && self.turns.are_long(self.on_duty)
    }
}
