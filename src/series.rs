//! First a line for each, then a count: keeps the log short and names each cause.
//!
//! A [`Series`] stands for one kind of event, such as a limit that acts on clients or a panic. The
//! keys tell its events apart: the client's address, the panic's place. The owner logs
//! what the series answers, after releasing its lock:
//!
//! - [`happened`](Series::happened) answers whether this event gets a line: the first of an
//!   episode, and each new key, as far as [`NAMES_MAX`] of them; all others are counted.
//! - [`look`](Series::look), for owners that have a clock, answers when the episode is over: quiet
//!   for 5 s at first. Each following episode has to be quiet for twice as long, up to an hour, so
//!   a recurring event does not fill the log. After a quiet day it is 5 s again.
//! - [`end`](Series::end) answers the same at once, when no look will follow.
//! - Keys are forgotten after an hour; an event that still happens is then named again.
//!
//! So a series that never rests takes 12 lines an hour, and a few dozen in its first hour.

use std::time::{Duration, Instant};

/// Keys that get a line of their own within [`NAMES_FOR`].
pub(crate) const NAMES_MAX: usize = 10;
const NAMES_FOR: Duration = Duration::from_secs(60 * 60);
/// How long a first episode has to be quiet to be over, and the maximum for later ones.
const QUIET_MIN: Duration = Duration::from_secs(5);
const QUIET_MAX: Duration = Duration::from_secs(60 * 60);
/// After this rest an episode counts as a first one.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct Series<K> {
    /// Keys logged since `named_since`; at most [`NAMES_MAX`].
    named: Vec<K>,
    named_since: Option<Instant>,
    /// Events of this episode, and events since the last line.
    count: u64,
    untold: u64,
    /// The last event; `None` before the first.
    last: Option<Instant>,
    /// How long this episode has to be quiet to be over.
    quiet: Duration,
    /// The end of the episode was answered.
    is_over: bool,
}

/// An event that gets a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its key had no line in the last hour.
    pub(crate) is_new: bool,
    /// Earlier events that no line has counted.
    pub(crate) earlier: u64,
}

impl Told {
    /// For a field of the line; `None` if there were none.
    pub(crate) fn earlier(self) -> Option<u64> {
        Some(self.earlier).filter(|earlier| *earlier > 0)
    }
}

impl<K: PartialEq> Series<K> {
    pub(crate) const fn new() -> Series<K> {
        Series {
            named: Vec::new(),
            named_since: None,
            count: 0,
            untold: 0,
            last: None,
            quiet: QUIET_MIN,
            is_over: true,
        }
    }

    /// Counts an event; `Some` if it gets a line.
    pub(crate) fn happened(&mut self, key: K, now: Instant) -> Option<Told> {
        let begins = self.is_over || self.is_quiet(now);
        if begins {
            self.begin(now);
        }
        self.count += 1;
        self.last = Some(now);
        if self
            .named_since
            .is_none_or(|since| now >= since + NAMES_FOR)
        {
            self.named.clear();
            self.named_since = Some(now);
        }
        let is_new = !self.named.contains(&key);
        let has_name = is_new && self.named.len() < NAMES_MAX;
        if has_name {
            self.named.push(key);
        }
        if !begins && !has_name {
            self.untold += 1;
            return None;
        }
        let earlier = std::mem::take(&mut self.untold);
        Some(Told { is_new, earlier })
    }

    /// When [`look`](Series::look) may answer something.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.last
            .filter(|_| !self.is_over)
            .map(|last| last + self.quiet)
    }

    /// When an episode is over, answers once how many events it had.
    pub(crate) fn look(&mut self, now: Instant) -> Option<u64> {
        if self.is_over || !self.is_quiet(now) {
            return None;
        }
        self.is_over = true;
        self.untold = 0;
        Some(self.count)
    }

    /// Ends an episode; answers how many events it had, if some of them have no line.
    pub(crate) fn end(&mut self) -> Option<u64> {
        let is_told = self.is_over || self.untold == 0;
        self.is_over = true;
        self.untold = 0;
        (!is_told).then_some(self.count)
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now >= last + self.quiet)
    }

    fn begin(&mut self, now: Instant) {
        self.quiet = match self.last {
            Some(last) if now < last + DAY => (2 * self.quiet).min(QUIET_MAX),
            _ => QUIET_MIN,
        };
        self.count = 0;
        self.is_over = false;
    }
}

