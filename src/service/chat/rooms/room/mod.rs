//! One room: who is in it, what was said, and one order of it for everybody.
//!
//! What is posted is given to everybody under the room's lock. Somebody whose outlet is full is
//! *late*: it is given the same chunk again in a moment, and until it has taken it nothing more is
//! said in the room, so speakers who are faster than their listeners wait. Nobody is waited for
//! longer than [`PATIENCE`], nor is anybody who has taken nothing at all for a while: then it is
//! put out. So somebody who has stopped reading costs the others nothing, unless they talk so fast
//! that its outlet fills within that time.

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

/// How long others wait for somebody whose outlet is full, as long as it takes something.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// Between two tries to give somebody what it could not take.
const AGAIN_AFTER: Duration = Duration::from_millis(2);
/// Who comes and goes is told at once, but not more often than this and than a share of the time
/// that telling everybody takes.
const NOTICE_EVERY: Duration = Duration::from_millis(250);
const NOTICE_EVERY_MEMBER: Duration = Duration::from_micros(50);
/// Announcements that wait for those who are late.
const WAITING_MAX: usize = 64;

/// Why somebody is put out who does not read.
pub(crate) const DEAF: &str = "you did not read what was said";

/// See the head of the file.
pub(crate) struct Room<F: Frontend> {
    pub(crate) name: Arc<Name>,
    pub(super) journal: Option<Journal>,
    inner: Mutex<Inner<F>>,
}

pub(super) struct Inner<F: Frontend> {
    /// In no order: who leaves is replaced by the last.
    seats: Vec<Seat<F>>,
    /// Where in `seats` somebody sits.
    places: FxHashMap<u64, usize>,
    pub(super) history: History,
    topic: Text,
    /// Who has not taken `last` yet.
    late: Vec<Late<F>>,
    last: Option<F::Chunk>,
    /// Announcements that nobody has been given yet, each with whom it is not for.
    waiting: VecDeque<(F::Chunk, Option<u64>)>,
    came: Crowd,
    /// The only one who came: it knows.
    came_alone: Option<u64>,
    left: Crowd,
    /// When who came and who left may be told again.
    notice_from: Instant,
    /// Taken out of the list of rooms: nobody can come in any more.
    pub(super) closed: bool,
}

struct Seat<F: Frontend> {
    outlet: F::Outlet,
    /// Whom it does not want to hear.
    ignores: Option<Arc<[u64]>>,
    person: Arc<Person<F>>,
}

struct Late<F: Frontend> {
    person: Arc<Person<F>>,
    since: Instant,
}

/// A room as somebody finds it who comes in.
pub(crate) struct Arrival<'a> {
    pub(crate) room: &'a Name,
    pub(crate) others: usize,
    pub(crate) topic: &'a Text,
    pub(crate) history: &'a History,
}

