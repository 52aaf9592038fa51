//! A directory that several daemons keep alike.
//!
//! All of them apply the same acts in the same order, so each change here must depend on nothing
//! else: not on the clock, not on which members are late. Members are told of joins and leaves when
//! an entry of the stream ends ([`settle`](Directory::settle)), and only the stream takes a seat
//! away.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use rustc_hash::FxHashMap;

use super::directory::ROOMS_MAX;
use super::history::{AT_MAX, Entry, History, Past};
use super::journal::Journal;
use super::people::is_reserved;
use super::{Directory, Event, Frontend, Name, NameError, Person, Room, Text};

/// The name of a person who has none yet. None can ask for it.
const NAMELESS: &str = "guest";

/// Whether it is the name of one who has none of its own.
pub(crate) fn is_nameless(name: &Name) -> bool {
    name.looks().any(is_reserved)
}

impl<F: Frontend> Directory<F> {
    /// A person who is not among the others yet.
    pub(crate) fn outside(&self, outlet: F::Outlet, wanted: Option<Name>) -> Arc<Person<F>> {
        let name = wanted.unwrap_or_else(|| Name::new(NAMELESS).expect("letters"));
        Arc::new(Person::new(self.next_id(), outlet, name))
    }

    /// Places a person among the others, under this name if it is free, or as a guest.
    pub(crate) fn place(
        &self,
        person: &Arc<Person<F>>,
        wanted: Option<Name>,
    ) -> Result<(), NameError> {
        let mut people = self.people();
        let free = match wanted {
            None => None,
            Some(name) if name.looks().any(is_reserved) => Some(Err(NameError::Reserved)),
            Some(name) if people.has(&name) => Some(Err(NameError::Taken)),
            Some(name) => Some(Ok(name)),
        };
        let (name, result) = match free {
            Some(Ok(name)) => (name, Ok(())),
            Some(Err(error)) => (people.guest(), Err(error)),
            None => (people.guest(), Ok(())),
        };
        people.claim(&name, person);
        people.note(person);
        person.rename(Arc::new(name));
        result
    }

    /// Places a person under a name that it has already; `false` if another has it.
    pub(crate) fn place_again(&self, person: &Arc<Person<F>>) -> bool {
        let name = person.name();
        let mut people = self.people();
        let is_free = !people.has(&name);
        if is_free {
            people.claim(&name, person);
            people.note(person);
        }
        is_free
    }

    /// Begins anew with these rooms and topics, and without persons.
    pub(crate) fn begin_again(&self, guests: u64, rooms: Vec<(Name, Text)>) {
        let keeping = self.keeping();
        let made = rooms.into_iter().take(ROOMS_MAX).map(|(name, topic)| {
            let history = History::new(keeping.history);
            let directory = keeping.directory.as_deref();
            let journal = directory.map(|directory| Journal::new(directory, &name));
            let key: Box<str> = name.key().into();
            let past = Past { history, topic };
            (
                key,
                Arc::new(Room::new(Arc::new(name), journal, past).shared()),
            )
        });
        let made: FxHashMap<_, _> = made.collect();
        self.replace_all(made, guests);
    }

    /// The room of that name, which is made if there is none; `None` if it can't be.
    pub(crate) fn open_shared(&self, name: &Name) -> Option<Arc<Room<F>>> {
        self.open(name).ok()
    }

    /// From here on events have this time, in milliseconds since 1970. It is that of an entry, and
    /// any program may have given it.
    pub(crate) fn set_time(&self, ms: u64) {
        self.time.store(ms.min(AT_MAX), Ordering::Relaxed);
    }

    /// The time of events; `None`: the machine's.
    pub(super) fn time(&self) -> Option<SystemTime> {
        match self.time.load(Ordering::Relaxed) {
            0 => None,
            ms => SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)),
        }
    }

    /// Tells the members of a room of those who have come and gone.
    pub(crate) fn settle(&self, room: &Arc<Room<F>>) {
        let mut inner = room.lock();
        room.notify_now(&mut inner, &self.frontend);
        self.told(room, inner);
    }

    /// Posts what a member says, and waits for none that is late.
    pub(crate) fn announce_by(&self, room: &Arc<Room<F>>, event: &Event, by: u64) {
        let mut inner = room.lock();
        inner.at = self.time();
        room.announce_by(&mut inner, &self.frontend, event, by);
        self.told(room, inner);
    }

    /// Keeps an event of the past in a room's history.
    pub(crate) fn remember(&self, room: &Room<F>, event: &Event, at: SystemTime) {
        room.lock().history.keep(event, at);
    }
}

impl<F: Frontend> Room<F> {
    /// Its last lines, the oldest first.
    pub(crate) fn history(&self) -> Vec<Entry> {
        self.lock().history.entries().cloned().collect()
    }

    /// Makes it one of a shared directory.
    pub(super) fn shared(self) -> Room<F> {
        self.lock().is_shared = true;
        self
    }
}
