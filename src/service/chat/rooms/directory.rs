//! The rooms and the persons, by name.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard, RwLock};
use rustc_hash::FxHashMap;

use super::history::Past;
use super::journal::Journal;
use super::people::{People, is_reserved};
use super::room::{Arrival, Inner, Posted, Room};
use super::{Event, Frontend, Name, NameError, Person, PersonState};

/// Maximum rooms; an empty one is closed for a new one.
pub(super) const ROOMS_MAX: usize = 1000;

/// See the head of the file.
pub(crate) struct Directory<F: Frontend> {
    pub(crate) frontend: F,
    keeping: Keeping,
    /// Several daemons keep it alike.
    is_shared: bool,
    /// The time of events, if it is not the machine's: see `shared`.
    pub(super) time: AtomicU64,
    people: Mutex<People<F>>,
    rooms: RwLock<FxHashMap<Box<str>, Arc<Room<F>>>>,
    /// Rooms with work for later.
    postponed: Mutex<Vec<(Instant, Arc<Room<F>>)>>,
}

/// What is kept of the lines.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    /// Lines that a new member is shown.
    pub(crate) history: usize,
    /// The directory of the rooms' files.
    pub(crate) directory: Option<PathBuf>,
}

/// Why a person can't enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RoomError {
    #[error("there is a room whose name looks like that")]
    LooksAlike,
    #[error("the maximum number of rooms is reached")]
    TooMany,
}

impl<F: Frontend> Directory<F> {
    pub(crate) fn new(frontend: F, keeping: Keeping, is_shared: bool) -> Directory<F> {
        Directory {
            frontend,
            keeping,
            is_shared,
            time: AtomicU64::new(0),
            people: Mutex::new(People::new()),
            rooms: RwLock::default(),
            postponed: Mutex::default(),
        }
    }

    /// Adds a person, named `guest-N` unless `name` is given.
    pub(crate) fn admit(&self, outlet: F::Outlet, name: Option<Name>) -> Arc<Person<F>> {
        let mut people = self.people.lock();
        people.last_id = people.last_id.wrapping_add(1);
        let id = people.last_id;
        let name = name.unwrap_or_else(|| people.guest());
        let person = Arc::new(Person::new(id, outlet, name));
        people.claim(&person.name(), &person);
        people.by_id.insert(id, Arc::clone(&person));
        person
    }

    /// Adds a person of another process, under its number; `None` if the name or the number is
    /// another's.
    pub(crate) fn restore_person(
        &self,
        outlet: F::Outlet,
        state: PersonState,
    ) -> Option<Arc<Person<F>>> {
        let person = Arc::new(Person::of_state(outlet, state)?);
        let name = person.name();
        let mut people = self.people.lock();
        let is_taken = name.looks().any(|look| people.by_look.contains_key(look));
        if is_taken || people.by_id.contains_key(&person.id) {
            return None;
        }
        people.last_id = people.last_id.max(person.id);
        people.claim(&name, &person);
        people.by_id.insert(person.id, Arc::clone(&person));
        Some(person)
    }

    /// The last number of a person, and of a guest.
    pub(super) fn numbers(&self) -> (u64, u64) {
        let people = self.people.lock();
        (people.last_id, people.guests)
    }

    pub(super) fn keeping(&self) -> &Keeping {
        &self.keeping
    }

    /// Has these rooms, and numbers persons after these.
    pub(super) fn replace(
        &self,
        rooms: FxHashMap<Box<str>, Arc<Room<F>>>,
        last_id: u64,
        guests: u64,
    ) {
        *self.rooms.write() = rooms;
        let mut people = self.people.lock();
        (people.last_id, people.guests) = (last_id, guests);
    }

