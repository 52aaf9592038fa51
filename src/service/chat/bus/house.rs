//! All daemons and their people, as the entries of the stream say: each daemon that has read the
//! same entries has the same.
//!
//! Time is that of the entries' ids, so it is the same everywhere. It stands still while no daemon
//! writes: a pause counts for no more than [`PAUSE_MAX`], so no daemon counts as gone because the
//! server was away.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::context::Context;
use super::past;
use crate::service::chat::lines::{Elsewhere, Person, Recipient, Room};
use crate::service::chat::port::Figures;
use crate::service::chat::port::act::{Act, Entry, Id};
use crate::service::chat::port::snapshot::{HouseState, PersonState, RunState};
use crate::service::chat::rooms::{Name, Text};
use crate::service::chat::state::ChatState;

/// A daemon that has said nothing for this long is gone, in milliseconds.
const GONE_AFTER: u64 = 15_000;
/// See the head of the file.
const PAUSE_MAX: u64 = 5_000;
/// For how long a house that was taken for empty may turn out not to be.
const DOUBTED_FOR: u64 = 60_000;
/// Daemons, and persons on all of them.
const RUNS_MAX: usize = 1000;
const PEOPLE_MAX: usize = 100_000;
/// Daemons that are gone and not forgotten, and those that are not of the house.
const BURIED_MAX: usize = 100;

/// See the head of the file.
pub(super) struct House {
    pub(super) runs: BTreeMap<String, Run>,
    /// In milliseconds.
    pub(super) clock: u64,
    /// The last entry's time.
    at: u64,
    /// Runs that are gone, and how far they had come.
    buried: VecDeque<(String, u64)>,
    /// The house began without an answer, and until this time others may turn out to be there.
    /// Those that are told its state have the same doubt: all notice it at the same entry.
    doubted_until: u64,
    /// Runs that are not of the house, with the number of what they said. One entry may be a
    /// latecomer, of a daemon that is no more; who goes on is another daemon.
    strangers: BTreeMap<String, u64>,
    /// Entries since topics and bans were kept in the stream.
    pub(super) since_kept: u64,
    /// Rooms whose members are to be told of those who have come and gone.
    pub(super) unsettled: BTreeMap<String, Arc<Room>>,
}

/// A daemon, from its start or its last return.
#[derive(Default)]
pub(super) struct Run {
    last: u64,
    seen: u64,
    pub(super) people: BTreeMap<u64, Member>,
    /// How far the run before it had come.
    was_last: u64,
}

pub(super) struct Member {
    pub(super) person: Arc<Person>,
    pub(super) rooms: Vec<Arc<Room>>,
    pub(super) muted_until: u64,
}

/// The state is not that of the others any more, and has to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The others have taken this daemon for gone.
    TakenForGone,
    /// Entries are missing.
    Missing,
    /// There are others, who did not answer in time.
    NotAlone,
}

impl House {
    pub(super) fn empty(at: Id, own: &str) -> House {
        let mut house = House {
            runs: BTreeMap::new(),
            clock: at.ms,
            at: at.ms,
            buried: VecDeque::new(),
            doubted_until: at.ms.saturating_add(DOUBTED_FOR),
            strangers: BTreeMap::new(),
            // They may be far back, or gone with the stream.
            since_kept: u64::MAX / 2,
            unsettled: BTreeMap::new(),
        };
        house.begin(own, 0);
        house
    }

    fn begin(&mut self, run: &str, was_last: u64) {
        let run_state = Run {
            last: 1,
            seen: self.clock,
            people: BTreeMap::new(),
            was_last,
        };
        self.runs.insert(run.to_owned(), run_state);
    }

    pub(super) fn people(&self) -> usize {
        self.runs.values().map(|run| run.people.len()).sum()
    }

    pub(super) fn is_full(&self) -> bool {
        self.people() >= PEOPLE_MAX
    }

