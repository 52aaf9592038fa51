//! Whether a client that comes now would wait too long for a worker.
//!
//! A queue may be long for a moment; it is a problem when no client gets through quickly. So the
//! *shortest* wait of an interval counts first, as in CoDel (RFC 8289). While even that is long,
//! the workers are at their limit, and their pace tells how long a new client would wait. The
//! waits alone would tell too late: a client that is served now came long ago.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::scheduler::load::nanos;

/// RFC 8289's interval and target.
const INTERVAL: Duration = Duration::from_millis(100);
const QUICK: Duration = Duration::from_millis(5);
/// Minimum turns of an interval; an interval with fewer is longer.
const ENOUGH: u64 = 16;
const INTERVAL_MAX: Duration = Duration::from_secs(1);

/// See the head of the file. Workers report how long the client of each turn has waited, the watch
/// judges, the acceptor asks.
pub(crate) struct Overload {
    /// `None`: the server never counts as overloaded.
    target: Option<Duration>,
    /// The shortest wait since the interval began, in nanoseconds.
    best: AtomicU64,
    /// Turns since then.
    turns: AtomicU64,
    /// By how much one turn shortens the queue's wait, in nanoseconds; 0 while some clients get
    /// through quickly.
    each: AtomicU64,
    /// When the interval began; `None` if the next look begins one.
    began: Mutex<Option<Instant>>,
}

impl Overload {
    pub(crate) fn new(target: Option<Duration>) -> Overload {
        Overload {
            target,
            best: AtomicU64::new(u64::MAX),
            turns: AtomicU64::new(0),
            each: AtomicU64::new(0),
            began: Mutex::new(Some(Instant::now())),
        }
    }

    /// Counts how long a client has waited for its turn.
    pub(crate) fn waited(&self, wait: Duration) {
        if self.target.is_none() {
            return;
        }
        self.turns.fetch_add(1, Ordering::Relaxed);
        let wait = nanos(wait);
        // Nearly always only a load; a store only for a new shortest wait.
        if wait < self.best.load(Ordering::Relaxed) {
            self.best.fetch_min(wait, Ordering::Relaxed);
        }
    }

    /// Resets the measurement, because no client waits and the watch sleeps: the time until there
    /// is work again says nothing about the length of turns.
    pub(crate) fn rest(&self) {
        *self.began.lock() = None;
        self.each.store(0, Ordering::Relaxed);
    }

    /// Judges an interval at its end, with `waiting` clients in the queue. If clients wait and none
    /// was served, the last verdict stays.
    pub(crate) fn look(&self, now: Instant, waiting: usize) {
        let mut began = self.began.lock();
        let passed = now.saturating_duration_since(*began.get_or_insert(now));
        let turns = self.turns.load(Ordering::Relaxed);
        let few = turns == 0 || (turns < ENOUGH && passed < INTERVAL_MAX);
        if passed < INTERVAL || (few && waiting > 0) {
            return;
        }
        *began = Some(now);
        self.turns.store(0, Ordering::Relaxed);
        let best = self.best.swap(u64::MAX, Ordering::Relaxed);
        let is_quick = turns == 0 || best <= nanos(QUICK);
        let each = if is_quick { 0 } else { nanos(passed) / turns };
        self.each.store(each, Ordering::Relaxed);
    }

    /// Whether a client that comes after `waiting` others would wait longer than the target.
    pub(crate) fn refuses(&self, waiting: usize) -> bool {
        let each = self.each.load(Ordering::Relaxed);
        let wait = each.saturating_mul(waiting as u64);
        self.target.is_some_and(|target| wait > nanos(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_wait_of_an_interval_and_the_queue_decide() {
        let overload = Overload::new(Some(Duration::from_millis(500)));
        let begin = Instant::now();
        let mut now = begin;
        // Twenty turns, of which one waited for this many milliseconds and the others longer.
        let mut interval = |best: u64| {
            for wait in best..best + 20 {
                overload.waited(Duration::from_millis(wait));
            }
            now += INTERVAL;
            overload.look(now, 1000);
        };
        interval(4);
        assert!(!overload.refuses(100_000), "one got through quickly");
        interval(6);
        // A turn every 5 ms.
        assert!(!overload.refuses(99));
        assert!(overload.refuses(101));
        overload.look(begin + 4 * INTERVAL, 1000);
        assert!(overload.refuses(101), "no turn, so the verdict stays");
        overload.look(begin + 20 * INTERVAL, 0);
        assert!(!overload.refuses(101), "no client waits any more");
        let never = Overload::new(None);
        never.waited(Duration::from_secs(10));
        never.look(begin + 40 * INTERVAL, 1000);
        assert!(!never.refuses(100_000));
    }

    #[test]
    fn few_slow_turns_are_judged_after_a_second() {
        let overload = Overload::new(Some(Duration::from_secs(2)));
        let begin = Instant::now();
        for _ in 0..4 {
            overload.waited(Duration::from_secs(1));
        }
        overload.look(begin + 5 * INTERVAL, 100);
        assert!(!overload.refuses(100), "too few to tell");
        overload.look(begin + 11 * INTERVAL, 100);
        assert!(overload.refuses(100) && !overload.refuses(7));
    }
    #[test]
    fn a_rest_is_no_part_of_an_interval() {
        let overload = Overload::new(Some(Duration::from_millis(500)));
        let begin = Instant::now();
        overload.rest();
        let later = begin + Duration::from_secs(60 * 60 * 24 * 30);
        overload.look(later, 100);
        for _ in 0..ENOUGH {
            overload.waited(Duration::from_millis(6));
        }
        overload.look(later + INTERVAL, 100);
        assert!(!overload.refuses(75), "a turn each 6 ms");
        assert!(overload.refuses(1000));
        overload.rest();
        assert!(!overload.refuses(1000), "whatever was is over");
        overload.look(later + 400 * INTERVAL_MAX, 0);
        overload.waited(Duration::from_millis(6));
        let month = later + Duration::from_secs(60 * 60 * 24 * 60);
        overload.look(month, 1);
        assert!(overload.refuses(usize::MAX), "no sum is too large");
    }
}
