//! Clients that have connected and are in no room yet.
//!
//! A client enters the lobby with its first line, or [`PATIENCE`] after it has connected, unless it
//! has sent bytes by then that no worker has read yet. So a client that speaks another protocol
//! (`stranger`) is answered before a greeting, a client that begins with `/nick` joins under that
//! name, and a health check that connects and leaves is not shown.
//!
//! The worker that serves the client or the server's clock lets it in, whichever locks its state
//! first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::lines::{Person, Recipient, Room};
use super::port::ticket::Ticket;

/// How long a silent client waits for its greeting: a program that speaks first has done so by
/// then, and a person does not notice the delay.
const PATIENCE: Duration = Duration::from_millis(100);
/// The same for a client that has sent bytes: on a busy machine its worker is late.
const SPOKEN_PATIENCE: Duration = Duration::from_secs(5);
/// Maximum clients that one tick lets in, so that it delays nothing else.
const BATCH: usize = 64;

/// See the head of the file. In the order of their next checks.
#[derive(Default)]
pub(super) struct Newcomers(Mutex<VecDeque<(Instant, Arc<Newcomer>)>>);

/// Of a client that is in no room as far as its session knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NewcomerState {
    age_ms: u64,
    /// The clock has let it in.
    pub(super) room: Option<String>,
}

/// A new client. The locks of the names and of the lobby are taken under its lock, never the other
/// way.
pub(super) struct Newcomer {
    person: Arc<Person>,
    since: Instant,
    place: Mutex<JoinState>,
}

enum JoinState {
    /// In no room.
    Outside,
    /// The clock has let it in.
    Inside(Arc<Room>),
    /// The clock has said that it comes.
    Coming(Arc<Ticket>),
    /// Its session handles it, or has ended.
    Taken,
}

/// What has become of one that is let in.
pub(super) enum Entered {
    Inside(Arc<Room>),
    /// It comes as soon as the other daemons know.
    Coming(Arc<Ticket>),
    /// It was told why not.
    Refused,
    /// There is no room for that now: try again.
    Later,
}

impl Newcomers {
    pub(super) fn add(&self, person: &Arc<Person>) -> Arc<Newcomer> {
        let since = Instant::now();
        let newcomer = Arc::new(Newcomer {
            person: Arc::clone(person),
            since,
            place: Mutex::new(JoinState::Outside),
        });
        let entry = (since + PATIENCE, Arc::clone(&newcomer));
        self.0.lock().push_back(entry);
        newcomer
    }

    /// Adds a client of another process.
    pub(super) fn restore(
        &self,
        person: &Arc<Person>,
        state: &NewcomerState,
        room: Option<Arc<Room>>,
    ) -> Arc<Newcomer> {
        let now = Instant::now();
        let since = now.checked_sub(Duration::from_millis(state.age_ms));
        let waits = room.is_none();
        let newcomer = Arc::new(Newcomer {
            person: Arc::clone(person),
            since: since.unwrap_or(now),
            place: Mutex::new(room.map_or(JoinState::Outside, JoinState::Inside)),
        });
        if waits {
            let entry = (now + PATIENCE, Arc::clone(&newcomer));
            self.0.lock().push_back(entry);
        }
        newcomer
    }

    /// Lets in the clients whose time has come; answers the next time.
    pub(super) fn tick(
        &self,
        now: Instant,
        mut enter: impl FnMut(&Arc<Person>) -> Entered,
    ) -> Option<Instant> {
        for _ in 0..BATCH {
            let next = self.0.lock().pop_front_if(|(due, _)| *due <= now);
            let Some((_, newcomer)) = next else {
                break;
            };
            let mut place = newcomer.place.lock();
            if !matches!(*place, JoinState::Outside) {
                continue;
            }
            if newcomer.has_spoken() && now < newcomer.since + SPOKEN_PATIENCE {
                drop(place);
                self.0.lock().push_back((now + PATIENCE, newcomer));
                continue;
            }
            *place = match enter(&newcomer.person) {
                Entered::Inside(room) => JoinState::Inside(room),
                Entered::Coming(ticket) => JoinState::Coming(ticket),
                Entered::Refused => JoinState::Taken,
                Entered::Later => {
                    drop(place);
                    self.0.lock().push_back((now + PATIENCE, newcomer));
                    continue;
                }
            };
        }
        self.0.lock().front().map(|(due, _)| *due)
    }
}

impl Newcomer {
    /// Whether its first line has come, or a part of it, which its session handles as soon as it
    /// has a worker.
    fn has_spoken(&self) -> bool {
        match &self.person.outlet {
            Recipient::Client(client) => client.unread() > 0,
            Recipient::Console(_) | Recipient::Elsewhere(_) => false,
        }
    }

    /// `None` once its session has it.
    pub(super) fn to_state(&self) -> Option<NewcomerState> {
        let room = match &*self.place.lock() {
            // Those of several daemons do not move.
            JoinState::Outside | JoinState::Coming(_) => None,
            JoinState::Inside(room) => Some(room.name.as_str().to_owned()),
            JoinState::Taken => return None,
        };
        let age_ms = self.since.elapsed().as_millis() as u64;
        Some(NewcomerState { age_ms, room })
    }

    /// Hands it to its session; answers how the clock has let it in, if it has.
    pub(super) fn take(&self) -> Option<Entered> {
        match std::mem::replace(&mut *self.place.lock(), JoinState::Taken) {
            JoinState::Inside(room) => Some(Entered::Inside(room)),
            JoinState::Coming(ticket) => Some(Entered::Coming(ticket)),
            JoinState::Outside | JoinState::Taken => None,
        }
    }
}
