//! Whether clients wait too long for a worker, whatever is done.
//!
//! A queue that is long for a moment is fine; one that nobody gets through quickly is not. So what
//! counts is the *best* wait of an interval, as in CoDel (RFC 8289): while even that is over the
//! target, new clients are refused instead of being queued until nobody wants the answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// RFC 8289's interval.
const INTERVAL: Duration = Duration::from_millis(100);

/// See the head of the file. Workers say how long each turn's client has waited, the watch judges.
pub(crate) struct Overload {
    /// In nanoseconds; `u64::MAX`: never overloaded.
    target: u64,
    /// The shortest wait since the interval began, in nanoseconds.
    best: AtomicU64,
    overloaded: AtomicBool,
    began: Mutex<Instant>,
}

impl Overload {
    pub(crate) fn new(target: Option<Duration>) -> Overload {
        Overload {
            target: target.map_or(u64::MAX, nanos),
            best: AtomicU64::new(u64::MAX),
            overloaded: AtomicBool::new(false),
            began: Mutex::new(Instant::now()),
        }
    }

    /// A client has waited this long for its turn.
    pub(crate) fn waited(&self, wait: Duration) {
        let wait = nanos(wait);
        // Nearly always the load alone: a store only when the interval's best is beaten.
        if wait < self.best.load(Ordering::Relaxed) {
            self.best.fetch_min(wait, Ordering::Relaxed);
        }
    }

    /// Nobody waits: whatever was, is over.
    pub(crate) fn clear(&self) {
        self.overloaded.store(false, Ordering::Relaxed);
    }

    /// Judges the interval when it is over, `waiting` clients being in the queue. If some wait and
    /// none was served, it is as it was.
    pub(crate) fn look(&self, now: Instant, waiting: usize) {
        let mut began = self.began.lock();
        if now.saturating_duration_since(*began) < INTERVAL {
            return;
        }
        *began = now;
        let best = self.best.swap(u64::MAX, Ordering::Relaxed);
        match best {
            u64::MAX if waiting > 0 => {}
            u64::MAX => self.clear(),
            best => self.overloaded.store(best > self.target, Ordering::Relaxed),
        }
    }

    pub(crate) fn is_overloaded(&self) -> bool {
        self.overloaded.load(Ordering::Relaxed)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_wait_of_an_interval_decides() {
        let overload = Overload::new(Some(Duration::from_millis(5)));
        let begin = Instant::now();
        let mut now = begin;
        let mut interval = |waits: &[u64]| {
            waits
                .iter()
                .for_each(|&ms| overload.waited(Duration::from_millis(ms)));
            now += INTERVAL;
            overload.look(now, 1);
            overload.is_overloaded()
        };
        assert!(!interval(&[100, 900, 4]), "one got through quickly");
        assert!(interval(&[6, 7]));
        assert!(interval(&[]), "nobody was served: still overloaded");
        assert!(!interval(&[1]));
        assert!(interval(&[6]));
        overload.look(begin + 20 * INTERVAL, 0);
        assert!(!overload.is_overloaded(), "nobody waits any more");
    }
}
