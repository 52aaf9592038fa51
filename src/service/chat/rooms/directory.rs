//! The rooms and the people, by their names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard, RwLock};
use rustc_hash::FxHashMap;

use super::history::Past;
use super::journal::Journal;
use super::room::{Arrival, Inner, Posted, Room};
use super::{Event, Frontend, Name, NameError, Person};

/// Rooms at once; one that nobody is in makes place for a new one.
const ROOMS_MAX: usize = 1000;
/// Names that nobody can take.
const RESERVED: [&str; 6] = ["server", "poold", "console", "operator", "system", "guest"];
/// What unnamed people are called, before a number.
const GUEST: &str = "guest-";

/// See the head of the file.
pub(crate) struct Directory<F: Frontend> {
    pub(crate) front: F,
    keeping: Keeping,
    people: Mutex<People<F>>,
    rooms: RwLock<FxHashMap<Box<str>, Arc<Room<F>>>>,
    /// Rooms that have something to do later.
    put_off: Mutex<Vec<(Instant, Arc<Room<F>>)>>,
}

/// What is kept of what is said.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    /// Lines that a newcomer is shown.
    pub(crate) history: usize,
    /// Where each room has its file.
    pub(crate) directory: Option<PathBuf>,
}

struct People<F: Frontend> {
    /// Each under its two looks.
    by_look: FxHashMap<Box<str>, Arc<Person<F>>>,
    by_id: FxHashMap<u64, Arc<Person<F>>>,
    last_id: u64,
    guests: u64,
}

/// Why somebody can't enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RoomError {
    #[error("there is a room whose name looks like that")]
    LooksAlike,
    #[error("there are as many rooms as there may be")]
    TooMany,
}

impl<F: Frontend> Directory<F> {
    pub(crate) fn new(front: F, keeping: Keeping) -> Directory<F> {
        Directory {
            front,
            keeping,
            people: Mutex::new(People {
                by_look: FxHashMap::default(),
                by_id: FxHashMap::default(),
                last_id: 0,
                guests: 0,
            }),
            rooms: RwLock::default(),
            put_off: Mutex::default(),
        }
    }

    /// Somebody new, who is called `guest-N` until it says otherwise, or has a name already.
    pub(crate) fn admit(&self, outlet: F::Outlet, name: Option<Name>) -> Arc<Person<F>> {
        let mut people = self.people.lock();
        people.last_id += 1;
        let id = people.last_id;
        let name = name.unwrap_or_else(|| people.guest());
        let person = Arc::new(Person::new(id, outlet, name));
        people.claim(&person.name(), &person);
        people.by_id.insert(id, Arc::clone(&person));
        person
    }

    /// Gives somebody another name; answers the one before.
    pub(crate) fn rename(&self, person: &Arc<Person<F>>, to: Name) -> Result<Arc<Name>, NameError> {
        self.rename_past(person, to, None)
    }

    /// The same where the holder of that name has no right to it any more: it is a guest then.
    pub(crate) fn rename_past(
        &self,
        person: &Arc<Person<F>>,
        to: Name,
        holder: Option<&Arc<Person<F>>>,
    ) -> Result<Arc<Name>, NameError> {
        let is_reserved = |look: &str| RESERVED.contains(&look) || look.starts_with(GUEST);
        if to.looks().any(is_reserved) {
            return Err(NameError::Reserved);
        }
        let mut people = self.people.lock();
        let is_others = |look: &str| {
            let found = people.by_look.get(look).map(|found| found.id);
            found.is_some_and(|id| id != person.id && Some(id) != holder.map(|one| one.id))
        };
        if to.looks().any(is_others) {
            return Err(NameError::Taken);
        }
        if let Some(holder) = holder.filter(|one| people.by_id.contains_key(&one.id)) {
            let guest = Arc::new(people.guest());
            people.release(&holder.name());
            people.claim(&guest, holder);
            holder.rename(guest);
        }
        let to = Arc::new(to);
        people.release(&person.name());
        people.claim(&to, person);
        Ok(person.rename(to))
    }

    /// Somebody has gone: the name is free, and another's from now on.
    pub(crate) fn forget(&self, person: &Person<F>) {
        let mut people = self.people.lock();
        if people.by_id.remove(&person.id).is_some() {
            people.release(&person.name());
        }
    }

    /// Who has this name, or one that looks like it.
    pub(crate) fn holder(&self, name: &Name) -> Option<Arc<Person<F>>> {
        let people = self.people.lock();
        name.looks()
            .find_map(|look| people.by_look.get(look).cloned())
    }

    /// Who is called so.
    pub(crate) fn find(&self, name: &Name) -> Option<Arc<Person<F>>> {
        let found = self.people.lock().by_look.get(name.look()).cloned();
        found.filter(|person| person.name().key() == name.key())
    }

    pub(crate) fn everybody(&self) -> Vec<Arc<Person<F>>> {
        self.people.lock().by_id.values().cloned().collect()
    }