/// Whether something was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// Everybody has it.
    Done,
    /// Somebody has still to take what was said before: try again in a moment.
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
                came: Crowd::default(),
                came_alone: None,
                left: Crowd::default(),
                notice_from: Instant::now(),
                closed: false,
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner<F>> {
        self.inner.lock()
    }

    /// Somebody comes in, is greeted, and hears everything from here on. `false`: the room is
    /// closed.
    pub(super) fn enter(
        &self,
        inner: &mut Inner<F>,
        front: &F,
        person: &Arc<Person<F>>,
        greet: &dyn Fn(&Arrival<'_>) -> F::Chunk,
    ) -> bool {
        if inner.closed {
            return false;
        }
        if inner.places.contains_key(&person.id) {
            return true;
        }
        if !inner.seats.is_empty() {
            inner.came_alone = inner.came.is_empty().then_some(person.id);
            inner.came.add(person.name());
            self.notify(inner, front, Instant::now());
        }
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
            ignores: person.ignores(),
            person: Arc::clone(person),
        });
        true
    }

    /// Somebody leaves.
    pub(super) fn leave(&self, inner: &mut Inner<F>, front: &F, person: &Person<F>) {
        inner.remove(person);
        self.notify(inner, front, Instant::now());
    }

    /// Somebody speaks, if everybody has taken what was said before.
    pub(super) fn post(
        &self,
        inner: &mut Inner<F>,
        front: &F,
        event: &Event,
        chunk: &F::Chunk,
        by: u64,
    ) -> Posted {
        if !inner.catch_up(front) {
            return Posted::NotYet;
        }
        self.notify_now(inner, front);
        if !inner.late.is_empty() {
            return Posted::NotYet;
        }
        self.keep(inner, event);
        inner.tell(front, chunk, |seat| !seat.ignores(by));
        Posted::Done
    }

    /// Tells everybody something that can't wait for those who are late: they get it after what
    /// they have not taken yet. One may be left out: who is told in another way.
    pub(super) fn announce(
        &self,
        inner: &mut Inner<F>,
        front: &F,
        event: &Event,
        except: Option<u64>,
    ) {
        if inner.late.is_empty() {
            self.notify_now(inner, front);
        }
        self.queue(inner, front, event, except);
    }

    /// Somebody is put out of the room: the announcement says so, and nothing else does.
    pub(super) fn expel(
        &self,
        inner: &mut Inner<F>,
        front: &F,
        person: &Person<F>,
        event: &Event,
        except: Option<u64>,
    ) -> bool {
        let was_here = inner.unseat(person);
        if was_here {
            self.announce(inner, front, event, except);
        }
        was_here
    }

    fn queue(&self, inner: &mut Inner<F>, front: &F, event: &Event, except: Option<u64>) {
        if let Event::Topic { text, .. } = event {
            inner.topic = text.clone();
        }
        self.keep(inner, event);
        if inner.waiting.len() >= WAITING_MAX {
            for late in std::mem::take(&mut inner.late) {
                inner.put_out(front, &late.person);
            }
        }
        let chunk = front.encode(&self.name, event);
        inner.waiting.push_back((chunk, except));
        inner.catch_up(front);
    }

    /// For those who come later. What the journal queues here, the caller writes when the room is
    /// unlocked.
    fn keep(&self, inner: &mut Inner<F>, event: &Event) {
        let now = SystemTime::now();
        inner.history.keep(event, now);
        if let Some(journal) = &self.journal {
            journal.queue(event, now);
        }
    }

    /// Does what has been put off; answers when there is more to do.
    pub(super) fn tick(&self, inner: &mut Inner<F>, front: &F, now: Instant) -> Option<Instant> {
        inner.catch_up(front);
        self.notify(inner, front, now);
        self.due(inner, now)
    }

    /// When [`tick`](Room::tick) has something to do.
    pub(super) fn due(&self, inner: &Inner<F>, now: Instant) -> Option<Instant> {
        if !inner.late.is_empty() {
            return Some(now + AGAIN_AFTER);
        }
        let waits = !inner.came.is_empty() || !inner.left.is_empty();
        waits.then_some(inner.notice_from)
    }

    /// Tells who came and who left, if that was not told just now.
    fn notify(&self, inner: &mut Inner<F>, front: &F, now: Instant) {
        if now >= inner.notice_from && inner.late.is_empty() {
            self.notify_now(inner, front);
        }
    }

    /// Whatever else is told comes after who came and who left.
    fn notify_now(&self, inner: &mut Inner<F>, front: &F) {
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
            if let Event::Came(crowd) | Event::Left(crowd) = &event
                && !crowd.is_empty()
            {
                self.queue(inner, front, &event, except);
            }
        }
    }

    /// How many are in it.
    pub(crate) fn count(&self) -> usize {
        self.inner.lock().seats.len()
    }

    /// Whether somebody is in it.
    pub(crate) fn holds(&self, person: u64) -> bool {
        self.inner.lock().places.contains_key(&person)
    }

    /// Who is in it.
    pub(crate) fn names(&self) -> Vec<Arc<Name>> {
        let inner = self.inner.lock();
        inner.seats.iter().map(|seat| seat.person.name()).collect()
    }

    pub(crate) fn topic(&self) -> Text {
        self.inner.lock().topic.clone()
    }

    /// Somebody does not want to hear these any more.
    pub(crate) fn ignore(&self, person: u64, whom: Option<Arc<[u64]>>) {
        let mut inner = self.inner.lock();
        if let Some(&place) = inner.places.get(&person) {
            inner.seats[place].ignores = whom;
        }
    }
}

impl<F: Frontend> Inner<F> {
    pub(super) fn is_deserted(&self) -> bool {
        self.seats.is_empty()
    }
}
