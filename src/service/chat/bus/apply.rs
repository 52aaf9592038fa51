//! What each act does. All daemons do the same, and those who are here get the answers.

use std::sync::Arc;

use super::context::Context;
use super::house::{House, Member};
use crate::service::chat::grammar::{self, LOBBY, Notice, What};
use crate::service::chat::lines::{Elsewhere, Person, Recipient, Room, history, others, tag};
use crate::service::chat::port::act::{Act, Id};
use crate::service::chat::port::ticket::{Outcome, Ticket};
use crate::service::chat::rooms::{Arrival, Event, Name, Text};
use crate::service::chat::state::JOINED_MAX;

/// Longest text: what is said in a turn, of which each byte may be six when it is escaped.
const TEXT_MAX: usize = 2 << 20;

/// A person who comes.
struct Coming {
    name: Option<String>,
    rooms: Vec<String>,
    away: Option<String>,
    muted: u64,
}

impl House {
    /// Applies an act of a run.
    pub(super) fn apply(
        &mut self,
        cx: &mut Context<'_>,
        run: &str,
        id: Id,
        act: Act,
        ticket: Option<Arc<Ticket>>,
    ) {
        let outcome = match act {
            Act::Hello { was } => {
                self.hello(cx, run, id, was.as_deref());
                None
            }
            Act::Bye => {
                self.bury(cx, run);
                None
            }
            // Those who asked for it have read it already.
            Act::State { .. } | Act::KeptTopic { .. } | Act::Alive => None,
            Act::Kept(_) => {
                self.since_kept = 0;
                None
            }
            Act::Come {
                who,
                name,
                rooms,
                away,
                muted,
            } => {
                let coming = Coming {
                    name,
                    rooms,
                    away,
                    muted,
                };
                self.come(cx, (run, who), coming)
            }
            act => self.member_acts(cx, run, act),
        };
        if let Some(ticket) = ticket {
            ticket.resolve(outcome.unwrap_or(Outcome::Over));
        }
    }

    fn member_acts(&mut self, cx: &mut Context<'_>, run: &str, act: Act) -> Option<Outcome> {
        match act {
            Act::Gone { who } => {
                let member = self.runs.get_mut(run)?.people.remove(&who)?;
                self.leave_all(cx.chat, &member);
            }
            Act::Say {
                who,
                room,
                text,
                me,
                ..
            } => self.say(cx, (run, who), &room, text, me)?,
            Act::Join { who, room } => return self.join(cx, (run, who), &room),
            Act::Part { who, room } => self.part(cx, (run, who), &room)?,
            Act::Name { who, name } => self.rename(cx, (run, who), &name)?,
            Act::Topic { who, room, text } => self.topic(cx, (run, who), &room, text)?,
            Act::Away { who, text } => {
                let member = self.member((run, who))?;
                let text = one_line(text)?;
                match text.as_str() {
                    "" => cx.answer(&member.person, "you are not away"),
                    away => cx.answer(&member.person, format_args!("you are away: {away}")),
                }
                member.person.set_away((!text.is_empty()).then_some(text));
            }
            Act::Tell { who, to, text } => self.tell(cx, (run, who), (&to.0, to.1), &text)?,
            order => self.order(cx, run, order)?,
        }
        None
    }

    pub(super) fn member(&self, (run, who): (&str, u64)) -> Option<&Member> {
        self.runs.get(run)?.people.get(&who)
    }

    fn come(
        &mut self,
        cx: &mut Context<'_>,
        (run, who): (&str, u64),
        coming: Coming,
    ) -> Option<Outcome> {
        if self.member((run, who)).is_some() || self.is_full() {
            cx.pass_over();
            return None;
        }
        let here = (*run == *cx.run).then(|| cx.port.local(who)).flatten();
        // One who has gone meanwhile is placed as well: the others do so.
        let person = here.unwrap_or_else(|| {
            let run = run.into();
            let elsewhere = Recipient::Elsewhere(Arc::new(Elsewhere { run, who }));
            cx.chat.directory.outside(elsewhere, None)
        });
        let wanted = coming.name.as_deref().and_then(|name| Name::new(name).ok());
        let wanted = wanted.filter(|name| !cx.chat.operators.is_name_banned(name));
        let asked = wanted.is_some();
        let placed = cx.chat.directory.place(&person, wanted);
        person.set_away(coming.away.and_then(one_line));
        let mut rooms: Vec<Arc<Room>> = Vec::new();
        for room in coming.rooms.iter().take(JOINED_MAX) {
            if !is_in(&rooms, room) {
                rooms.extend(enter(cx, &person, room));
            }
        }
        rooms.iter().for_each(|room| self.unsettle(room));
        if let (Err(why), true) = (placed, asked) {
            let name = person.name();
            let (name, why) = (name.as_str(), &why.to_string());
            cx.answer(&person, Notice::NotNamed { name, why });
        }
        let outcome = rooms.last().cloned().map(Outcome::Entered);
        let member = Member {
            person,
            rooms,
            muted_until: self.clock.saturating_add(coming.muted),
        };
        self.runs.get_mut(run)?.people.insert(who, member);
        outcome
    }

    fn say(
        &mut self,
        cx: &mut Context<'_>,
        at: (&str, u64),
        room: &str,
        text: String,
        me: bool,
    ) -> Option<()> {
        let text = Text::checked(text).filter(|text| text.as_str().len() <= TEXT_MAX)?;
        let (person, room) = self.speaker(cx, at, room)?;
        let by = person.name();
        let event = match me {
            false if text.as_str().ends_with('\n') => Event::Said { by, lines: text },
            true if !text.as_str().contains('\n') => Event::Acted { by, text },
            _ => return None,
        };
        cx.post(&room, &event, person.id);
        Some(())
    }

