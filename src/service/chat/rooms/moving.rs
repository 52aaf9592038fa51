//! Rooms and persons to and from the form in which another process gets them.
//!
//! A room is written down when all of its members are held and nothing is said. Its members come
//! with their sessions, and take their seats without a word. So do lines that a room has for late
//! members: [`Room::owed`].

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::directory::ROOMS_MAX;
use super::history::{AT_MAX, Entry, History, Kind, Past};
use super::journal::Journal;
use super::people::GUESTS_MAX;
use super::{Directory, Frontend, Keeping, Name, Person, Room, Text};

/// Maximum bytes of all histories; of further rooms none is kept.
const HISTORIES_MAX: usize = 8 * 1024 * 1024;

/// All rooms.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DirectoryState {
    last_id: u64,
    guests: u64,
    rooms: Vec<RoomState>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RoomState {
    name: String,
    topic: String,
    history: Vec<EntryState>,
}

/// A line of the history.
#[derive(Debug, Serialize, Deserialize)]
struct EntryState {
    /// Milliseconds since 1970.
    at: u64,
    by: String,
    acted: bool,
    text: String,
}

impl<F: Frontend> Directory<F> {
    /// Gives the notices that wait, and writes all rooms down.
    pub(crate) fn to_state(&self) -> DirectoryState {
        let (last_id, guests) = self.numbers();
        let mut bytes = 0;
        let mut rooms = Vec::new();
        for room in self.rooms() {
            let (topic, mut history) = room.quiet(&self.frontend);
            bytes += history.iter().map(Entry::weight).sum::<usize>();
            if bytes > HISTORIES_MAX {
                history.clear();
            }
            rooms.push(RoomState {
                name: room.name.as_str().to_owned(),
                topic: topic.as_str().to_owned(),
                history: history.iter().map(EntryState::of).collect(),
            });
        }
        DirectoryState {
            last_id,
            guests,
            rooms,
        }
    }

    /// Has these rooms, without members, in place of its own.
    pub(crate) fn restore(&self, state: DirectoryState) -> Option<()> {
        if state.guests > GUESTS_MAX {
            return None;
        }
        let mut rooms = FxHashMap::default();
        for room in state.rooms.into_iter().take(ROOMS_MAX) {
            let room = room.into_room(self.keeping())?;
            rooms.insert(room.name.key().into(), Arc::new(room));
        }
        self.replace(rooms, state.last_id, state.guests);
        Some(())
    }

    /// Removes a person from a room, in which nothing is said of that.
    pub(crate) fn vanish(&self, room: &Room<F>, person: &Person<F>) {
        room.vanish(person);
    }
}

impl RoomState {
    fn into_room<F: Frontend>(self, keeping: &Keeping) -> Option<Room<F>> {
        let name = Name::new(&self.name).ok()?;
        let mut history = History::new(keeping.history);
        for entry in self.history {
            history.push(entry.into_entry()?);
        }
        let topic = Text::checked(self.topic)?;
        let directory = keeping.directory.as_deref();
        let journal = directory.map(|directory| Journal::new(directory, &name));
        let past = Past { history, topic };
        Some(Room::new(Arc::new(name), journal, past))
    }
}

impl EntryState {
    fn of(entry: &Entry) -> EntryState {
        let at = entry.at.duration_since(SystemTime::UNIX_EPOCH);
        EntryState {
            at: at.unwrap_or_default().as_millis() as u64,
            by: entry.by.as_str().to_owned(),
            acted: entry.kind == Kind::Acted,
            text: entry.text.to_string(),
        }
    }

    fn into_entry(self) -> Option<Entry> {
        let text = Text::checked(self.text)?;
        let at = (self.at <= AT_MAX).then(|| Duration::from_millis(self.at))?;
        Some(Entry {
            at: SystemTime::UNIX_EPOCH.checked_add(at)?,
            by: Arc::new(Name::new(&self.by).ok()?),
            kind: match self.acted {
                true => Kind::Acted,
                false => Kind::Said,
            },
            text: text.as_str().into(),
        })
    }
}
