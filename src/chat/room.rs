//! One room: who is in it, what was said, and one order of it for everybody.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::event::Crowd;
use super::history::History;
use super::{Event, Front, Given, Name, Person, Text};

/// See the head of the file.
pub(crate) struct Room<F: Front> {
    pub(crate) name: Arc<Name>,
    inner: Mutex<Inner<F>>,
}

struct Inner<F: Front> {
    /// In no order: who leaves is replaced by the last.
    seats: Vec<Seat<F>>,
    /// Where in `seats` somebody sits.
    places: FxHashMap<u64, usize>,
    history: History,
    topic: Text,
}

struct Seat<F: Front> {
    outlet: F::Outlet,
    person: Arc<Person<F>>,
}

/// A room as somebody finds it who comes in.
pub(crate) struct Arrival<'a> {
    pub(crate) room: &'a Name,
    pub(crate) others: usize,
    pub(crate) topic: &'a Text,
    pub(crate) history: &'a History,
}

impl<F: Front> Room<F> {
    pub(crate) fn new(name: Arc<Name>, history: History) -> Room<F> {
        Room {
            name,
            inner: Mutex::new(Inner {
                seats: Vec::new(),
                places: FxHashMap::default(),
                history,
                topic: Text::default(),
            }),
        }
    }

    /// Somebody comes in, is greeted, and hears everything from here on.
    pub(crate) fn enter(
        &self,
        front: &F,
        person: &Arc<Person<F>>,
        greet: impl FnOnce(&Arrival<'_>) -> F::Chunk,
    ) {
        let mut inner = self.inner.lock();
        if inner.places.contains_key(&person.id) {
            return;
        }
        let came = Event::Came(Crowd::of(person.name()));
        let chunk = front.encode(&self.name, &came);
        inner.tell(front, &chunk);
        let arrival = Arrival {
            room: &self.name,
            others: inner.seats.len(),
            topic: &inner.topic,
            history: &inner.history,
        };
        front.give(&person.outlet, greet(&arrival));
        let place = inner.seats.len();
        inner.places.insert(person.id, place);
        inner.seats.push(Seat {
            outlet: person.outlet.clone(),
            person: Arc::clone(person),
        });
    }

    /// Somebody leaves. Answers whether the room is empty now.
    pub(crate) fn leave(&self, front: &F, person: &Person<F>) -> bool {
        let mut inner = self.inner.lock();
        if let Some(place) = inner.places.remove(&person.id) {
            inner.seats.swap_remove(place);
            if let Some(moved) = inner.seats.get(place) {
                let id = moved.person.id;
                inner.places.insert(id, place);
            }
            let left = Event::Left(Crowd::of(person.name()));
            let chunk = front.encode(&self.name, &left);
            inner.tell(front, &chunk);
        }
        inner.seats.is_empty()
    }

    /// Tells everybody.
    pub(crate) fn post(&self, front: &F, event: &Event) {
        let chunk = front.encode(&self.name, event);
        let mut inner = self.inner.lock();
        if let Event::Topic { text, .. } = event {
            inner.topic = text.clone();
        }
        inner.history.keep(event, SystemTime::now());
        inner.tell(front, &chunk);
    }

    /// How many are in it.
    pub(crate) fn count(&self) -> usize {
        self.inner.lock().seats.len()
    }

    /// Who is in it.
    pub(crate) fn names(&self) -> Vec<Arc<Name>> {
        let inner = self.inner.lock();
        inner.seats.iter().map(|seat| seat.person.name()).collect()
    }

    pub(crate) fn topic(&self) -> Text {
        self.inner.lock().topic.clone()
    }
}

impl<F: Front> Inner<F> {
    fn tell(&mut self, front: &F, chunk: &F::Chunk) {
        for seat in &self.seats {
            if front.give(&seat.outlet, chunk.clone()) == Given::Full {
                front.dismiss(&seat.outlet, "you don't read what you are sent");
            }
        }
    }
}
