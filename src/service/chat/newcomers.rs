//! Clients that have connected and are in no room yet.
//!
//! A client enters the lobby with its first line, or [`PATIENCE`] after it has connected, unless
//! something has come by then that no worker has read yet. So a client whose first line is no
//! person's (`stranger`) is answered before it has been greeted, a client that has a name from the
//! start joins under it, and the room never hears of a health check that connects and leaves.
//!
//! The worker that serves the client and the server's clock both may let it in: the first of them
//! to lock its place does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::lines::{Person, Recipient, Room};

/// How long a client that says nothing waits for its greeting: a program that speaks first has
/// done so by then, and a person does not notice it.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a client waits for its greeting that has spoken: on a busy machine, its worker is late.
const SPOKEN_PATIENCE: Duration = Duration::from_secs(5);
/// Clients that one tick of the clock lets in, so that it holds up nothing else.
const BATCH: usize = 64;

/// See the head of the file. In the order of their next looks.
#[derive(Default)]
pub(super) struct Newcomers(Mutex<VecDeque<(Instant, Arc<Newcomer>)>>);

/// One of them. Under its lock those of the names and of the lobby are taken, never the other way.
pub(super) struct Newcomer {
    person: Arc<Person>,
    since: Instant,
    place: Mutex<Place>,
}

enum Place {
    /// In no room.
    Outside,
    /// The clock has let it in.
    Inside(Arc<Room>),
    /// Its session sees to it, or has ended.
    Taken,
}

impl Newcomers {
    pub(super) fn add(&self, person: &Arc<Person>) -> Arc<Newcomer> {
        let since = Instant::now();
        let newcomer = Arc::new(Newcomer {
            person: Arc::clone(person),
            since,
            place: Mutex::new(Place::Outside),
        });
        let entry = (since + PATIENCE, Arc::clone(&newcomer));
        self.0.lock().push_back(entry);
        newcomer
    }

    /// Lets in those whose time has come; answers when the next one's does.
    pub(super) fn tick(
        &self,
        now: Instant,
        mut enter: impl FnMut(&Arc<Person>) -> Option<Arc<Room>>,
    ) -> Option<Instant> {
        for _ in 0..BATCH {
            let next = self.0.lock().pop_front_if(|(due, _)| *due <= now);
            let Some((_, newcomer)) = next else {
                break;
            };
            let mut place = newcomer.place.lock();
            if !matches!(*place, Place::Outside) {
                continue;
            }
            if newcomer.has_spoken() && now < newcomer.since + SPOKEN_PATIENCE {
                drop(place);
                self.0.lock().push_back((now + PATIENCE, newcomer));
                continue;
            }
            *place = match enter(&newcomer.person) {
                Some(room) => Place::Inside(room),
                None => Place::Taken,
            };
        }
        self.0.lock().front().map(|(due, _)| *due)
    }
}

impl Newcomer {
    /// Its first line has come, or a part of it: its session sees to that as soon as it has a
    /// worker.
    fn has_spoken(&self) -> bool {
        match &self.person.outlet {
            Recipient::Client(client) => client.unread() > 0,
            Recipient::Console(_) => false,
        }
    }

    /// Its session sees to it from now on: the room it is in, if the clock has let it in.
    pub(super) fn take(&self) -> Option<Arc<Room>> {
        match std::mem::replace(&mut *self.place.lock(), Place::Taken) {
            Place::Inside(room) => Some(room),
            Place::Outside | Place::Taken => None,
        }
    }
}
