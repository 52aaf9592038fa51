//! A room: its members, its history, and one order of events for all members.
//!
//! A post is given to all members under the room's lock. A member whose outlet is full is *late*:
//! it is given the same chunk again in a moment, and until it has taken it, nothing more is posted
//! in the room, so fast speakers wait for slow readers. A late member is disconnected after
//! [`PATIENCE`], or sooner if it takes nothing at all. So a member that has stopped reading delays
//! the others only if they fill its outlet within that time.

mod moving;
mod telling;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;

use super::event::Crowd;
use super::history::{History, Past};
use super::journal::Journal;
use super::{Event, Frontend, Name, Person, Text};

/// How long a room waits for a late member that still takes something.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// Between two tries to give a late member its chunk.
const AGAIN_AFTER: Duration = Duration::from_millis(2);
/// Minimum time between two notices of members that join or leave. It grows with the number of
/// members, because a notice goes to each.
const NOTICE_EVERY: Duration = Duration::from_millis(250);
const NOTICE_EVERY_MEMBER: Duration = Duration::from_micros(50);
/// Maximum announcements that wait for late members.
const WAITING_MAX: usize = 64;

/// The reason that a member which does not read is told.
pub(crate) const NOT_READING: &str = "you did not read what was said";

/// See the head of the file.
pub(crate) struct Room<F: Frontend> {
    pub(crate) name: Arc<Name>,
    pub(super) journal: Option<Journal>,
    inner: Mutex<Inner<F>>,
}

pub(super) struct Inner<F: Frontend> {
    /// In no order: the last one takes the seat of one that leaves.
    seats: Vec<Seat<F>>,
    /// The index in `seats` of each person.
    places: FxHashMap<u64, usize>,
    pub(super) history: History,
    topic: Text,
    /// Members that have not taken `last` yet.
    late: Vec<Late<F>>,
    last: Option<F::Chunk>,
    /// Announcements that are not given yet, each with those to leave out.
    waiting: VecDeque<(F::Chunk, LeftOut)>,
    /// Announcements until now.
    announced: u64,
    came: Crowd,
    /// The person in `came`, if it is the only one: it gets no notice of itself.
    came_alone: Option<u64>,
    left: Crowd,
    /// Members that were put out: they leave the other rooms when this one is unlocked.
    pub(super) out: Vec<Arc<Person<F>>>,
    /// When the next notice may be sent.
    notice_from: Instant,
    /// Removed from the list of rooms: no person can enter any more.
    pub(super) closed: bool,
    /// Other daemons have the same room: see `shared`.
    pub(super) is_shared: bool,
    /// The time of the next event, if it is not the machine's.
    pub(super) at: Option<SystemTime>,
}

struct Seat<F: Frontend> {
    outlet: F::Outlet,
    /// The persons that it ignores.
    ignores: Option<Arc<[u64]>>,
    person: Arc<Person<F>>,
    /// Announcements before it came: those that wait are in the history that it was shown.
    announced: u64,
}

/// The members that do not get an announcement: one person, all that ignore another, and all that
/// came after it.
#[derive(Clone, Copy, Debug, Default)]
struct LeftOut {
    person: Option<u64>,
    ignoring: Option<u64>,
    /// The number of the announcement.
    number: u64,
}

struct Late<F: Frontend> {
    person: Arc<Person<F>>,
    since: Instant,
}

/// A room's state for a new member.
pub(crate) struct Arrival<'a> {
    pub(crate) room: &'a Name,
    pub(crate) others: usize,
    pub(crate) topic: &'a Text,
    pub(crate) history: &'a History,
}

/// The result of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// It was given to all members.
    Done,
    /// A member is late: try again in a moment.
    NotYet,
}