    pub(super) fn people(&self) -> MutexGuard<'_, People<F>> {
        self.people.lock()
    }

    /// A number for a person.
    pub(super) fn next_id(&self) -> u64 {
        let mut people = self.people.lock();
        people.last_id = people.last_id.wrapping_add(1);
        people.last_id
    }

    /// The number of guests until now.
    pub(crate) fn guests(&self) -> u64 {
        self.people.lock().guests
    }

    /// Has these rooms, and no persons.
    pub(super) fn replace_all(&self, rooms: FxHashMap<Box<str>, Arc<Room<F>>>, guests: u64) {
        *self.rooms.write() = rooms;
        let mut people = self.people.lock();
        people.guests = guests;
        people.by_look.clear();
        people.by_id.clear();
    }

    /// Gives a person another name; answers the old one.
    pub(crate) fn rename(&self, person: &Arc<Person<F>>, to: Name) -> Result<Arc<Name>, NameError> {
        self.rename_past(person, to, None)
    }

    /// The same, but takes the name from `holder`, who becomes a guest.
    pub(crate) fn rename_past(
        &self,
        person: &Arc<Person<F>>,
        to: Name,
        holder: Option<&Arc<Person<F>>>,
    ) -> Result<Arc<Name>, NameError> {
        if to.looks().any(is_reserved) {
            return Err(NameError::Reserved);
        }
        let mut people = self.people.lock();
        if !people.by_id.contains_key(&person.id) {
            // It was put out: its name may be another's, and no end of it would free a new one.
            return Err(NameError::Gone);
        }
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

    /// Removes a person who has left; the name is free.
    pub(crate) fn forget(&self, person: &Person<F>) {
        let mut people = self.people.lock();
        if people.by_id.remove(&person.id).is_some() {
            people.release(&person.name());
        }
    }

    /// The person with this name, or one that looks like it.
    pub(crate) fn holder(&self, name: &Name) -> Option<Arc<Person<F>>> {
        let people = self.people.lock();
        name.looks()
            .find_map(|look| people.by_look.get(look).cloned())
    }

    /// The person with this name.
    pub(crate) fn find(&self, name: &Name) -> Option<Arc<Person<F>>> {
        let found = self.people.lock().by_look.get(name.look()).cloned();
        found.filter(|person| person.name().key() == name.key())
    }

    /// A person ignores another, or ends that; answers whether it is ignored now. `None`: too many
    /// are. Those who have left do not count.
    pub(crate) fn ignore(&self, person: &Person<F>, whom: u64) -> Option<bool> {
        let ignored = person.ignores();
        let ignored = ignored.as_deref().unwrap_or_default();
        let people = self.people.lock();
        let is_here = |id: &u64| people.by_id.contains_key(id);
        let here = ignored.iter().copied().filter(is_here).collect();
        drop(people);
        person.ignore(whom, here)
    }

    pub(crate) fn persons(&self) -> Vec<Arc<Person<F>>> {
        self.people.lock().by_id.values().cloned().collect()
    }

    /// Enters a person into a room, which is created if there is none of that name.
    pub(crate) fn enter(
        &self,
        name: &Name,
        person: &Arc<Person<F>>,
        greet: &dyn Fn(&Arrival<'_>) -> F::Chunk,
    ) -> Result<Arc<Room<F>>, RoomError> {
        loop {
            let room = self.open(name)?;
            let mut inner = room.lock();
            let entered = room.enter(&mut inner, &self.frontend, person, greet);
            self.unlock(&room, inner, Instant::now());
            if entered {
                return Ok(room);
            }
        }
    }

    pub(crate) fn leave(&self, room: &Arc<Room<F>>, person: &Person<F>) {
        let mut inner = room.lock();
        room.leave(&mut inner, &self.frontend, person);
        self.unlock(room, inner, Instant::now());
    }

    /// A person that was put out leaves all rooms, and its name is free: its connection may last.
    pub(crate) fn leave_all(&self, person: &Person<F>) {
        for room in self.rooms() {
            if room.holds(person.id) {
                self.leave(&room, person);
            }
        }
        self.forget(person);
    }

    /// Posts what a member says in a room.
    pub(crate) fn post(&self, room: &Arc<Room<F>>, event: &Event, by: u64) -> Posted {
        let chunk = self.frontend.encode(&room.name, event);
        let mut inner = room.lock();
        inner.at = self.time();
        let posted = room.post(&mut inner, &self.frontend, event, &chunk, by);
        self.told(room, inner);
        posted
    }

    /// Tells all members of a room something that can't wait.
    pub(crate) fn announce(&self, room: &Arc<Room<F>>, event: &Event) {
        self.announce_to_others(room, event, None);
    }

    /// The same, except for one member.
    pub(crate) fn announce_to_others(
        &self,
        room: &Arc<Room<F>>,
        event: &Event,
        except: Option<u64>,
    ) {
        let mut inner = room.lock();
        inner.at = self.time();
        room.announce(&mut inner, &self.frontend, event, except);
        self.told(room, inner);
    }

    /// Removes a person from a room, with this event instead of the usual one; answers whether it
    /// was a member.
    pub(crate) fn expel(
        &self,
        room: &Arc<Room<F>>,
        person: &Person<F>,
        event: &Event,
        except: Option<u64>,
    ) -> bool {
        let mut inner = room.lock();
        inner.at = self.time();
        let was_here = room.expel(&mut inner, &self.frontend, person, event, except);
        self.told(room, inner);
        was_here
    }

    /// Finishes an announcement: unlocks the room and writes its journal.
    pub(super) fn told(&self, room: &Arc<Room<F>>, inner: MutexGuard<'_, Inner<F>>) {
        self.unlock(room, inner, Instant::now());
        if let Some(journal) = &room.journal {
            journal.write();
        }
    }

    /// Unlocks a room, schedules it, and does what its lock was not to be held for.
    fn unlock(&self, room: &Arc<Room<F>>, mut inner: MutexGuard<'_, Inner<F>>, now: Instant) {
        let due = room.due(&inner, now);
        let out = std::mem::take(&mut inner.out);
        drop(inner);
        self.postponed(room, due);
        out.iter().for_each(|person| self.leave_all(person));
    }

    /// Does postponed work; answers when there is more.
    pub(crate) fn tick(&self, now: Instant) -> Option<Instant> {
        let mut postponed = self.postponed.lock();
        if postponed.is_empty() {
            return None;
        }
        let (due, later) = postponed.drain(..).partition(|(due, _)| *due <= now);
        let due: Vec<(Instant, Arc<Room<F>>)> = due;
        *postponed = later;
        drop(postponed);
        for (_, room) in due {
            let mut inner = room.lock();
            room.tick(&mut inner, &self.frontend, now);
            self.unlock(&room, inner, now);
        }
        self.postponed.lock().iter().map(|(due, _)| *due).min()
    }

    fn postponed(&self, room: &Arc<Room<F>>, due: Option<Instant>) {
        let Some(due) = due else {
            return;
        };
        let mut postponed = self.postponed.lock();
        match postponed
            .iter_mut()
            .find(|(_, other)| Arc::ptr_eq(other, room))
        {
            Some((before, _)) => *before = due.min(*before),
            None => postponed.push((due, Arc::clone(room))),
        }
    }

    /// The room of that name.
    pub(crate) fn room(&self, name: &Name) -> Option<Arc<Room<F>>> {
        self.rooms.read().get(name.key()).cloned()
    }

    /// All rooms.
    pub(crate) fn rooms(&self) -> Vec<Arc<Room<F>>> {
        self.rooms.read().values().cloned().collect()
    }

    pub(super) fn open(&self, name: &Name) -> Result<Arc<Room<F>>, RoomError> {
        if let Some(room) = self.room(name) {
            return Ok(room);
        }
        // Reads the file before the lock is taken.
        let directory = self.keeping.directory.as_deref();
        let journal = directory.map(|directory| Journal::new(directory, name));
        let past = match &journal {
            // What is shared has its past from the others.
            Some(journal) if !self.is_shared => journal.restore(self.keeping.history),
            _ => Past::none(self.keeping.history),
        };
        let mut rooms = self.rooms.write();
        if let Some(room) = rooms.get(name.key()) {
            return Ok(Arc::clone(room));
        }
        if rooms.values().any(|room| room.name.is_like(name)) {
            return Err(RoomError::LooksAlike);
        }
        if rooms.len() >= ROOMS_MAX && !close_empty(&mut rooms) {
            return Err(RoomError::TooMany);
        }
        let room = Room::new(Arc::new(name.clone()), journal, past);
        let room = match self.is_shared {
            true => Arc::new(room.shared()),
            false => Arc::new(room),
        };
        rooms.insert(name.key().into(), Arc::clone(&room));
        Ok(room)
    }
}

/// Closes all empty rooms; answers whether there were any.
fn close_empty<F: Frontend>(rooms: &mut FxHashMap<Box<str>, Arc<Room<F>>>) -> bool {
    let before = rooms.len();
    rooms.retain(|_, room| {
        let mut inner = room.lock();
        inner.closed = inner.is_empty();
        !inner.closed
    });
    rooms.len() < before
}