    /// Takes an entry; `None` is one that no daemon wrote. `is_again`: it may have been read
    /// before.
    pub(super) fn take(
        &mut self,
        cx: &mut Context<'_>,
        id: Id,
        entry: Option<Entry>,
        is_again: bool,
    ) -> Result<(), Lost> {
        self.clock += id.ms.saturating_sub(self.at).min(PAUSE_MAX);
        self.at = self.at.max(id.ms);
        cx.chat.directory.set_time(self.at);
        self.bury_silent(cx)?;
        let Some(entry) = entry else {
            Figures::count(&cx.port.figures.passed_over, u64::from(!is_again));
            return Ok(());
        };
        let is_strange = is_again && !self.runs.contains_key(&entry.run);
        if !is_strange && self.is_next(cx, &entry)? {
            let mut tickets = Vec::new().into_iter();
            if entry.run == *cx.run {
                let landed = cx.port.queue.landed(&entry.run, entry.number);
                tickets = landed.unwrap_or_default().into_iter();
                // What was said meanwhile goes off before this is shown.
                cx.port.send();
            }
            let changed = House::changed_here(cx, &entry);
            for act in entry.acts {
                let ticket = tickets.next().flatten();
                self.apply(cx, &entry.run, id, act, ticket);
            }
            self.keep(cx, &changed);
            if entry.run == *cx.run {
                Figures::count(&cx.port.figures.written, 1);
            }
        }
        self.settle(cx.chat);
        Ok(())
    }

    /// Whether an entry is the next one of its run; notes it. A copy is not.
    fn is_next(&mut self, cx: &Context<'_>, entry: &Entry) -> Result<bool, Lost> {
        let (name, number) = (&entry.run, entry.number);
        let Some(run) = self.runs.get_mut(name) else {
            if number == 1 && matches!(entry.acts.first(), Some(Act::Hello { .. })) {
                return Ok(self.runs.len() < RUNS_MAX && !self.is_buried(name));
            }
            Figures::count(&cx.port.figures.passed_over, 1);
            return self.doubt(name, number);
        };
        if number <= run.last {
            return Ok(false);
        }
        let missing = number - run.last - 1;
        if missing > 0 {
            Figures::count(&cx.port.figures.missing, missing);
            return Err(Lost::Missing);
        }
        (run.last, run.seen) = (number, self.clock);
        Ok(true)
    }

    /// A run speaks that is not of the house.
    fn doubt(&mut self, run: &str, number: u64) -> Result<bool, Lost> {
        if self.clock >= self.doubted_until || self.is_buried(run) || number == 1 {
            return Ok(false);
        }
        if self.strangers.len() >= BURIED_MAX {
            self.strangers.clear();
        }
        let before = self.strangers.insert(run.to_owned(), number);
        match before.is_some_and(|before| before != number) {
            true => Err(Lost::NotAlone),
            false => Ok(false),
        }
    }

    fn is_buried(&self, run: &str) -> bool {
        self.buried.iter().any(|(one, _)| one == run)
    }

    /// A daemon comes, or comes back. What the others answer to that is the state of now.
    pub(super) fn hello(&mut self, cx: &mut Context<'_>, run: &str, id: Id, was: Option<&str>) {
        if self.runs.contains_key(run) {
            return;
        }
        let known = |one: &(String, u64)| Some(one.0.as_str()) == was;
        let buried = self.buried.iter().find(|one| known(one)).map(|one| one.1);
        let was_last = match was {
            Some(was) => self.bury(cx, was).or(buried).unwrap_or(0),
            None => 0,
        };
        self.begin(run, was_last);
        self.settle(cx.chat);
        if *run != *cx.run {
            let state = Box::new(self.state(cx.chat, run));
            let of = id.to_string();
            cx.port.add_own(&Act::State { of, state });
        }
    }

    /// Removes daemons that have said nothing for too long.
    fn bury_silent(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        let now = self.clock;
        let is_silent = |run: &Run| now.saturating_sub(run.seen) > GONE_AFTER;
        let silent = self.runs.iter().filter(|(_, run)| is_silent(run));
        let silent: Vec<String> = silent.map(|(name, _)| name.clone()).collect();
        if silent.iter().any(|name| **name == *cx.run) {
            return Err(Lost::TakenForGone);
        }
        for run in silent {
            tracing::warn!(bus = cx.port.name, run, "a daemon says nothing any more");
            self.bury(cx, &run);
        }
        Ok(())
    }

    /// Removes a daemon and its people; answers how far it had come.
    pub(super) fn bury(&mut self, cx: &mut Context<'_>, run: &str) -> Option<u64> {
        let mut gone = self.runs.remove(run)?;
        while let Some((_, member)) = gone.people.pop_first() {
            self.leave_all(cx.chat, &member);
        }
        self.buried.push_back((run.to_owned(), gone.last));
        if self.buried.len() > BURIED_MAX {
            self.buried.pop_front();
        }
        Some(gone.last)
    }

