//! Events in a room.

use std::sync::Arc;

use super::Name;
use crate::escape::is_dangerous;

/// An event; all members of a room see the same order.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A member said one or more lines.
    Said { by: Arc<Name>, lines: Text },
    /// A member acted (`/me`).
    Acted { by: Arc<Name>, text: Text },
    /// Persons joined.
    Came(Crowd),
    /// Persons left.
    Left(Crowd),
    /// A member has another name.
    Renamed { from: Arc<Name>, to: Arc<Name> },
    /// The room has another topic, or none if the text is empty.
    Topic { by: Arc<Name>, text: Text },
    /// A line of the server.
    Told(Text),
}

/// Printable text: lines, each ended by a line feed, or a single one without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// Takes text that is printable already.
    pub(crate) fn printable(text: String) -> Text {
        debug_assert!(text.chars().all(|one| one == '\n' || !one.is_control()));
        Text(text)
    }

    /// Takes text of another process; `None` if it is not printable.
    pub(crate) fn checked(text: String) -> Option<Text> {
        let is_fine = text.chars().all(|one| one == '\n' || !is_dangerous(one));
        is_fine.then_some(Text(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A bounded list of names, and how many more there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd {
    pub(crate) named: Vec<Arc<Name>>,
    pub(crate) more: usize,
}

/// Maximum names in one notice.
const NAMED_MAX: usize = 10;

impl Crowd {
    /// Adds a name.
    pub(crate) fn add(&mut self, name: Arc<Name>) {
        if self.named.len() < NAMED_MAX {
            self.named.push(name);
        } else {
            self.more += 1;
        }
    }

    /// Takes a name back; answers whether it was there.
    pub(super) fn take_back(&mut self, name: &Name) -> bool {
        let place = { self.named.iter() }.position(|one| one.key() == name.key());
        place.map(|place| self.named.remove(place)).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.more == 0
    }
}
