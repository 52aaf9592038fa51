//! How chunks reach all members, and which members are late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::{Inner, Late, LeftOut, NOT_READING, PATIENCE, Seat};
use crate::service::chat::rooms::event::Crowd;
use crate::service::chat::rooms::{Frontend, Given, Person};

/// How long a member with a full outlet may take nothing at all.
const STALL: Duration = Duration::from_millis(250);
/// Capacity that a room keeps for empty seats.
const SEATS_KEPT: usize = 256;

impl<F: Frontend> Seat<F> {
    pub(super) fn ignores(&self, whom: u64) -> bool {
        let ignores = self.ignores.as_deref();
        ignores.is_some_and(|ids| ids.contains(&whom))
    }

    /// Whether it gets what these do not get.
    pub(super) fn gets(&self, left_out: LeftOut) -> bool {
        Some(self.person.id) != left_out.person
            && self.announced < left_out.number
            && !left_out.ignoring.is_some_and(|by| self.ignores(by))
    }
}

impl<F: Frontend> Inner<F> {
    /// Gives all members a chunk. Call only while no member is late.
    pub(super) fn tell(
        &mut self,
        frontend: &F,
        chunk: &F::Chunk,
        is_for: impl Fn(&Seat<F>) -> bool,
    ) {
        let mut full = Vec::new();
        for seat in self.seats.iter().filter(|seat| is_for(seat)) {
            if frontend.give(&seat.outlet, chunk.clone()) == Given::Full {
                full.push(Arc::clone(&seat.person));
            }
        }
        if full.is_empty() {
            return;
        }
        let since = Instant::now();
        for person in full {
            if person.is_out() {
                // Its connection ends.
                continue;
            }
            if frontend.stalled_for(&person.outlet) >= STALL {
                self.put_out(frontend, &person);
            } else {
                self.late.push(Late { person, since });
            }
        }
        self.last = (!self.late.is_empty()).then(|| chunk.clone());
    }

    /// Gives late members their chunk, then all members what waits; answers whether nothing is
    /// left.
    pub(super) fn catch_up(&mut self, frontend: &F) -> bool {
        loop {
            if !self.late.is_empty() {
                self.give_again(frontend);
            }
            if !self.late.is_empty() {
                return false;
            }
            self.last = None;
            let Some((chunk, left_out)) = self.waiting.pop_front() else {
                return true;
            };
            self.tell(frontend, &chunk, |seat| seat.gets(left_out));
        }
    }

    fn give_again(&mut self, frontend: &F) {
        let Some(chunk) = self.last.clone() else {
            return;
        };
        for late in std::mem::take(&mut self.late) {
            if !self.places.contains_key(&late.person.id)
                || late.person.is_out()
                || frontend.give(&late.person.outlet, chunk.clone()) != Given::Full
            {
                continue;
            }
            let stalled = frontend.stalled_for(&late.person.outlet) >= STALL;
            if stalled || late.since.elapsed() >= PATIENCE {
                self.put_out(frontend, &late.person);
            } else {
                self.late.push(late);
            }
        }
    }

    pub(super) fn put_out(&mut self, frontend: &F, person: &Arc<Person<F>>) {
        if !self.is_shared {
            self.remove(person);
            self.out.push(Arc::clone(person));
        }
        person.put_out(frontend, NOT_READING);
    }

    pub(super) fn remove(&mut self, person: &Person<F>) {
        if self.unseat(person) && !self.seats.is_empty() {
            self.left.add(person.name());
        }
    }

    pub(super) fn seat(&mut self, person: &Arc<Person<F>>) {
        self.places.insert(person.id, self.seats.len());
        self.seats.push(Seat {
            outlet: person.outlet.clone(),
            ignores: person.ignores(),
            person: Arc::clone(person),
            announced: self.announced,
        });
    }

    /// Takes a person's seat; answers whether it had one.
    pub(super) fn unseat(&mut self, person: &Person<F>) -> bool {
        let Some(place) = self.places.remove(&person.id) else {
            return false;
        };
        self.seats.swap_remove(place);
        if let Some(moved) = self.seats.get(place) {
            let id = moved.person.id;
            self.places.insert(id, place);
        }
        if self.seats.is_empty() {
            // No member is left to get a notice.
            self.came = Crowd::default();
            self.left = Crowd::default();
            self.seats = Vec::new();
            self.places = FxHashMap::default();
        } else if self.seats.capacity() > SEATS_KEPT.max(4 * self.seats.len()) {
            // Frees the capacity that many members needed.
            self.seats.shrink_to_fit();
            self.places.shrink_to_fit();
        }
        true
    }
}
