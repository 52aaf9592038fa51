//! What sessions see of the bus: they add acts, and ask whether the others can be reached.

pub(crate) mod act;
pub(crate) mod line;
pub(crate) mod queue;
pub(crate) mod snapshot;
#[cfg(test)]
mod tests;
pub(crate) mod ticket;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;
use tracing::warn;

use super::lines::{Person, Recipient};
use act::{ACTS_BYTES_MAX, Act, Whom};
use line::{Lent, Line};
use queue::{Parcel, Queue};
use ticket::Ticket;

/// The others count as cut off after this.
pub(super) const CUT_OFF: Duration = Duration::from_secs(1);

/// See the head of the file.
pub(crate) struct Port {
    pub(super) queue: Queue,
    pub(super) line: Line,
    /// The stream, and about how many entries of it are kept.
    stream: String,
    pub(super) keep: u64,
    /// The stream and its server, for the log.
    pub(super) name: String,
    /// Persons of this daemon who have come, or are about to.
    locals: Mutex<FxHashMap<u64, Arc<Person>>>,
    state: Mutex<State>,
    changed: Condvar,
    /// Lines and commands that found no room before their client's end.
    lost: AtomicU64,
    is_too_long_told: AtomicBool,
    pub(super) figures: Figures,
}

struct State {
    run: Arc<str>,
    joined: Joined,
    /// Since when the others can't be reached.
    away_since: Option<Instant>,
    away: Duration,
    /// People were told so.
    is_told: bool,
    is_ending: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joined {
    Never,
    Once,
}

/// Counters of the bus.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) written: AtomicU64,
    pub(super) resent: AtomicU64,
    pub(super) read: AtomicU64,
    /// Entries that are none of ours, and acts that could not be applied.
    pub(super) passed_over: AtomicU64,
    pub(super) reconnects: AtomicU64,
    /// Entries that were never read, as their numbers show.
    pub(super) missing: AtomicU64,
    /// How often it had to join the others again.
    pub(super) rejoined: AtomicU64,
    /// Milliseconds from an entry's time to its reading, of the last one.
    pub(super) lag_ms: AtomicU64,
    /// Daemons and persons of all.
    pub(super) daemons: AtomicU64,
    pub(super) people: AtomicU64,
}

/// What the bus has done, and how it is.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct BusFigures {
    /// Acts that have not been read back yet.
    pub unread: u64,
    /// Entries that were written and read back.
    pub written: u64,
    /// Entries that were sent again under the same number.
    pub resent: u64,
    /// Entries that were read, this daemon's own ones included.
    pub read: u64,
    /// Entries and acts that were passed over, because they say nothing to this daemon.
    pub passed_over: u64,
    /// Connections after the first two.
    pub reconnects: u64,
    /// Entries that never came: trimmed or lost before they were read.
    pub missing: u64,
    /// How often the daemon had to join the others again.
    pub rejoined: u64,
    /// From the time of the last entry to its reading here, by two clocks.
    pub lag: Duration,
    /// Since when the others can't be reached; zero: they can.
    pub away_now: Duration,
    /// The time in all in which they could not be reached.
    pub away: Duration,
    /// Daemons, this one included.
    pub daemons: u64,
    /// Persons on all of them.
    pub people: u64,
}

impl Port {
    pub(super) fn new(name: String, stream: &str, keep: u64) -> Port {
        Port {
            queue: Queue::new(),
            line: Line::closed(),
            stream: stream.to_owned(),
            keep,
            name,
            locals: Mutex::default(),
            state: Mutex::new(State {
                run: "".into(),
                joined: Joined::Never,
                away_since: None,
                away: Duration::ZERO,
                is_told: false,
                is_ending: false,
            }),
            changed: Condvar::new(),
            lost: AtomicU64::new(0),
            is_too_long_told: AtomicBool::new(false),
            figures: Figures::default(),
        }
    }

    /// Adds an act of a person; `None` if it has to wait for room.
    pub(crate) fn add(&self, person: &Arc<Person>, act: &Act) -> Option<Arc<Ticket>> {
        let comes = matches!(act, Act::Come { .. });
        if comes {
            self.locals.lock().insert(person.id, Arc::clone(person));
        }
        let ticket = self.queue.add(person.id, act, Ticket::of(person));
        if ticket.is_some() {
            self.send();
        } else if comes {
            // It has not come: its end is nothing to tell the others.
            self.locals.lock().remove(&person.id);
        }
        ticket
    }

