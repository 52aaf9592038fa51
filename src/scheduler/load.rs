//! How quick turns lately were, and what follows from it: for calling another worker in, and for
//! whether a leader spins before it sleeps.
//!
//! Part of the ready queue's picture, under its mutex.

use std::time::Duration;

use crate::scheduler::spin::Spin;

/// Turns that the moving average remembers. Few enough that a handler which starts to block is
/// noticed within milliseconds; many enough that one in a hundred that blocks for 10 ms keeps the
/// average up all the time, while one in a thousand that was merely preempted does not lift it.
const MEMORY: u64 = 256;
/// The whole, where a part of the turns is counted.
const ALL: u64 = 1 << 16;
/// Ticks of the watch, 1 to 3 ms each, for which a long queue of quick turns calls in nobody after
/// there was no core for the one that it had called in.
const HELD: u32 = 100;

/// When to call another worker in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How many workers there are at first.
    pub(crate) workers: usize,
    /// A moving average of the turns above this means that handlers block or compute.
    pub(crate) slow_turn: Duration,
    /// When most turns take longer than this, though still quick, a second worker is worth its
    /// waking as soon as another client waits.
    pub(crate) long_turn: Duration,
    /// Workers that quick turns alone can keep busy, a core for each: more would only take turns on
    /// one.
    pub(crate) quick_workers: usize,
    /// How long the queue may take to clear, by the average, before another quick worker comes.
    pub(crate) clear_within: Duration,
    /// Whether every turn is taken to be slow before it was measured.
    pub(crate) pace: Pace,
}

/// What is believed of the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// They are as they lately were.
    Measured,
    /// Each may take for ever (a service that keeps its worker).
    Slow,
}

/// What is known of the turns that have ended.
pub(crate) struct ServiceTimes {
    policy: Policy,
    /// Moving average, in nanoseconds.
    average: u64,
    /// What part of them has lately been long, of [`ALL`].
    long: u64,
    /// A worker was called in for a long queue, since it was last said whether there is a core
    /// for it.
    helped: bool,
    /// Ticks for which none is called in for that.
    held: u32,
    spin: Spin,
}

impl ServiceTimes {
    pub(crate) fn new(policy: Policy) -> ServiceTimes {
        ServiceTimes {
            policy,
            average: 0,
            long: 0,
            helped: false,
            held: 0,
            spin: Spin::new(),
        }
    }

    /// One more has ended.
    pub(crate) fn ended(&mut self, took: Duration) {
        self.average = self.average - self.average / MEMORY + nanos(took) / MEMORY;
        // How many, not how long they are together: a few that were preempted would look like work,
        // and a worker more would have more of them preempted.
        let is_long = took > self.policy.long_turn;
        self.long = self.long - self.long / MEMORY + u64::from(is_long) * (ALL / MEMORY);
        self.spin.ended(took);
    }

    /// The leader has waited for so long.
    pub(crate) fn waited(&mut self, took: Duration) {
        self.spin.waited(took);
    }

    pub(crate) fn tick(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// A worker was called in because [`clear_late`](ServiceTimes::clear_late).
    pub(crate) fn have_help(&mut self) {
        self.helped = true;
    }

    /// A worker had, or had not, to wait for a processor. If it had, and another was called in for
    /// a long queue, then there is no core for that one.
    pub(crate) fn contended(&mut self, contended: bool) {
        if std::mem::take(&mut self.helped) && contended {
            self.held = HELD;
        }
    }

    /// Whether the leader, alone on duty and with nothing to do, should look for a while before it
    /// sleeps. With one core, what is waited for can't happen meanwhile.
    pub(crate) fn spins(&mut self) -> bool {
        !self.are_slow() && self.policy.quick_workers > 1 && self.spin.decide()
    }

    /// Whether handlers block or compute, or may at any time.
    pub(crate) fn are_slow(&self) -> bool {
        self.policy.pace == Pace::Slow || self.average > nanos(self.policy.slow_turn)
    }

    /// Whether they are quick, but long enough to be worth another worker; `on_duty` are there.
    pub(crate) fn are_long(&self, on_duty: usize) -> bool {
        on_duty < self.policy.quick_workers && self.long > ALL / 2
    }

    /// Whether so many quick ones will keep those who are on duty for too long.
    pub(crate) fn clear_late(&self, queued: usize, on_duty: usize) -> bool {
        let backlog = self.average.saturating_mul(queued as u64);
        !self.are_slow()
            && self.held == 0
            && on_duty < self.policy.quick_workers
            && backlog > nanos(self.policy.clear_within)
    }

    /// Whether each may take for ever.
    pub(crate) fn may_last(&self) -> bool {
        self.policy.pace == Pace::Slow
    }
}

/// A time as a number, for what is reckoned with in the hot path.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
