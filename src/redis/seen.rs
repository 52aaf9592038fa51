//! Which messages were printed, by their numbers.
//!
//! A run of `recv` numbers its messages from 1 on, and sends again from the first one without an
//! answer. So a copy has a number near the highest: a window of numbers for each run is enough.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Numbers that a window holds. A piece of the output, which may be sent again as a whole, has at
/// most a quarter of that.
const WINDOW: u64 = 1 << 17;
/// Runs that are kept: those that sent something last.
const RUNS_MAX: usize = 1024;
/// A number that is not there after this time is missing.
const LATE: Duration = Duration::from_secs(2);

/// See the head of the file.
#[derive(Default)]
pub(crate) struct Seen {
    runs: HashMap<String, Run>,
    turn: u64,
    /// Missing numbers that were told, and since when there are more.
    told: u64,
    since: Option<Instant>,
}

struct Run {
    /// The number of the first bit, a multiple of 64.
    base: u64,
    bits: VecDeque<u64>,
    /// The first number that came, and the one after the highest.
    first: u64,
    next: u64,
    /// How many came from the first on.
    count: u64,
    heard: u64,
}

impl Seen {
    /// Records a message; `true` if it is new.
    pub(crate) fn is_new(&mut self, run: &str, number: u64) -> bool {
        self.turn += 1;
        if !self.runs.contains_key(run) {
            self.make_room();
            self.runs.insert(run.to_owned(), Run::new(number));
        }
        let turn = self.turn;
        self.runs.get_mut(run).is_some_and(|run| {
            run.heard = turn;
            run.is_new(number)
        })
    }

    fn make_room(&mut self) {
        if self.runs.len() < RUNS_MAX {
            return;
        }
        let oldest = { self.runs.iter() }.min_by_key(|(_, run)| run.heard);
        let oldest = oldest.map(|(name, _)| name.clone());
        oldest.and_then(|name| self.runs.remove(&name));
    }

    /// Whether numbers have not come, though later ones have, and that was not told.
    pub(crate) fn has_gaps(&self) -> bool {
        self.gaps() > self.told
    }

    fn gaps(&self) -> u64 {
        self.runs.values().map(Run::missing).sum()
    }

    /// Messages whose numbers have not come for a while, though later ones have: they were trimmed
    /// before they were read. Each is told once.
    pub(crate) fn missing(&mut self, now: Instant) -> Option<u64> {
        let all = self.gaps();
        if all <= self.told {
            (self.told, self.since) = (all, None);
            return None;
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < LATE {
            return None;
        }
        let more = all - self.told;
        (self.told, self.since) = (all, None);
        Some(more)
    }
}

impl Run {
    fn new(number: u64) -> Run {
        Run {
            // What was refused within a pipeline comes after what followed it.
            base: number.saturating_sub(WINDOW / 2) / 64 * 64,
            bits: VecDeque::new(),
            first: number,
            next: number,
            count: 0,
            heard: 0,
        }
    }

    fn is_new(&mut self, number: u64) -> bool {
        if number < self.base {
            return false;
        }
        if number - self.base >= 2 * WINDOW {
            // No run is so far ahead of its last number: what came before is of no use.
            self.base = (number - WINDOW / 2) / 64 * 64;
            self.bits.clear();
        }
        while number - self.base >= WINDOW {
            self.bits.pop_front();
            self.base += 64;
        }
        let (word, bit) = ((number - self.base) / 64, (number - self.base) % 64);
        let word = word as usize;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let is_new = self.bits[word] >> bit & 1 == 0;
        self.bits[word] |= 1 << bit;
        if is_new && number >= self.first {
            self.count += 1;
            self.next = self.next.max(number + 1);
        }
        is_new
    }

    fn missing(&self) -> u64 {
        (self.next - self.first).saturating_sub(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_none_however_they_come() {
        let mut seen = Seen::default();
        assert!((1..=1000).all(|n| seen.is_new("a", n)));
        assert!((900..=1000).all(|n| !seen.is_new("a", n)));
        assert!((1001..=1100).all(|n| seen.is_new("a", n)));
        assert!((1..=1100).all(|n| !seen.is_new("a", n)));
        assert!(seen.is_new("b", 1000));
        // Refused in the midst, and sent again with what followed.
        assert!(seen.is_new("b", 1002) && seen.is_new("b", 1001) && !seen.is_new("b", 1002));
        // Before the first.
        assert!(seen.is_new("b", 999) && !seen.is_new("b", 999));
    }

    #[test]
    fn a_window_slides_and_never_grows() {
        let mut seen = Seen::default();
        for n in 1..5 * WINDOW {
            assert!(seen.is_new("a", n));
            assert!(!seen.is_new("a", n - n.min(WINDOW / 4)) || n <= WINDOW / 4);
        }
        assert!(seen.runs["a"].bits.len() as u64 <= WINDOW / 64);
        assert!(!seen.is_new("a", 1));
        assert!(seen.is_new("a", u64::MAX / 2));
        assert!(!seen.is_new("a", u64::MAX / 2) && seen.is_new("a", u64::MAX / 2 + 1));
        assert!(seen.runs["a"].bits.len() as u64 <= WINDOW / 64);
    }

    #[test]
    fn runs_have_a_bound() {
        let mut seen = Seen::default();
        for n in 0..2 * RUNS_MAX {
            assert!(seen.is_new(&n.to_string(), 1));
            assert!(!seen.is_new("heard all the time", 1) || n == 0);
        }
        assert!(seen.runs.len() <= RUNS_MAX);
    }

    #[test]
    fn what_does_not_come_is_missing_once() {
        let mut seen = Seen::default();
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        assert!(seen.is_new("a", 10) && seen.is_new("a", 13));
        assert_eq!(seen.missing(after(0)), None);
        assert!(seen.is_new("a", 11));
        assert_eq!(seen.missing(after(1900)), None);
        assert_eq!(seen.missing(after(2000)), Some(1));
        assert_eq!(seen.missing(after(9000)), None);
        assert!(seen.is_new("a", 12));
        assert_eq!(seen.missing(after(9001)), None);
        assert!(seen.is_new("a", 20));
        assert_eq!(seen.missing(after(9002)), None);
        assert!(seen.has_gaps());
        assert_eq!(seen.missing(after(12_000)), Some(6));
        assert!(!seen.has_gaps());
    }
}