    /// Somebody enters a room, which is made if there is none of that name.
    pub(crate) fn enter(
        &self,
        name: &Name,
        person: &Arc<Person<F>>,
        greet: &dyn Fn(&Arrival<'_>) -> F::Chunk,
    ) -> Result<Arc<Room<F>>, RoomError> {
        loop {
            let room = self.open(name)?;
            let mut inner = room.lock();
            let entered = room.enter(&mut inner, &self.front, person, greet);
            let due = room.due(&inner, Instant::now());
            drop(inner);
            if entered {
                self.put_off(&room, due);
                return Ok(room);
            }
        }
    }

    pub(crate) fn leave(&self, room: &Arc<Room<F>>, person: &Person<F>) {
        let mut inner = room.lock();
        room.leave(&mut inner, &self.front, person);
        let due = room.due(&inner, Instant::now());
        drop(inner);
        self.put_off(room, due);
    }

    /// Somebody speaks in a room.
    pub(crate) fn post(&self, room: &Arc<Room<F>>, event: &Event, by: u64) -> Posted {
        let chunk = self.front.encode(&room.name, event);
        let mut inner = room.lock();
        let posted = room.post(&mut inner, &self.front, event, &chunk, by);
        let due = room.due(&inner, Instant::now());
        drop(inner);
        self.put_off(room, due);
        if let Some(journal) = &room.journal {
            journal.write();
        }
        posted
    }

    /// Tells everybody in a room something that can't wait.
    pub(crate) fn announce(&self, room: &Arc<Room<F>>, event: &Event) {
        self.announce_to_others(room, event, None);
    }

    /// The same, but for one who knows.
    pub(crate) fn announce_to_others(
        &self,
        room: &Arc<Room<F>>,
        event: &Event,
        except: Option<u64>,
    ) {
        let mut inner = room.lock();
        room.announce(&mut inner, &self.front, event, except);
        self.told(room, inner);
    }

    /// Takes somebody out of a room, which is told this and nothing else of it; answers whether it
    /// was there.
    pub(crate) fn expel(
        &self,
        room: &Arc<Room<F>>,
        person: &Person<F>,
        event: &Event,
        except: Option<u64>,
    ) -> bool {
        let mut inner = room.lock();
        let was_here = room.expel(&mut inner, &self.front, person, event, except);
        self.told(room, inner);
        was_here
    }

    /// What is left to be done when something was announced.
    fn told(&self, room: &Arc<Room<F>>, inner: MutexGuard<'_, Inner<F>>) {
        let due = room.due(&inner, Instant::now());
        drop(inner);
        self.put_off(room, due);
        if let Some(journal) = &room.journal {
            journal.write();
        }
    }

    /// Does what has been put off; answers when there is more to do.
    pub(crate) fn tick(&self, now: Instant) -> Option<Instant> {
        let mut put_off = self.put_off.lock();
        if put_off.is_empty() {
            return None;
        }
        let (due, later) = put_off.drain(..).partition(|(due, _)| *due <= now);
        let due: Vec<(Instant, Arc<Room<F>>)> = due;
        *put_off = later;
        drop(put_off);
        for (_, room) in due {
            let again = room.tick(&mut room.lock(), &self.front, now);
            self.put_off(&room, again);
        }
        self.put_off.lock().iter().map(|(due, _)| *due).min()
    }

    fn put_off(&self, room: &Arc<Room<F>>, due: Option<Instant>) {
        let Some(due) = due else {
            return;
        };
        let mut put_off = self.put_off.lock();
        match put_off
            .iter_mut()
            .find(|(_, other)| Arc::ptr_eq(other, room))
        {
            Some((before, _)) => *before = due.min(*before),
            None => put_off.push((due, Arc::clone(room))),
        }
    }

    /// A room of that name, if there is one.
    pub(crate) fn room(&self, name: &Name) -> Option<Arc<Room<F>>> {
        self.rooms.read().get(name.key()).cloned()
    }

    /// All rooms.
    pub(crate) fn rooms(&self) -> Vec<Arc<Room<F>>> {
        self.rooms.read().values().cloned().collect()
    }

    fn open(&self, name: &Name) -> Result<Arc<Room<F>>, RoomError> {
        if let Some(room) = self.room(name) {
            return Ok(room);
        }
        // Its file is read before anybody has to wait for it.
        let directory = self.keeping.directory.as_deref();
        let journal = directory.map(|directory| Journal::new(directory, name));
        let past = match &journal {
            Some(journal) => journal.restore(self.keeping.history),
            None => Past::none(self.keeping.history),
        };
        let mut rooms = self.rooms.write();
        if let Some(room) = rooms.get(name.key()) {
            return Ok(Arc::clone(room));
        }
        if rooms.values().any(|room| room.name.is_like(name)) {
            return Err(RoomError::LooksAlike);
        }
        if rooms.len() >= ROOMS_MAX && !close_deserted(&mut rooms) {
            return Err(RoomError::TooMany);
        }
        let room = Arc::new(Room::new(Arc::new(name.clone()), journal, past));
        rooms.insert(name.key().into(), Arc::clone(&room));
        Ok(room)
    }
}

/// Gives up the rooms that nobody is in; answers whether there were any.
fn close_deserted<F: Frontend>(rooms: &mut FxHashMap<Box<str>, Arc<Room<F>>>) -> bool {
    let before = rooms.len();
    rooms.retain(|_, room| {
        let mut inner = room.lock();
        inner.closed = inner.is_deserted();
        !inner.closed
    });
    rooms.len() < before
}

impl<F: Frontend> People<F> {
    fn guest(&mut self) -> Name {
        self.guests += 1;
        Name::new(&format!("{GUEST}{}", self.guests)).expect("letters and digits")
    }

    fn claim(&mut self, name: &Name, person: &Arc<Person<F>>) {
        for look in name.looks() {
            self.by_look.insert(look.into(), Arc::clone(person));
        }
    }

    fn release(&mut self, name: &Name) {
        for look in name.looks() {
            self.by_look.remove(look);
        }
    }
}
