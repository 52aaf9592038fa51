//! How long turns lately took, and what follows: whether to call another worker in, and whether a
//! leader spins before it blocks.
//!
//! Part of the run queue's state, under its mutex.

use std::time::Duration;

use crate::scheduler::spin::Spin;

/// Turns that the moving average remembers. Few enough that a handler which starts to block is
/// noticed within milliseconds; many enough that one in a hundred that blocks for 10 ms keeps the
/// average up all the time, while one in a thousand that was merely preempted does not lift it.
const MEMORY: u64 = 256;
/// The whole, where a part of the turns is counted.
const ALL: u64 = 1 << 16;

/// When to call another worker in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// The number of workers at first.
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

/// How long turns are taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As long as they lately were.
    Measured,
    /// Each may take for ever (a service that keeps its worker).
    Slow,
}

/// Averages over the turns that have ended.
pub(crate) struct ServiceTimes {
    policy: Policy,
    /// Moving average, in nanoseconds.
    average: u64,
    /// The part of recent turns that was long, of [`ALL`].
    long: u64,
    spin: Spin,
}

impl ServiceTimes {
    pub(crate) fn new(policy: Policy) -> ServiceTimes {
        ServiceTimes {
            policy,
            average: 0,
            long: 0,
            spin: Spin::new(),
        }
    }

    /// Counts a turn that has ended.
    pub(crate) fn ended(&mut self, took: Duration) {
        self.average = self.average - self.average / MEMORY + nanos(took) / MEMORY;
        // How many, not how long they are together: a few that were preempted would look like work,
        // and a worker more would have more of them preempted.
        let is_long = took > self.policy.long_turn;
        self.long = self.long - self.long / MEMORY + u64::from(is_long) * (ALL / MEMORY);
        self.spin.ended(took);
    }

    /// Counts a wait of the leader.
    pub(crate) fn waited(&mut self, took: Duration) {
        self.spin.waited(took);
    }

    /// Whether the leader, alone on duty and idle, spins before it blocks. With one core the event
    /// that it waits for cannot happen while it spins.
    pub(crate) fn spins(&mut self) -> bool {
        !self.are_slow() && self.policy.quick_workers > 1 && self.spin.decide()
    }

    /// Whether handlers block or compute, or may at any time.
    pub(crate) fn are_slow(&self) -> bool {
        self.policy.pace == Pace::Slow || self.average > nanos(self.policy.slow_turn)
    }

    /// Whether turns are quick, but long enough to be worth a worker beyond the `on_duty`.
    pub(crate) fn are_long(&self, on_duty: usize) -> bool {
        on_duty < self.policy.quick_workers && self.long > ALL / 2
    }

    /// Whether quick turns would take longer than `clear_within` to clear the queue, and a worker
    /// beyond the `on_duty` has a core.
    pub(crate) fn clear_late(&self, queued: usize, on_duty: usize) -> bool {
        let backlog = self.average.saturating_mul(queued as u64);
        on_duty < self.policy.quick_workers && backlog > nanos(self.policy.clear_within)
    }

    /// Whether each turn may last for ever.
    pub(crate) fn may_last(&self) -> bool {
        self.policy.pace == Pace::Slow
    }
}

/// A time in whole nanoseconds, for arithmetic in the hot path.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_queue_of_quick_turns_is_worth_a_second_worker_where_there_is_a_core() {
        let mut turns = ServiceTimes::new(Policy {
            workers: 8,
            slow_turn: Duration::from_micros(50),
            long_turn: Duration::from_micros(25),
            quick_workers: 2,
            clear_within: Duration::from_millis(1),
            pace: Pace::Measured,
        });
        (0..10_000).for_each(|_| turns.ended(Duration::from_micros(10)));
        assert!(!turns.are_slow() && !turns.are_long(1));
        assert!(!turns.clear_late(90, 1));
        assert!(turns.clear_late(110, 1));
        assert!(!turns.clear_late(110, 2));
    }
}