impl<K: PartialEq> Default for Series<K> {
    fn default() -> Series<K> {
        Series::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A series and its clock.
    struct Case {
        series: Series<u32>,
        now: Instant,
    }

    impl Case {
        fn new() -> Case {
            Case {
                series: Series::new(),
                now: Instant::now(),
            }
        }

        fn pass(&mut self, seconds: f64) {
            self.now += Duration::from_secs_f64(seconds);
        }

        fn happened(&mut self, key: u32) -> Option<(bool, u64)> {
            let told = self.series.happened(key, self.now);
            told.map(|told| (told.is_new, told.earlier))
        }

        fn look(&mut self) -> Option<u64> {
            self.series.look(self.now)
        }
    }

    #[test]
    fn each_key_is_told_once_and_the_eleventh_is_counted() {
        let mut case = Case::new();
        for key in 0..NAMES_MAX as u32 {
            let earlier = u64::from(key > 0);
            assert_eq!(case.happened(key), Some((true, earlier)), "{key}");
            assert_eq!(case.happened(key), None, "{key} again");
        }
        assert_eq!(case.happened(99), None);
        case.pass(4.9);
        assert_eq!(case.look(), None);
        assert_eq!(
            case.series.next(),
            Some(case.now + Duration::from_millis(100))
        );
        case.pass(0.1);
        assert_eq!(case.look(), Some(21));
        assert_eq!((case.look(), case.series.next()), (None, None), "told once");
    }

    #[test]
    fn what_was_only_counted_is_told_with_the_next_line() {
        let mut case = Case::new();
        assert_eq!(case.happened(1), Some((true, 0)));
        assert_eq!(case.happened(1), None);
        assert_eq!(case.happened(1), None);
        assert_eq!(case.happened(2), Some((true, 2)));
        // Without a look in between, the next episode reports the count of the last.
        assert_eq!(case.happened(1), None);
        case.pass(5.0);
        assert_eq!(case.happened(1), Some((false, 1)));
    }

    #[test]
    fn an_end_tells_what_has_no_line() {
        let mut case = Case::new();
        assert_eq!(case.series.end(), None);
        assert!(case.happened(1).is_some());
        assert_eq!(case.series.end(), None, "each has its line");
        assert!(case.happened(1).is_some());
        assert!(case.happened(1).is_none());
        assert_eq!((case.series.end(), case.series.end()), (Some(2), None));
    }

    /// Lines of a day in which it happens that often, from one client.
    fn lines_of_a_day(case: &mut Case, every: f64) -> usize {
        let mut lines = 0;
        for _ in 0..(86_400.0 / every) as u32 {
            lines += usize::from(case.happened(1).is_some());
            let next = case.now + Duration::from_secs_f64(every);
            if case.series.next().is_some_and(|at| at <= next) {
                case.now = case.series.next().expect("it is one");
                lines += usize::from(case.look().is_some());
            }
            case.now = next;
        }
        lines
    }

    #[test]
    fn what_comes_and_goes_for_ever_does_not_write_for_ever() {
        for every in [0.5, 5.0, 5.5, 11.0, 60.0, 600.0, 3599.0] {
            let mut case = Case::new();
            let first = lines_of_a_day(&mut case, every);
            let second = lines_of_a_day(&mut case, every);
            assert!(first <= 24 + 20, "{first} lines, one every {every} s");
            assert!(second <= 25, "{second} lines, one every {every} s");
            assert!(second >= 11, "it is told that it still happens: {second}");
        }
    }

    #[test]
    fn after_a_quiet_day_it_is_as_at_first() {
        let mut case = Case::new();
        for _ in 0..4 {
            assert!(case.happened(1).is_some());
            case.pass(100.0);
            case.look();
        }
        case.pass(86_400.0);
        assert_eq!(case.happened(1), Some((true, 0)));
        case.pass(5.0);
        assert_eq!(case.look(), Some(1));
    }
}
