//! How everybody in a room is told, and who is late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::{DEAF, Inner, Late, PATIENCE, Seat};
use crate::service::chat::rooms::event::Crowd;
use crate::service::chat::rooms::{Frontend, Given, Person};

/// How long somebody whose outlet is full may take nothing at all.
const STALL: Duration = Duration::from_millis(250);
/// Seats for which a room keeps place when they are empty.
const SEATS_KEPT: usize = 256;

impl<F: Frontend> Seat<F> {
    pub(super) fn ignores(&self, whom: u64) -> bool {
        let ignores = self.ignores.as_deref();
        ignores.is_some_and(|ids| ids.contains(&whom))
    }
}

impl<F: Frontend> Inner<F> {
    /// Gives everybody a chunk. Nobody may be late.
    pub(super) fn tell(&mut self, front: &F, chunk: &F::Chunk, is_for: impl Fn(&Seat<F>) -> bool) {
        let mut full = Vec::new();
        for seat in self.seats.iter().filter(|seat| is_for(seat)) {
            if front.give(&seat.outlet, chunk.clone()) == Given::Full {
                full.push(Arc::clone(&seat.person));
            }
        }
        if full.is_empty() {
            return;
        }
        let since = Instant::now();
        for person in full {
            if front.stalled_for(&person.outlet) >= STALL {
                self.put_out(front, &person);
            } else {
                self.late.push(Late { person, since });
            }
        }
        self.last = (!self.late.is_empty()).then(|| chunk.clone());
    }

    /// Gives those who are late what they have not taken, then everybody what waits; answers
    /// whether all is told.
    pub(super) fn catch_up(&mut self, front: &F) -> bool {
        loop {
            if !self.late.is_empty() {
                self.give_again(front);
            }
            if !self.late.is_empty() {
                return false;
            }
            self.last = None;
            let Some((chunk, except)) = self.waiting.pop_front() else {
                return true;
            };
            self.tell(front, &chunk, |seat| Some(seat.person.id) != except);
        }
    }

    fn give_again(&mut self, front: &F) {
        let Some(chunk) = self.last.clone() else {
            return;
        };
        for late in std::mem::take(&mut self.late) {
            if !self.places.contains_key(&late.person.id)
                || front.give(&late.person.outlet, chunk.clone()) != Given::Full
            {
                continue;
            }
            let stalled = front.stalled_for(&late.person.outlet) >= STALL;
            if stalled || late.since.elapsed() >= PATIENCE {
                self.put_out(front, &late.person);
            } else {
                self.late.push(late);
            }
        }
    }

    pub(super) fn put_out(&mut self, front: &F, person: &Arc<Person<F>>) {
        self.remove(person);
        person.put_out(front, DEAF);
    }

    pub(super) fn remove(&mut self, person: &Person<F>) {
        if self.unseat(person) && !self.seats.is_empty() {
            self.left.add(person.name());
        }
    }

    /// Whether somebody was there.
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
            // Nobody is left who could be told.
            self.came = Crowd::default();
            self.left = Crowd::default();
            self.seats = Vec::new();
            self.places = FxHashMap::default();
        } else if self.seats.capacity() > SEATS_KEPT.max(4 * self.seats.len()) {
            // What a crowd has left behind.
            self.seats.shrink_to_fit();
            self.places.shrink_to_fit();
        }
        true
    }
}
