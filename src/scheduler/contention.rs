//! Whether a worker is runnable but not running, because other threads have all processors.
//!
//! Another worker for quick turns helps where a core is free for it. Where none is, it takes one
//! from another process, perhaps the client on the same machine. The system tells a
//! thread how long it was ready to run and did not (`schedstat`, proc(5)); where it does not tell,
//! a core is taken to be free.

use std::fs;

/// Turns between two looks: some 10 ms of quick ones, beside which a look costs nothing.
const TURNS: u32 = 1024;
/// A thread that waits for more than one part in so many of the time in which it could run.
const PARTS: u64 = 8;

/// One thread's view of it.
#[derive(Debug, Default)]
pub(crate) struct Contention {
    turns: u32,
    before: Option<Spent>,
}

/// What a thread has spent since it began, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spent {
    running: u64,
    waiting: u64,
}

impl Contention {
    /// A turn of this thread has ended. Now and then: whether the thread had to wait for a
    /// processor since the last answer.
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
    fn the_system_tells_what_a_thread_has_spent() {
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
        // Never the other way round; if it were, it would be no reason.
        assert!(!at(0, 0).is_contended_since(at(5, 5)));
    }

    #[test]
    fn a_look_is_rare_and_needs_one_before() {
        let mut contention = Contention::default();
        let answers = (0..3 * TURNS).filter_map(|_| contention.turn_ended());
        let told = Spent::of_this_thread().is_some();
        assert_eq!(answers.count(), if told { 2 } else { 0 });
    }

    /// The leader brings more than it clears in a millisecond, and serves it all. Answers whether
    /// another was called in for it, who leads from then on.
    fn round(ready: &RunQueue<usize>) -> bool {
        let _ = ready.led(&mut (0..1000).collect());
        let mut called = false;
        let mut step = ready.next(0, Duration::ZERO);
        while let Step::Serve(_, call, epoch) = step {
            called |= call == Wakeup::Worker;
            step = ready.ended(0, epoch, Duration::from_micros(10), None);
        }
        if called {
            assert!(matches!(step, Step::Home(_)), "another is about to lead");
            step = ready.come(0);
        }
        assert!(matches!(step, Step::Lead(_)));
        called
    }

    #[test]
    fn where_no_core_is_free_nobody_is_called_in_for_a_while() {
        let ready = RunQueue::new(Policy {
            workers: 8,
            slow_turn: Duration::from_micros(50),
            long_turn: Duration::from_micros(25),
            quick_workers: 2,
            clear_within: Duration::from_millis(1),
            pace: Pace::Measured,
        });
        assert_eq!(ready.open(), Wakeup::Worker);
        assert!(matches!(ready.come(0), Step::Lead(_)));
        assert!(round(&ready));
        ready.contended(false);
        assert!(round(&ready), "there was a core for it");
        ready.contended(true);
        let alone = |_: &u32| {
            let _ = ready.tick();
            !round(&ready)
        };
        assert_eq!((0..1000).take_while(alone).count(), 99);
        ready.contended(false);
        // Nobody was called in since then: who waits alone keeps nobody out.
        ready.contended(true);
        assert!(round(&ready));
    }
}
