//! Reads a stream from a position on, whichever server has it.
//!
//! An id alone is no position. A replica that takes over may lack the last entries that were read,
//! and gives new ones ids below them if its clock is behind. So some of the entries that were read
//! are remembered with their numbers: up to the last one that the server has, both have the same.
//! From there all is read again, and what was [`Seen`] is no news.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::entry::{Entry, Id};
use super::failure::Failure;
use super::link::Link;
use super::seen::Seen;

/// Entries of one reply, and about how many bytes it may have: a message may be long.
const COUNT: usize = 100;
const PIECE: usize = 4 << 20;
/// After this silence within a reply the server counts as away.
const SILENT_MAX: Duration = Duration::from_secs(4);
/// Entries before the first one that is read: copies of these may follow.
const BEFORE: usize = 1000;
/// Entries that are remembered: fewer, the longer ago it is.
const MARKS: usize = 64;
/// Without entries for so long, it is checked that the stream is the same.
const CHECK: Duration = Duration::from_secs(10);

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Start,
    Now,
    After(Id),
}

/// See the head of the file.
pub(crate) struct Follower {
    stream: Vec<u8>,
    from: From,
    seen: Seen,
    /// The last entry that was read; `None` before the first connection.
    last: Option<Id>,
    /// Up to here, an entry without a number is no news.
    old: Id,
    /// Where reading has begun.
    floor: Id,
    /// The last one is `last`.
    marks: VecDeque<Mark>,
    /// Replies with entries.
    replies: u64,
    /// Entries that the next command asks for.
    count: usize,
    /// When entries came, or it was checked that the stream is the same.
    checked: Instant,
}

/// An entry that was read.
struct Mark {
    id: Id,
    name: Option<String>,
    /// The number of its reply; 0 before the first.
    reply: u64,
}

/// Tells which messages of an entry are news.
pub(crate) struct News<'a> {
    seen: &'a mut Seen,
    number: Option<(&'a str, u64)>,
    is_after: bool,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) entries: usize,
    /// There may be more at once.
    pub(crate) is_full: bool,
}

impl<'a> News<'a> {
    /// Where each entry without a number is new.
    pub(crate) fn of(entry: &Entry<'a>, seen: &'a mut Seen) -> News<'a> {
        News {
            seen,
            number: entry.number(),
            is_after: true,
        }
    }

    /// Whether the message at this place of the entry is new.
    pub(crate) fn has(&mut self, at: u64) -> bool {
        match self.number {
            Some((run, first)) => self.seen.is_new(run, first + at),
            None => self.is_after,
        }
    }
}

impl Follower {
    pub(crate) fn new(stream: &str, from: From) -> Follower {
        Follower {
            stream: stream.into(),
            from,
            seen: Seen::default(),
            last: None,
            old: Id::default(),
            floor: Id::default(),
            marks: VecDeque::new(),
            replies: 0,
            count: 1,
            checked: Instant::now(),
        }
    }

    /// The last entry that was read; `None` before the first connection.
    pub(crate) fn last(&self) -> Option<Id> {
        self.last
    }

    /// Messages that never came, though later ones have; each is told once.
    pub(crate) fn missing(&mut self, now: Instant) -> Option<u64> {
        self.seen.missing(now)
    }

    /// Whether there may be something to tell of in a moment.
    pub(crate) fn has_gaps(&self) -> bool {
        self.seen.has_gaps()
    }

    /// Finds the position. To be called on each new connection.
    pub(crate) fn begin(&mut self, link: &mut Link) -> Result<(), Failure> {
        // It may have been lost because a reply was too long.
        self.count = 1;
        self.checked = Instant::now();
        if self.last.is_some() {
            return self.find_common(link);
        }
        let upto = match self.from {
            From::Start => Id::default(),
            From::Now => top(link, &self.stream)?,
            From::After(id) => id,
        };
        (self.old, self.floor) = (upto, upto);
        self.see_before(link, upto)?;
        self.last = Some(upto);
        Ok(())
    }

    /// Sees the entries up to `upto`: what comes after may be copies of them.
    fn see_before(&mut self, link: &mut Link, upto: Id) -> Result<(), Failure> {
        let mut end = upto.to_string();
        let mut left = BEFORE;
        while left > 0 && upto > Id::default() {
            let asked = self.count.min(left);
            let count = asked.to_string();
            let (end_at, count) = (end.as_bytes(), count.as_bytes());
            let command = [
                b"XREVRANGE",
                &self.stream[..],
                end_at,
                b"-",
                b"COUNT",
                count,
            ];
            let (seen, marks) = (&mut self.seen, &mut self.marks);
            let (first, size, found) = link.ask_slowly(&command, SILENT_MAX, |reply| {
                let all = Entry::all(reply)?;
                let messages = all.iter().filter_map(|entry| {
                    let (run, number) = entry.number()?;
                    Some((run, number, number + lines(entry)))
                });
                for (run, first, after) in messages {
                    for number in first..after {
                        seen.is_new(run, number);
                    }
                }
                marks.extend(all.first().map(Mark::of).filter(|_| marks.is_empty()));
                if let Some(first) = all.last() {
                    marks.push_front(Mark::of(first));
                }
                let size = all.iter().map(Entry::size).sum();
                Ok::<_, Failure>((all.last().map(|entry| entry.id), size, all.len()))
            })??;
            self.count = next_count(asked, found, size);
            left -= found.min(left);
            let Some(first) = first.filter(|_| found == asked) else {
                break;
            };
            (self.floor, end) = (first, format!("({first}"));
        }
        Ok(())
    }

