//! What workers count in their turns: each worker has its own figures, and a reader adds them up.
//!
//! One worker at a time writes a meter and any thread reads it, so counting costs no locked
//! instruction and no cache line that another worker wants. The times are those that a
//! turn takes from the clock anyway.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::scheduler::load::nanos;

/// The first bucket ends at 2^10 ns, about a microsecond; each next one at twice that; the last
/// but one at 2^36 ns, about 69 s; the last one holds the rest.
const SHIFT: u32 = 10;
const BUCKETS: usize = 28;

/// Adds to a counter that one thread at a time writes: cheaper than an atomic addition.
pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// See the head of the file. Aligned so that no two workers' figures share a cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Meter {
    waits: Buckets,
    turns: Buckets,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    messages_out: AtomicU64,
}

/// What a turn has read and written.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) messages_out: u64,
}

/// What stream services have served, read and written; counted during the turn, because it lasts
/// long.
#[derive(Debug, Default)]
pub(crate) struct Streamed {
    pub(crate) clients: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
}

#[derive(Debug, Default)]
struct Buckets {
    counts: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

/// A histogram of times, in buckets of powers of two.
///
/// ```
/// use std::time::Duration;
///
/// use poold::{Options, Server, service::Echo};
///
/// # fn main() -> poold::Result<()> {
/// let server = Server::bind("127.0.0.1:0", Options::default(), Echo)?;
/// let before = server.handle().stats().turns;
/// // Clients are served.
/// let since = server.handle().stats().turns.since(&before);
/// let is_long = |end: Option<Duration>| end.is_none_or(|end| end > Duration::from_secs(1));
/// let long = since.buckets().filter(|(end, _)| is_long(*end));
/// println!("{} of {} turns took long", long.map(|(_, count)| count).sum::<u64>(), since.count());
/// assert_eq!(since.quantile(0.5), Duration::ZERO); // There was none.
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; BUCKETS],
    nanos: u64,
}

/// The sum of all meters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) waits: Histogram,
    pub(crate) turns: Histogram,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) messages_out: u64,
}

impl Meter {
    /// Counts a turn: how long its client had waited, how long it took, what it read and wrote.
    pub(crate) fn count(&self, waited: Duration, took: Duration, moved: Moved) {
        self.waits.count(waited);
        self.turns.count(took);
        add(&self.bytes_in, moved.bytes_in);
        add(&self.bytes_out, moved.bytes_out);
        add(&self.messages_out, moved.messages_out);
    }

    pub(crate) fn add_to(&self, sum: &mut Sum) {
        self.waits.add_to(&mut sum.waits);
        self.turns.add_to(&mut sum.turns);
        sum.bytes_in += self.bytes_in.load(Ordering::Relaxed);
        sum.bytes_out += self.bytes_out.load(Ordering::Relaxed);
        sum.messages_out += self.messages_out.load(Ordering::Relaxed);
    }
}

impl Buckets {
    fn count(&self, time: Duration) {
        let nanos = nanos(time);
        add(&self.counts[bucket(nanos)], 1);
        let sum = self.nanos.load(Ordering::Relaxed);
        self.nanos
            .store(sum.saturating_add(nanos), Ordering::Relaxed);
    }

    fn add_to(&self, sum: &mut Histogram) {
        for (sum, count) in sum.counts.iter_mut().zip(&self.counts) {
            *sum += count.load(Ordering::Relaxed);
        }
        sum.nanos = sum.nanos.saturating_add(self.nanos.load(Ordering::Relaxed));
    }
}

/// The bucket of a time: the first whose end is not before it.
fn bucket(nanos: u64) -> usize {
    let bits = u64::BITS - nanos.saturating_sub(1).leading_zeros();
    (bits.saturating_sub(SHIFT) as usize).min(BUCKETS - 1)
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: [0; BUCKETS],
            nanos: 0,
        }
    }
}

impl Histogram {
    /// Each bucket's upper bound and its count; the last bucket has no bound.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        self.counts.iter().enumerate().map(|(index, count)| {
            let end = Duration::from_nanos(1 << (index as u32 + SHIFT));
            ((index + 1 < BUCKETS).then_some(end), *count)
        })
    }

    /// The number of times.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of the times.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// The end of the bucket in which the given part of all lies (0.99: all but the longest
    /// hundredth; from 0 to 1, what is beyond counts as these): a bound, at most twice what it
    /// really was. What took longer than the last end, 69 s, counts as twice that, however long it
    /// was. Zero if there were none.
    pub fn quantile(&self, part: f64) -> Duration {
        let wanted = (self.count() as f64 * part.min(1.0)).ceil().max(1.0) as u64;
        let mut seen = 0;
        let mut last = Duration::ZERO;
        for (end, count) in self.buckets() {
            seen += count;
            last = end.unwrap_or(last * 2);
            if seen >= wanted {
                return last;
            }
        }
        Duration::ZERO
    }

    /// What came after an earlier look.
    pub fn since(&self, earlier: &Histogram) -> Histogram {
        let mut counts = self.counts;
        for (count, before) in counts.iter_mut().zip(earlier.counts) {
            *count = count.saturating_sub(before);
        }
        Histogram {
            counts,
            nanos: self.nanos.saturating_sub(earlier.nanos),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_its_bucket() {
        assert_eq!((bucket(0), bucket(1), bucket(1024)), (0, 0, 0));
        assert_eq!((bucket(1025), bucket(2048), bucket(2049)), (1, 1, 2));
        assert_eq!(bucket(1 << 36), BUCKETS - 2);
        assert_eq!((bucket((1 << 36) + 1), bucket(u64::MAX)), (27, 27));
    }

    #[test]
    fn meters_add_up_and_tell_what_came_since() {
        let meters = [Meter::default(), Meter::default()];
        let look = || {
            let mut sum = Sum::default();
            meters.iter().for_each(|meter| meter.add_to(&mut sum));
            sum
        };
        let micros = Duration::from_micros;
        for _ in 0..99 {
            let moved = Moved {
                bytes_in: 3,
                ..Moved::default()
            };
            meters[0].count(micros(1), micros(3), moved);
        }
        meters[1].count(micros(1000), Duration::MAX, Moved::default());
        let sum = look();
        assert_eq!((sum.bytes_in, sum.waits.count()), (297, 100));
        assert_eq!(sum.waits.sum(), micros(99 + 1000));
        assert_eq!(sum.waits.quantile(0.99), Duration::from_nanos(1024));
        assert_eq!(sum.waits.quantile(1.0), Duration::from_nanos(1 << 20));
        assert!(sum.turns.quantile(1.0) > Duration::from_secs(100));
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
        let quantile = |part| sum.waits.quantile(part);
        assert_eq!(
            (quantile(-1.0), quantile(99.0)),
            (quantile(0.0), quantile(1.0))
        );
        meters[1].count(micros(10), micros(10), Moved::default());
        let since = look().waits.since(&sum.waits);
        assert_eq!((since.count(), since.sum()), (1, micros(10)));
    }
}
