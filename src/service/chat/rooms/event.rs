//! What happens in a room.

use std::sync::Arc;

use super::Name;

/// Something that everybody in a room is told, in the same order.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Somebody spoke, perhaps several lines.
    Said { by: Arc<Name>, lines: Text },
    /// Somebody did something.
    Acted { by: Arc<Name>, text: Text },
    /// People came.
    Came(Crowd),
    /// People left.
    Left(Crowd),
    /// Somebody has another name.
    Renamed { from: Arc<Name>, to: Arc<Name> },
    /// What the room is about now; empty when nothing in particular.
    Topic { by: Arc<Name>, text: Text },
    /// The server says something.
    Told(Text),
}

/// Printable text: lines, each ended by a line feed, or a single one without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// Takes what is printable already.
    pub(crate) fn printable(text: String) -> Text {
        debug_assert!(text.chars().all(|one| one == '\n' || !one.is_control()));
        Text(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Names that are named, and how many are not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd {
    pub(crate) named: Vec<Arc<Name>>,
    pub(crate) more: usize,
}

/// Most names in one notice.
const NAMED_MAX: usize = 10;

impl Crowd {
    /// One more.
    pub(crate) fn add(&mut self, name: Arc<Name>) {
        if self.named.len() < NAMED_MAX {
            self.named.push(name);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}