    /// A person leaves its rooms, and its name is free.
    pub(super) fn leave_all(&mut self, chat: &ChatState, member: &Member) {
        for room in &member.rooms {
            chat.directory.leave(room, &member.person);
            self.unsettle(room);
        }
        chat.directory.forget(&member.person);
    }

    pub(super) fn unsettle(&mut self, room: &Arc<Room>) {
        let key = room.name.key().to_owned();
        self.unsettled.insert(key, Arc::clone(room));
    }

    fn settle(&mut self, chat: &ChatState) {
        for (_, room) in std::mem::take(&mut self.unsettled) {
            chat.directory.settle(&room);
        }
    }

    pub(super) fn state(&self, chat: &ChatState, asker: &str) -> HouseState {
        let person = |(who, member): (&u64, &Member)| PersonState {
            who: *who,
            name: member.person.name().as_str().to_owned(),
            rooms: { member.rooms.iter() }
                .map(|room| room.name.as_str().to_owned())
                .collect(),
            away: member.person.away().map(|text| text.as_str().to_owned()),
            muted_until: member.muted_until,
        };
        let runs = self.runs.iter().map(|(name, run)| RunState {
            run: name.clone(),
            last: run.last,
            seen: run.seen,
            people: run.people.iter().map(person).collect(),
        });
        let rooms = chat.directory.rooms();
        let rooms: BTreeSet<(String, String)> = { rooms.iter() }
            .map(|room| (room.name.to_string(), room.topic().as_str().to_owned()))
            .collect();
        let (banned_names, banned_addresses) = chat.operators.bans();
        HouseState {
            clock: self.clock,
            at: self.at,
            guests: chat.directory.guests(),
            runs: runs.collect(),
            rooms: rooms.into_iter().collect(),
            lines: past::lines(chat),
            banned_names,
            banned_addresses,
            was_last: self.runs.get(asker).map_or(0, |run| run.was_last),
            buried: self.buried.iter().cloned().collect(),
            doubted_until: self.doubted_until,
        }
    }

    /// The state that another daemon has told; `None` if it makes no sense.
    pub(super) fn restore(chat: &ChatState, state: HouseState) -> Option<House> {
        let rooms = state
            .rooms
            .into_iter()
            .map(|(name, topic)| Some((Name::new(&name).ok()?, Text::checked(topic)?)));
        let rooms: Vec<(Name, Text)> = rooms.collect::<Option<_>>()?;
        chat.directory.begin_again(state.guests, rooms);
        past::remember(chat, state.lines.into_iter(), false);
        chat.operators
            .replace_bans(state.banned_names, state.banned_addresses);
        let mut house = House {
            runs: BTreeMap::new(),
            clock: state.clock,
            at: state.at,
            buried: state.buried.into_iter().take(BURIED_MAX).collect(),
            doubted_until: state.doubted_until,
            strangers: BTreeMap::new(),
            since_kept: 0,
            unsettled: BTreeMap::new(),
        };
        for run in state.runs.into_iter().take(RUNS_MAX) {
            let name: Arc<str> = run.run.into();
            let people = run.people.into_iter().take(PEOPLE_MAX);
            let people = people.map(|state| Some((state.who, member(chat, &name, state)?)));
            let run = Run {
                last: run.last,
                seen: run.seen,
                people: people.collect::<Option<_>>()?,
                was_last: 0,
            };
            house.runs.insert(name.to_string(), run);
        }
        Some(house)
    }
}

fn member(chat: &ChatState, run: &Arc<str>, state: PersonState) -> Option<Member> {
    let elsewhere = Elsewhere {
        run: Arc::clone(run),
        who: state.who,
    };
    let name = Name::new(&state.name).ok()?;
    let outlet = Recipient::Elsewhere(Arc::new(elsewhere));
    let person = chat.directory.outside(outlet, Some(name));
    if let Some(away) = state.away {
        person.set_away(Some(Text::checked(away)?));
    }
    let rooms = state.rooms.iter().map(|room| {
        let room = chat.directory.room(&Name::new(room).ok()?)?;
        room.seat(&person).then_some(room)
    });
    let member = Member {
        rooms: rooms.collect::<Option<_>>()?,
        muted_until: state.muted_until,
        person,
    };
    chat.directory.place_again(&member.person).then_some(member)
}
