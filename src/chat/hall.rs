//! The rooms and the people, by their names.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

use super::history::History;
use super::{Front, Name, NameError, Room};

/// See the head of the file.
pub(crate) struct Hall<F: Front> {
    pub(crate) front: F,
    history_lines: usize,
    people: Mutex<People<F>>,
    rooms: RwLock<FxHashMap<Box<str>, Arc<Room<F>>>>,
    ids: AtomicU64,
}

struct People<F: Front> {
    by_look: FxHashMap<Box<str>, Arc<Person<F>>>,
    guests: u64,
}

/// Somebody who is here.
pub(crate) struct Person<F: Front> {
    /// Never used twice.
    pub(crate) id: u64,
    pub(crate) outlet: F::Outlet,
    name: Mutex<Arc<Name>>,
}

/// Bytes of history that a room keeps.
const HISTORY_BYTES_MAX: usize = 64 * 1024;
/// Names that nobody can have.
const RESERVED: [&str; 6] = ["server", "poold", "console", "operator", "system", "guest"];
/// What unnamed people are called, before a number.
const GUEST: &str = "guest-";

impl<F: Front> Person<F> {
    pub(crate) fn name(&self) -> Arc<Name> {
        Arc::clone(&self.name.lock())
    }
}

impl<F: Front> Hall<F> {
    pub(crate) fn new(front: F, history_lines: usize) -> Hall<F> {
        Hall {
            front,
            history_lines,
            people: Mutex::new(People {
                by_look: FxHashMap::default(),
                guests: 0,
            }),
            rooms: RwLock::new(FxHashMap::default()),
            ids: AtomicU64::new(0),
        }
    }

    /// Somebody new, who is called `guest-N`.
    pub(crate) fn admit(&self, outlet: F::Outlet) -> Arc<Person<F>> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed) + 1;
        let mut people = self.people.lock();
        people.guests += 1;
        let name = Name::new(&format!("{GUEST}{}", people.guests)).expect("a valid name");
        let person = Arc::new(Person {
            id,
            outlet,
            name: Mutex::new(Arc::new(name)),
        });
        people.claim(&person.name(), &person);
        person
    }

    /// Gives somebody another name.
    pub(crate) fn rename(&self, person: &Arc<Person<F>>, to: Name) -> Result<Arc<Name>, NameError> {
        let looks_reserved = |look: &str| RESERVED.contains(&look) || look.starts_with(GUEST);
        if to.looks().iter().any(|look| looks_reserved(look)) {
            return Err(NameError::Reserved);
        }
        let mut people = self.people.lock();
        let is_others = |look| {
            let holder: Option<&Arc<Person<F>>> = people.by_look.get(look);
            holder.is_some_and(|holder| holder.id != person.id)
        };
        if to.looks().iter().any(is_others) {
            return Err(NameError::Taken);
        }
        let to = Arc::new(to);
        people.release(&person.name());
        people.claim(&to, person);
        Ok(std::mem::replace(&mut *person.name.lock(), to))
    }

    /// Somebody has gone: the name is free.
    pub(crate) fn forget(&self, person: &Person<F>) {
        self.people.lock().release(&person.name());
    }

    /// Who is called so.
    pub(crate) fn find(&self, name: &Name) -> Option<Arc<Person<F>>> {
        let found = self.people.lock().by_look.get(&name.looks()[0]).cloned();
        found.filter(|person| person.name().key() == name.key())
    }

    /// A room, made if there is none of that name.
    pub(crate) fn room(&self, name: &Name) -> Arc<Room<F>> {
        if let Some(room) = self.rooms.read().get(name.key()) {
            return Arc::clone(room);
        }
        let mut rooms = self.rooms.write();
        let made = || {
            let history = History::new(self.history_lines, HISTORY_BYTES_MAX);
            Arc::new(Room::new(Arc::new(name.clone()), history))
        };
        Arc::clone(rooms.entry(name.key().into()).or_insert_with(made))
    }

    /// All rooms.
    pub(crate) fn rooms(&self) -> Vec<Arc<Room<F>>> {
        self.rooms.read().values().cloned().collect()
    }
}

impl<F: Front> People<F> {
    fn claim(&mut self, name: &Name, person: &Arc<Person<F>>) {
        for look in name.looks() {
            self.by_look.insert(look.clone(), Arc::clone(person));
        }
    }

    fn release(&mut self, name: &Name) {
        for look in name.looks() {
            self.by_look.remove(look);
        }
    }
}