    /// So many lines and commands find no room, and their client has ended.
    pub(crate) fn lose(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Adds an act of the daemon itself.
    pub(super) fn add_own(&self, act: &Act) {
        if self.queue.add_own(act) {
            return self.send();
        }
        if !self.is_too_long_told.swap(true, Ordering::Relaxed) {
            let most = ACTS_BYTES_MAX;
            warn!(
                bus = self.name,
                most, "the house is too large to be told: no daemon can join it any more"
            );
        }
    }

    /// Sends what waits, unless an entry is on its way. Waits for nothing: what can't be sent at
    /// once is left to the writer, or to the thread that has the connection.
    pub(super) fn send(&self) {
        while self.queue.can_send() {
            let mut wire = match self.line.take() {
                Lent::Wire(wire) => wire,
                Lent::Taken => return,
                Lent::Closed => return self.queue.call_writer(),
            };
            let Some(parcel) = self.queue.take_off() else {
                self.line.put(wire);
                continue;
            };
            match wire.try_send(&self.command(&parcel)) {
                Ok(true) => {
                    self.queue.sent(&parcel);
                    self.line.put(wire);
                }
                Ok(false) => {
                    self.line.put(wire);
                    return self.queue.call_writer();
                }
                Err(_) => {
                    self.line.close();
                    return self.queue.call_writer();
                }
            }
        }
    }

    pub(super) fn command(&self, parcel: &Parcel) -> Vec<u8> {
        let Parcel { run, number, .. } = parcel;
        act::add(&self.stream, self.keep, run, *number, &parcel.acts)
    }

    /// A person's connection has ended.
    pub(crate) fn gone(&self, person: &Person) {
        if self.locals.lock().remove(&person.id).is_some() {
            self.queue.add_gone(person.id);
            self.send();
        }
    }

    /// The name of a person among all daemons.
    pub(crate) fn whom(&self, person: &Person) -> Whom {
        match &person.outlet {
            Recipient::Elsewhere(there) => (there.run.to_string(), there.who),
            _ => (self.state.lock().run.to_string(), person.id),
        }
    }

    /// For how long the others can't be reached; `None` while they can.
    pub(crate) fn cut_off_for(&self) -> Option<Duration> {
        let since = self.state.lock().away_since?;
        Some(since.elapsed()).filter(|time| *time >= CUT_OFF)
    }

    pub(super) fn local(&self, who: u64) -> Option<Arc<Person>> {
        self.locals.lock().get(&who).cloned()
    }

    pub(super) fn locals(&self) -> Vec<Arc<Person>> {
        self.locals.lock().values().cloned().collect()
    }

    /// The daemon has joined the others, as this run.
    pub(super) fn joined(&self, run: &Arc<str>) {
        let mut state = self.state.lock();
        state.run = Arc::clone(run);
        state.joined = Joined::Once;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until it has joined for the first time; `false` if it has not.
    pub(super) fn await_joined(&self, most: Duration) -> bool {
        let deadline = Instant::now() + most;
        let mut state = self.state.lock();
        while state.joined == Joined::Never {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.joined == Joined::Once
    }

    /// The server answers no more, or takes nothing, since then. `true`: people are to be told.
    pub(super) fn away(&self, since: Instant) -> bool {
        let mut state = self.state.lock();
        let since = *state.away_since.get_or_insert(since);
        let is_first = since.elapsed() >= CUT_OFF && !state.is_told;
        state.is_told |= is_first;
        is_first
    }

    /// It answers. `true`: people were told that it did not.
    pub(super) fn back(&self) -> bool {
        let mut state = self.state.lock();
        if let Some(since) = state.away_since.take() {
            state.away += since.elapsed();
        }
        std::mem::take(&mut state.is_told)
    }

    pub(super) fn end(&self) {
        self.state.lock().is_ending = true;
        self.changed.notify_all();
        self.queue.call_writer();
    }

    pub(super) fn is_ending(&self) -> bool {
        self.state.lock().is_ending
    }

    /// Waits, or until the end; answers whether that has come.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.is_ending {
            self.changed.wait_for(&mut state, time);
        }
        state.is_ending
    }

    pub(crate) fn figures(&self) -> BusFigures {
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let figures = &self.figures;
        let (away_now, away) = {
            let state = self.state.lock();
            let now = state
                .away_since
                .map_or(Duration::ZERO, |since| since.elapsed());
            (now, state.away + now)
        };
        BusFigures {
            unread: self.queue.unread().0 as u64,
            written: of(&figures.written),
            resent: of(&figures.resent),
            read: of(&figures.read),
            passed_over: of(&figures.passed_over),
            reconnects: of(&figures.reconnects).saturating_sub(2),
            missing: of(&figures.missing),
            rejoined: of(&figures.rejoined),
            lag: Duration::from_millis(of(&figures.lag_ms)),
            away_now,
            away,
            daemons: of(&figures.daemons),
            people: of(&figures.people),
        }
    }
}

impl Figures {
    pub(super) fn count(figure: &AtomicU64, more: u64) {
        figure.fetch_add(more, Ordering::Relaxed);
    }
}
