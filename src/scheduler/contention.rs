//! Whether a worker is runnable but not running, because other threads have all processors.
//!
//! Another worker for quick turns helps only if a core is free for it. Otherwise it takes the core
//! of another process, perhaps of the client on the same machine. The system reports how long a
//! thread was runnable without running (`schedstat`, proc(5)); without a report, a core counts as
//! free.

use std::fs;

/// Turns between two readings: some 10 ms of quick turns, beside which a reading costs nothing.
const TURNS: u32 = 1024;
/// A thread is contended if it waits for more than this fraction (1/8) of its runnable time.
const PARTS: u64 = 8;

/// A thread's last reading.
#[derive(Debug, Default)]
pub(crate) struct Contention {
    turns: u32,
    before: Option<Spent>,
}

/// A thread's times since its start, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spent {
    running: u64,
    waiting: u64,
}

impl Contention {
    /// Counts a turn of this thread. Every [`TURNS`] turns, answers whether the thread was
    /// contended since the last reading.
    pub(crate) fn turn_ended(&mut self) -> Option<bool> {
        self.turns += 1;
        if self.turns < TURNS {
            return None;
        }
        self.turns = 0;
        let now = Spent::of_this_thread();
        let before = std::mem::replace(&mut self.before, now)?;
        now.map(|now| now.is_contended_since(before))
    }
}

impl Spent {
    fn of_this_thread() -> Option<Spent> {
        Spent::parse(&fs::read_to_string("/proc/thread-self/schedstat").ok()?)
    }

    fn parse(text: &str) -> Option<Spent> {
        let mut numbers = text.split_whitespace().map(str::parse);
        let (running, waiting) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(Spent { running, waiting })
    }

    fn is_contended_since(self, before: Spent) -> bool {
        let running = self.running.saturating_sub(before.running);
        let waiting = self.waiting.saturating_sub(before.waiting);
        waiting.saturating_mul(PARTS) > running.saturating_add(waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scheduler::load::{Pace, Policy};
    use crate::scheduler::run_queue::{RunQueue, Step, Wakeup};

    #[test]
    fn the_schedstat_file_is_parsed() {
        let spent = Spent::parse("7000 1000 12\n");
        assert_eq!(
            spent,
            Some(Spent {
                running: 7000,
                waiting: 1000
            })
        );
        assert_eq!(Spent::parse("7000"), None);
        assert_eq!(Spent::parse("-1 x 0"), None);
    }

    #[test]
    fn more_than_an_eighth_is_too_long() {
        let at = |running, waiting| Spent { running, waiting };
        assert!(!at(700, 100).is_contended_since(at(0, 0)));
        assert!(at(699, 101).is_contended_since(at(0, 0)));
        assert!(!at(1700, 5100).is_contended_since(at(1000, 5000)));
        // Times that go backwards are no contention.
        assert!(!at(0, 0).is_contended_since(at(5, 5)));
    }

    #[test]
    fn a_reading_is_rare_and_needs_one_before() {
        let mut contention = Contention::default();
        let answers = (0..3 * TURNS).filter_map(|_| contention.turn_ended());
        let told = Spent::of_this_thread().is_some();
        assert_eq!(answers.count(), if told { 2 } else { 0 });
    }

    /// The leader queues more than it clears in a millisecond, and serves it all. Answers whether
    /// another worker was called in, which then leads.
    fn round(ready: &RunQueue<usize>) -> bool {
        let _ = ready.led(&mut (0..1000).collect());
        let mut called = false;
        let mut step = ready.next(0, Duration::ZERO);
        while let Step::Serve(_, call, epoch) = step {
            called |= call == Wakeup::Worker;
            step = ready.ended(0, epoch, Duration::from_micros(10), None);
        }
        if called {
            assert!(
                matches!(step, Step::Park(_)),
                "another worker is about to lead"
            );
            step = ready.arrive(0);
        }
        assert!(matches!(step, Step::Lead(_)));
        called
    }

    #[test]
    fn without_a_free_core_no_worker_is_called_in_for_a_while() {
        let ready = RunQueue::new(Policy {
            workers: 8,
            slow_turn: Duration::from_micros(50),
            long_turn: Duration::from_micros(25),
            quick_workers: 2,
            clear_within: Duration::from_millis(1),
            pace: Pace::Measured,
        });
        assert_eq!(ready.open(), Wakeup::Worker);
        assert!(matches!(ready.arrive(0), Step::Lead(_)));
        assert!(round(&ready));
        ready.contended(false);
        assert!(round(&ready), "a core was free");
        ready.contended(true);
        let alone = |_: &u32| {
            let _ = ready.tick();
            !round(&ready)
        };
        assert_eq!((0..1000).take_while(alone).count(), 99);
        ready.contended(false);
        // No worker was called in since, so contention now says nothing about a second worker.
        ready.contended(true);
        assert!(round(&ready));
    }
}
