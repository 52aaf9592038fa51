//! The last lines of a room, bounded in number and in bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Event, Name, Text};

/// Maximum bytes of history of a room.
const BYTES_MAX: usize = 64 * 1024;
/// A line's last time, in milliseconds since 1970: later ones have no four digits for the year, and
/// no text.
pub(super) const AT_MAX: u64 = 253_402_300_799_000;

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Said,
    Acted,
}

/// A line of the history.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: SystemTime,
    pub(crate) by: Arc<Name>,
    pub(crate) kind: Kind,
    pub(crate) text: Box<str>,
}

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct History {
    lines_max: usize,
    bytes: usize,
    entries: VecDeque<Entry>,
}

/// The history and topic that a room begins with.
pub(super) struct Past {
    pub(super) history: History,
    pub(super) topic: Text,
}

impl History {
    pub(crate) fn new(lines_max: usize) -> History {
        History {
            lines_max,
            bytes: 0,
            entries: VecDeque::new(),
        }
    }

    /// Keeps the lines of an event.
    pub(crate) fn keep(&mut self, event: &Event, at: SystemTime) {
        let (by, kind, text) = match event {
            Event::Said { by, lines } => (by, Kind::Said, lines),
            Event::Acted { by, text } => (by, Kind::Acted, text),
            _ => return,
        };
        // Of a long paste only the end is kept and copied.
        let text = text.as_str().trim_end_matches('\n');
        let last: Vec<&str> = text.rsplit('\n').take(self.lines_max).collect();
        for line in last.into_iter().rev() {
            self.push(Entry {
                at,
                by: Arc::clone(by),
                kind,
                text: line.into(),
            });
        }
    }

    /// Keeps a line. One that would leave no room for any other is not kept.
    pub(crate) fn push(&mut self, mut entry: Entry) {
        let last = SystemTime::UNIX_EPOCH + Duration::from_millis(AT_MAX);
        entry.at = entry.at.min(last);
        if entry.weight() > BYTES_MAX {
            return;
        }
        self.bytes += entry.weight();
        self.entries.push_back(entry);
        while self.entries.len() > self.lines_max || self.bytes > BYTES_MAX {
            let Some(first) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= first.weight();
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

impl Entry {
    pub(super) fn weight(&self) -> usize {
        self.text.len() + self.by.as_str().len()
    }
}
