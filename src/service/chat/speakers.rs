//! Finds clients that speak and do not read.
//!
//! A client gets its own lines back, and while it does not take them, it is not read from. Its room
//! never waits for it, and would never disconnect it. So the clock checks clients that have spoken:
//! one that takes nothing for [`STOPPED`] and has sent more has stopped reading.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::lines::{Person, Recipient};

/// How long a client may take nothing; no other client waits for it meanwhile.
const STOPPED: Duration = Duration::from_secs(5);
/// Between two checks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// See the head of the file.
#[derive(Default)]
pub(super) struct Speakers(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    people: FxHashMap<u64, Arc<Person>>,
    next_look: Option<Instant>,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// It takes what it is sent.
    Reads,
    /// It takes nothing now.
    Stalls,
    Stopped,
}

impl Speakers {
    /// Notes that a person has spoken.
    pub(super) fn note(&self, person: &Arc<Person>) {
        let mut watched = self.0.lock();
        watched
            .people
            .entry(person.id)
            .or_insert_with(|| Arc::clone(person));
        watched
            .next_look
            .get_or_insert_with(|| Instant::now() + LOOK_EVERY);
    }

    /// Checks them; answers when to check again.
    pub(super) fn tick(&self, now: Instant, put_out: impl Fn(&Arc<Person>)) -> Option<Instant> {
        let mut watched = self.0.lock();
        if watched.next_look? > now {
            return watched.next_look;
        }
        let mut stopped = Vec::new();
        watched.people.retain(|_, person| {
            let found = look_at(person);
            if found == Found::Stopped {
                stopped.push(Arc::clone(person));
            }
            found == Found::Stalls
        });
        watched.next_look = (!watched.people.is_empty()).then(|| now + LOOK_EVERY);
        let next = watched.next_look;
        drop(watched);
        stopped.iter().for_each(put_out);
        next
    }
}

fn look_at(person: &Person) -> Found {
    let Recipient::Client(client) = &person.outlet else {
        return Found::Reads;
    };
    match client.stalled_for() {
        Some(time) if time >= STOPPED && client.unread() > 0 => Found::Stopped,
        Some(_) => Found::Stalls,
        None => Found::Reads,
    }
}