    /// A member of a room who may speak.
    fn speaker(
        &self,
        cx: &Context<'_>,
        at: (&str, u64),
        room: &str,
    ) -> Option<(Arc<Person>, Arc<Room>)> {
        let member = self.member(at)?;
        if member.muted_until > self.clock {
            cx.answer(
                &member.person,
                "an operator has muted you: your lines are not shown",
            );
            return None;
        }
        let key = Name::new(room).ok()?;
        let room = member
            .rooms
            .iter()
            .find(|one| one.name.key() == key.key())?;
        Some((Arc::clone(&member.person), Arc::clone(room)))
    }

    fn join(&mut self, cx: &mut Context<'_>, at: (&str, u64), room: &str) -> Option<Outcome> {
        let person = {
            let member = self.member(at)?;
            if is_in(&member.rooms, room) || member.rooms.len() >= JOINED_MAX {
                return None;
            }
            Arc::clone(&member.person)
        };
        let room = enter(cx, &person, room)?;
        self.unsettle(&room);
        let member = self.runs.get_mut(at.0)?.people.get_mut(&at.1)?;
        member.rooms.push(Arc::clone(&room));
        Some(Outcome::Entered(room))
    }

    fn part(&mut self, cx: &mut Context<'_>, at: (&str, u64), room: &str) -> Option<()> {
        let key = Name::new(room).ok()?;
        let member = self.runs.get_mut(at.0)?.people.get_mut(&at.1)?;
        let place = { member.rooms.iter() }.position(|one| one.name.key() == key.key())?;
        let room = member.rooms.remove(place);
        let person = Arc::clone(&member.person);
        cx.chat.directory.leave(&room, &person);
        self.unsettle(&room);
        let parted = Notice::Parted(room.name.as_str());
        cx.give(&person, grammar::notice(tag(&room.name), parted));
        Some(())
    }

    fn rename(&mut self, cx: &mut Context<'_>, at: (&str, u64), name: &str) -> Option<()> {
        let member = self.member(at)?;
        let person = &member.person;
        let name = Name::new(name).ok()?;
        let keeps = |why: &str| {
            let name = person.name();
            let name = name.as_str();
            cx.answer(person, Notice::NotNamed { name, why });
        };
        if cx.chat.operators.is_name_banned(&name) {
            keeps("that name is banned");
            return Some(());
        }
        let from = match cx.chat.directory.rename(person, name) {
            Ok(from) => from,
            Err(error) => {
                keeps(&error.to_string());
                return Some(());
            }
        };
        let to = person.name();
        cx.answer(person, Notice::Named(to.as_str()));
        for room in &member.rooms {
            let (from, to) = (Arc::clone(&from), Arc::clone(&to));
            let event = Event::Renamed { from, to };
            let directory = &cx.chat.directory;
            directory.announce_to_others(room, &event, Some(person.id));
        }
        Some(())
    }

    fn topic(
        &mut self,
        cx: &mut Context<'_>,
        at: (&str, u64),
        room: &str,
        text: String,
    ) -> Option<()> {
        let text = one_line(text)?;
        let (person, room) = self.speaker(cx, at, room)?;
        let by = person.name();
        let event = Event::Topic { by, text };
        cx.chat.directory.announce(&room, &event);
        Some(())
    }

    fn tell(
        &mut self,
        cx: &mut Context<'_>,
        at: (&str, u64),
        to: (&str, u64),
        text: &str,
    ) -> Option<()> {
        let text = &one_line(text.to_owned())?;
        let from = self.member(at)?;
        if from.muted_until > self.clock {
            return None;
        }
        let Some(other) = self.member(to) else {
            cx.answer(&from.person, "that person has gone");
            return Some(());
        };
        let (from, other) = (&from.person, &other.person);
        let text = text.as_str();
        let ignores = other.ignores();
        if !ignores.is_some_and(|ids| ids.contains(&from.id)) {
            let name = from.name();
            let name = name.as_str();
            cx.whisper(other, &format!("{}\n", What::Told { name, text }));
        }
        let name = other.name();
        let name = name.as_str();
        cx.give(from, format!("{}\n", What::Sent { name, text }));
        if let Some(away) = other.away() {
            cx.answer(from, format_args!("{name} is away: {}", away.as_str()));
        }
        Some(())
    }
}

/// Whether a room is one of these.
fn is_in(rooms: &[Arc<Room>], name: &str) -> bool {
    let name = Name::new(name);
    name.is_ok_and(|name| rooms.iter().any(|room| room.name.key() == name.key()))
}

/// Text of one line; `None` if it is not printable, or too long.
pub(super) fn one_line(text: String) -> Option<Text> {
    let is_one = text.len() <= TEXT_MAX && !text.contains('\n');
    Text::checked(text).filter(|_| is_one)
}

/// Enters a person into a room, with a greeting if it is here.
fn enter(cx: &Context<'_>, person: &Arc<Person>, room: &str) -> Option<Arc<Room>> {
    let room = Name::new(room).ok()?;
    let is_here = Context::is_here(person);
    let name = person.name();
    let greet = |arrival: &Arrival<'_>| {
        if !is_here {
            return String::new().into();
        }
        let room = arrival.room.as_str();
        let mut out = if arrival.room.key() == LOBBY {
            let others = others(arrival.others);
            let more = &format!("in {room} with {others}; /help lists commands");
            let name = name.as_str();
            grammar::notice(None, Notice::Welcome { name, more })
        } else {
            grammar::notice(tag(arrival.room), Notice::Joined(room))
        };
        history(arrival, &mut out);
        out.into()
    };
    let entered = cx.chat.directory.enter(&room, person, &greet);
    entered.map_err(|error| cx.answer(person, error)).ok()
}