    /// Goes back to the last entry that the server has, too.
    fn find_common(&mut self, link: &mut Link) -> Result<(), Failure> {
        let ours = self.last.unwrap_or_default();
        while let Some(mark) = self.marks.back() {
            let id = mark.id.to_string();
            let command = [b"XREVRANGE", &self.stream[..], id.as_bytes(), id.as_bytes()];
            let is_there = link.ask_slowly(&command, SILENT_MAX, |reply| {
                let all = Entry::all(reply)?;
                let is_it = |entry: &Entry<'_>| entry.name() == mark.name.as_deref();
                Ok::<_, Failure>(all.first().is_some_and(is_it))
            })??;
            if is_there {
                break;
            }
            self.marks.pop_back();
        }
        self.last = Some(match self.marks.back() {
            Some(mark) => mark.id,
            // Trimmed, or another stream by now.
            None if top(link, &self.stream)? < self.floor => Id::default(),
            None => self.floor,
        });
        self.old = self.old.max(ours);
        Ok(())
    }

    /// Reads what follows, and gives each entry to `take`. If there is nothing, the server waits
    /// for so long.
    pub(crate) fn read(
        &mut self,
        link: &mut Link,
        wait: Option<Duration>,
        mut take: impl FnMut(&Entry<'_>, &mut News<'_>),
    ) -> Result<Came, Failure> {
        if self.checked.elapsed() >= CHECK {
            // The stream may have been deleted, and begun anew.
            self.find_common(link)?;
            self.checked = Instant::now();
        }
        let last = self.last.unwrap_or_default().to_string();
        let (count, ms) = (
            self.count.to_string(),
            wait.map(|wait| wait.as_millis().to_string()),
        );
        let mut command = vec![b"XREAD".as_slice(), b"COUNT", count.as_bytes()];
        if let Some(ms) = &ms {
            command.extend([b"BLOCK".as_slice(), ms.as_bytes()]);
        }
        command.extend([b"STREAMS", &self.stream[..], last.as_bytes()]);
        let (seen, old) = (&mut self.seen, self.old);
        let (mark, entries, size) = link.ask_slowly(&command, SILENT_MAX, |reply| {
            let all = Entry::all_of_stream(reply)?;
            for entry in &all {
                let is_after = entry.id > old;
                let mut news = News {
                    is_after,
                    ..News::of(entry, seen)
                };
                take(entry, &mut news);
            }
            let size = all.iter().map(Entry::size).sum();
            Ok::<_, Failure>((all.last().map(Mark::of), all.len(), size))
        })??;
        let is_full = entries == self.count;
        self.count = next_count(self.count, entries, size);
        if let Some(mark) = mark {
            self.last = Some(mark.id);
            self.remember(mark);
            self.checked = Instant::now();
        }
        Ok(Came { entries, is_full })
    }

    fn remember(&mut self, mark: Mark) {
        self.replies += 1;
        let reply = self.replies;
        self.marks.push_back(Mark { reply, ..mark });
        if self.marks.len() > MARKS {
            // The one goes that leaves the smallest gap for its age.
            let gap = |at: &usize| {
                let [before, it, after] = [at - 1, *at, at + 1].map(|at| self.marks[at].reply);
                (after - before) as f64 / (reply - it) as f64
            };
            let inner = 1..self.marks.len() - 1;
            let least = inner.min_by(|one, other| gap(one).total_cmp(&gap(other)));
            least.and_then(|at| self.marks.remove(at));
        }
    }
}

impl Mark {
    fn of(entry: &Entry<'_>) -> Mark {
        Mark {
            id: entry.id,
            name: entry.name().map(str::to_owned),
            reply: 0,
        }
    }
}

/// Messages of an entry.
fn lines(entry: &Entry<'_>) -> u64 {
    entry.lines().map_or(1, |lines| lines.count() as u64)
}

/// How many entries to ask for, after so many of this size came.
pub(crate) fn next_count(asked: usize, came: usize, size: usize) -> usize {
    match size > PIECE {
        true => (came * PIECE / size).max(1),
        false => (2 * asked).min(COUNT),
    }
}

/// The id of the stream's last entry.
pub(crate) fn top(link: &mut Link, stream: &[u8]) -> Result<Id, Failure> {
    let command = [b"XREVRANGE", stream, b"+", b"-", b"COUNT", b"1"];
    link.ask_slowly(&command, SILENT_MAX, |reply| {
        let all = Entry::all(reply)?;
        Ok(all.first().map(|entry| entry.id).unwrap_or_default())
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_near_each_other_at_the_end_and_reach_far_back() {
        let mut follower = Follower::new("s", From::Start);
        for ms in 1..=100_000 {
            let id = Id { ms, number: 0 };
            let (name, reply) = (None, 0);
            follower.remember(Mark { id, name, reply });
        }
        let marks: Vec<u64> = follower.marks.iter().map(|mark| mark.id.ms).collect();
        assert!(marks.len() <= MARKS, "{marks:?}");
        assert_eq!(marks[0], 1);
        let last = marks.len() - 1;
        assert_eq!(marks[last - 3..], [99_997, 99_998, 99_999, 100_000]);
        for at in 1..last {
            // From here back to the next mark is at most as far as from here to the end.
            let (gap, age) = (marks[at] - marks[at - 1], 100_000 - marks[at]);
            assert!(gap <= age.max(2), "{marks:?}");
        }
    }

    #[test]
    fn long_messages_come_in_short_pieces() {
        assert_eq!(next_count(1, 1, 100), 2);
        assert_eq!(next_count(64, 64, 100), COUNT);
        assert_eq!(next_count(COUNT, COUNT, COUNT * PIECE), 1);
        assert_eq!(next_count(COUNT, COUNT, 2 * PIECE), COUNT / 2);
        assert_eq!(next_count(1, 1, 300 << 20), 1);
    }
}
