//! A room whose members move to another process.

use std::sync::Arc;

use super::Room;
use crate::service::chat::rooms::history::Entry;
use crate::service::chat::rooms::{Frontend, Person, Text};

impl<F: Frontend> Room<F> {
    /// Gives the notices that wait; answers its topic and its history.
    pub(crate) fn quiet(&self, frontend: &F) -> (Text, Vec<Entry>) {
        let mut inner = self.lock();
        inner.catch_up(frontend);
        self.notify_now(&mut inner, frontend);
        let history = inner.history.entries().cloned().collect();
        (inner.topic.clone(), history)
    }

    /// What it has for a member that has not taken it yet.
    pub(crate) fn owed(&self, person: u64) -> Vec<F::Chunk> {
        let inner = self.lock();
        let Some(&place) = inner.places.get(&person) else {
            return Vec::new();
        };
        let seat = &inner.seats[place];
        let is_late = inner.late.iter().any(|late| late.person.id == person);
        let last = inner.last.iter().filter(|_| is_late).cloned();
        let waiting = inner.waiting.iter();
        let waiting = waiting.filter(|(_, left_out)| seat.gets(*left_out));
        last.chain(waiting.map(|(chunk, _)| chunk.clone()))
            .collect()
    }

    /// A person takes its seat again: no member is told. `false`: it has one.
    pub(crate) fn seat(&self, person: &Arc<Person<F>>) -> bool {
        let mut inner = self.lock();
        if inner.closed || inner.places.contains_key(&person.id) {
            return false;
        }
        inner.seat(person);
        true
    }

    pub(crate) fn vanish(&self, person: &Person<F>) {
        self.lock().unseat(person);
    }
}