impl<F: Frontend> Room<F> {
    pub(super) fn new(name: Arc<Name>, journal: Option<Journal>, past: Past) -> Room<F> {
        let Past { history, topic } = past;
        Room {
            name,
            journal,
            inner: Mutex::new(Inner {
                seats: Vec::new(),
                places: FxHashMap::default(),
                history,
                topic,
                late: Vec::new(),
                last: None,
                waiting: VecDeque::new(),
                announced: 0,
                came: Crowd::default(),
                came_alone: None,
                left: Crowd::default(),
                out: Vec::new(),
                notice_from: Instant::now(),
                closed: false,
                is_shared: false,
                at: None,
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner<F>> {
        self.inner.lock()
    }

    /// Enters a person with a greeting; it gets all events from here on. `false`: the room is
    /// closed.
    pub(super) fn enter(
        &self,
        inner: &mut Inner<F>,
        frontend: &F,
        person: &Arc<Person<F>>,
        greet: &dyn Fn(&Arrival<'_>) -> F::Chunk,
    ) -> bool {
        if inner.closed {
            return false;
        }
        if inner.places.contains_key(&person.id) {
            return true;
        }
        let name = person.name();
        // The notice of those who came is before that of those who left. One who has come back
        // before its end was told has not been away.
        if !inner.seats.is_empty() && !inner.left.take_back(&name) {
            inner.came_alone = inner.came.is_empty().then_some(person.id);
            inner.came.add(name);
            self.notify(inner, frontend, Instant::now());
        }
        let arrival = Arrival {
            room: &self.name,
            others: inner.seats.len(),
            topic: &inner.topic,
            history: &inner.history,
        };
        frontend.give(&person.outlet, greet(&arrival));
        inner.seat(person);
        true
    }

    /// Removes a person.
    pub(super) fn leave(&self, inner: &mut Inner<F>, frontend: &F, person: &Person<F>) {
        inner.remove(person);
        self.notify(inner, frontend, Instant::now());
    }

    /// Posts an event, if no member is late.
    pub(super) fn post(
        &self,
        inner: &mut Inner<F>,
        frontend: &F,
        event: &Event,
        chunk: &F::Chunk,
        by: u64,
    ) -> Posted {
        if !inner.catch_up(frontend) {
            return Posted::NotYet;
        }
        self.notify_now(inner, frontend);
        if !inner.late.is_empty() {
            return Posted::NotYet;
        }
        self.keep(inner, event);
        inner.tell(frontend, chunk, |seat| !seat.ignores(by));
        Posted::Done
    }

    /// Tells all members something that can't wait for late members: they get it after what they
    /// have not taken yet. `except` leaves out one person.
    pub(super) fn announce(
        &self,
        inner: &mut Inner<F>,
        frontend: &F,
        event: &Event,
        except: Option<u64>,
    ) {
        let left_out = LeftOut {
            person: except,
            ..LeftOut::default()
        };
        self.announce_but(inner, frontend, event, left_out);
    }

    /// The same of what a member says: those that ignore it do not get it.
    pub(super) fn announce_by(&self, inner: &mut Inner<F>, frontend: &F, event: &Event, by: u64) {
        let left_out = LeftOut {
            ignoring: Some(by),
            ..LeftOut::default()
        };
        self.announce_but(inner, frontend, event, left_out);
    }

    fn announce_but(&self, inner: &mut Inner<F>, frontend: &F, event: &Event, left_out: LeftOut) {
        if inner.late.is_empty() || inner.is_shared {
            self.notify_now(inner, frontend);
        }
        self.queue(inner, frontend, event, left_out);
    }

    /// Removes a person with this announcement instead of the usual notice.
    pub(super) fn expel(
        &self,
        inner: &mut Inner<F>,
        frontend: &F,
        person: &Person<F>,
        event: &Event,
        except: Option<u64>,
    ) -> bool {
        let was_here = inner.unseat(person);
        if was_here {
            self.announce(inner, frontend, event, except);
        }
        was_here
    }

    fn queue(&self, inner: &mut Inner<F>, frontend: &F, event: &Event, left_out: LeftOut) {
        if let Event::Topic { text, .. } = event {
            inner.topic = text.clone();
        }
        self.keep(inner, event);
        if inner.waiting.len() >= WAITING_MAX {
            for late in std::mem::take(&mut inner.late) {
                inner.put_out(frontend, &late.person);
            }
        }
        let chunk = frontend.encode(&self.name, event);
        inner.announced += 1;
        let number = inner.announced;
        let left_out = LeftOut { number, ..left_out };
        inner.waiting.push_back((chunk, left_out));
        inner.catch_up(frontend);
    }

    /// Keeps an event in the history. The caller writes the journal's queue when the room is
    /// unlocked.
    fn keep(&self, inner: &mut Inner<F>, event: &Event) {
        let now = inner.at.unwrap_or_else(SystemTime::now);
        inner.history.keep(event, now);
        if let Some(journal) = &self.journal {
            journal.queue(event, now);
        }
    }

    /// Does postponed work.
    pub(super) fn tick(&self, inner: &mut Inner<F>, frontend: &F, now: Instant) {
        inner.catch_up(frontend);
        self.notify(inner, frontend, now);
    }

    /// When [`tick`](Room::tick) has something to do.
    pub(super) fn due(&self, inner: &Inner<F>, now: Instant) -> Option<Instant> {
        if !inner.late.is_empty() {
            return Some(now + AGAIN_AFTER);
        }
        let waits = !inner.came.is_empty() || !inner.left.is_empty();
        (waits && !inner.is_shared).then_some(inner.notice_from)
    }

    /// Sends a notice of joins and leaves, unless one was sent just now.
    fn notify(&self, inner: &mut Inner<F>, frontend: &F, now: Instant) {
        if now >= inner.notice_from && inner.late.is_empty() && !inner.is_shared {
            self.notify_now(inner, frontend);
        }
    }

    /// Sends the notice now, so that later events come after it.
    pub(super) fn notify_now(&self, inner: &mut Inner<F>, frontend: &F) {
        if inner.came.is_empty() && inner.left.is_empty() {
            return;
        }
        let members = u32::try_from(inner.seats.len()).unwrap_or(u32::MAX);
        let pause = NOTICE_EVERY.max(NOTICE_EVERY_MEMBER.saturating_mul(members));
        inner.notice_from = Instant::now() + pause;
        let came = std::mem::take(&mut inner.came);
        let left = std::mem::take(&mut inner.left);
        let alone = inner.came_alone.take();
        for (event, except) in [(Event::Came(came), alone), (Event::Left(left), None)] {
            if let Event::Came(names) | Event::Left(names) = &event
                && !names.is_empty()
            {
                let left_out = LeftOut {
                    person: except,
                    ..LeftOut::default()
                };
                self.queue(inner, frontend, &event, left_out);
            }
        }
    }

    /// The number of members.
    pub(crate) fn count(&self) -> usize {
        self.inner.lock().seats.len()
    }

    /// Whether the person is a member.
    pub(crate) fn holds(&self, person: u64) -> bool {
        self.inner.lock().places.contains_key(&person)
    }

    /// The members' names.
    pub(crate) fn names(&self) -> Vec<Arc<Name>> {
        let inner = self.inner.lock();
        inner.seats.iter().map(|seat| seat.person.name()).collect()
    }

    pub(crate) fn topic(&self) -> Text {
        self.inner.lock().topic.clone()
    }

    /// Sets the persons that a member ignores.
    pub(crate) fn ignore(&self, person: u64, whom: Option<Arc<[u64]>>) {
        let mut inner = self.inner.lock();
        if let Some(&place) = inner.places.get(&person) {
            inner.seats[place].ignores = whom;
        }
    }
}

impl<F: Frontend> Inner<F> {
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }
}
