//! A session among several daemons: what its client does becomes an act, and waits until the act
//! was read back.

use std::sync::Arc;

use super::awaited::Awaited;
use super::command::{self, Command};
use super::lines::{Person, Recipient, Room};
use super::newcomers::Entered;
use super::port::Port;
use super::port::act::Act;
use super::port::ticket::Outcome;
use super::session::Session;
use super::state::ChatState;
use crate::connection::client::Client;
use crate::connection::handler::Verdict;
use crate::service::chat::grammar::{self, LOBBY};
use crate::service::chat::rooms::{Event, Frontend, Name, Text, is_nameless};

impl Session {
    /// One that the other daemons do not know yet.
    pub(super) fn outside(chat: &ChatState, client: &Client) -> Session {
        let outlet = Recipient::of(client);
        let name = outlet.certified_name().filter(|_| chat.names_are_certified);
        let name = name.and_then(|name| {
            let own = name.split_once('@').map_or(&*name, |(own, _)| own);
            Name::new(own).ok()
        });
        Session::new(chat.directory.outside(outlet, name))
    }

    /// The clock has let it in, or not.
    pub(super) fn entered(&mut self, entered: Option<Entered>) {
        match entered {
            Some(Entered::Inside(room)) => self.rooms.push(room),
            Some(Entered::Coming(ticket)) => match ticket.outcome() {
                // It was read back before the session waited for it, and wakes it no more.
                Some(Outcome::Entered(room)) => self.rooms.push(room),
                Some(Outcome::Over) => {}
                None => self.awaited = Some(Awaited::of(ticket)),
            },
            _ => self.is_outside = true,
        }
    }

    /// Comes in under this name, or under the one that it has.
    pub(super) fn come(&mut self, chat: &ChatState, name: Option<&Name>) {
        self.is_outside = false;
        // Those who came before were told by the reader.
        self.tell_cut_off(chat);
        let act = coming(&self.person, name);
        self.act(chat, act);
    }

    /// Whether it may come in under this name. If not, it comes in as a guest, and is told why when
    /// it is inside.
    pub(super) fn may_come_as(&mut self, chat: &ChatState, name: &str) -> bool {
        let may =
            |name: Name| self.may_ask_for(chat, &name) && !chat.operators.is_name_banned(&name);
        if chat.port.is_none() || !self.is_outside() || Name::new(name).is_ok_and(may) {
            return true;
        }
        self.come(chat, None);
        self.deferred = Some(format!("/nick {name}"));
        false
    }

    /// Sends an act, and waits for it.
    pub(super) fn act(&mut self, chat: &ChatState, act: Act) {
        self.awaited = Some(Awaited::begin(chat, &self.person, act));
    }

    /// Whether its act was read back; then it goes on.
    pub(super) fn look_at_act(&mut self, chat: &ChatState) -> Verdict {
        let Some(awaited) = &mut self.awaited else {
            return Verdict::Go;
        };
        let outcome = match awaited.look(chat, &self.person) {
            Ok(outcome) => outcome,
            Err(later) => return Verdict::Wait(later),
        };
        self.awaited = None;
        if let Outcome::Entered(room) = outcome {
            self.rooms.push(room);
        }
        // What was said while it came.
        self.post(chat);
        match &self.awaited {
            Some(awaited) => Verdict::Wait(awaited.pause()),
            None => Verdict::Go,
        }
    }

    /// No later turn sends what its client has said, so it goes off now. What finds no room is
    /// lost, and counted.
    pub(super) fn hand_in(&mut self, chat: &ChatState) {
        let Some(port) = chat.port.as_deref().filter(|_| !self.person.is_out()) else {
            return;
        };
        let lines = memchr::memchr_iter(b'\n', &self.said).count() as u64;
        let waits = lines + u64::from(self.deferred.is_some());
        match self.hand_in_act(chat) {
            None => {}
            // As long as it has not come, nothing that it says is heard.
            Some(Act::Come { .. }) => return port.lose(waits),
            Some(_) => return port.lose(1 + waits),
        }
        let lobby = Name::new(LOBBY).expect("letters");
        if lines > 0 {
            let said = std::mem::take(&mut self.said);
            let lines = Text::printable(String::from_utf8(said).expect("escaped text is UTF-8"));
            let by = self.person.name();
            // It may not have seen yet that it is inside.
            let room = self.rooms.last().map(|room| Arc::clone(&room.name));
            let room = room.as_deref().unwrap_or(&lobby);
            self.act_of(chat, room, Event::Said { by, lines });
            if self.hand_in_act(chat).is_some() {
                return port.lose(waits);
            }
        }
        if let Some(line) = self.deferred.take() {
            if self.rooms.is_empty() {
                self.rooms.extend(chat.directory.room(&lobby));
            }
            let _ = self.obey(chat, command::read(&line));
            port.lose(u64::from(self.hand_in_act(chat).is_some()));
        }
    }

    /// The act that it waits for, if there is no room for it.
    fn hand_in_act(&mut self, chat: &ChatState) -> Option<Act> {
        let awaited = self.awaited.take()?;
        awaited.hand_in(chat, &self.person)
    }

    /// Tells all daemons what is said in a room.
    pub(super) fn tell_all(&mut self, chat: &ChatState, room: &Room, event: Event) {
        self.act_of(chat, &room.name, event);
    }

    fn act_of(&mut self, chat: &ChatState, room: &Name, event: Event) {
        let (by, text, me) = match event {
            Event::Said { by, lines } => (by, lines, false),
            Event::Acted { by, text } => (by, text, true),
            // Other events are not said by members.
            _ => return,
        };
        let act = Act::Say {
            who: self.person.id,
            name: by.as_str().to_owned(),
            room: room.as_str().to_owned(),
            text: text.as_str().to_owned(),
            me,
        };
        self.act(chat, act);
    }

    pub(super) fn name_all(&mut self, chat: &ChatState, name: &Name) {
        if self.is_outside() {
            return self.come(chat, Some(name));
        }
        let (who, name) = (self.person.id, name.as_str().to_owned());
        self.act(chat, Act::Name { who, name });
    }

    /// An operator's command, for all daemons.
    pub(super) fn order_all(&mut self, chat: &ChatState, order: Command<'_>) {
        let (Some(port), who) = (&chat.port, self.person.id) else {
            return;
        };
        let act = match order {
            Command::Kick(name, why) => {
                let Some(other) = self.person_called(chat, name) else {
                    return;
                };
                let (whom, why) = (port.whom(&other), why.to_owned());
                Act::Kick { who, whom, why }
            }
            Command::Mute(name, time) => {
                let Some(time) = self.mute_time(chat, time) else {
                    return;
                };
                let Some(other) = self.person_called(chat, name) else {
                    return;
                };
                let (whom, time) = (port.whom(&other), time.as_millis() as u64);
                Act::Mute { who, whom, time }
            }
            Command::Ban(whom) => {
                if self.other_banned(chat, whom).is_none() {
                    return;
                }
                let whom = whom.to_owned();
                Act::Ban { who, whom }
            }
            Command::Unban(whom) => {
                if self.banned(chat, whom).is_none() {
                    return;
                }
                let whom = whom.to_owned();
                Act::Unban { who, whom }
            }
            Command::Wall("") => {
                return self.answer(chat, "/wall TEXT sends a line to all on these servers");
            }
            Command::Wall(text) => {
                let text = text.to_owned();
                Act::Wall { who, text }
            }
            _ => return,
        };
        self.act(chat, act);
    }

    /// Says that what was answered may be old.
    pub(super) fn tell_cut_off(&mut self, chat: &ChatState) {
        if let Some(told) = chat.port.as_deref().and_then(cut_off) {
            self.answer(chat, told);
        }
    }
}

/// Lets a person in who has said nothing yet.
pub(super) fn let_in(chat: &ChatState, person: &Arc<Person>) -> Option<Entered> {
    let port = chat.port.as_ref()?;
    Some(match port.add(person, &coming(person, None)) {
        Some(ticket) => {
            if let Some(told) = cut_off(port) {
                let line = grammar::notice(None, told);
                chat.directory.frontend.give(&person.outlet, line.into());
            }
            Entered::Coming(ticket)
        }
        None => Entered::Later,
    })
}

fn cut_off(port: &Port) -> Option<String> {
    let seconds = port.cut_off_for()?.as_secs();
    Some(format!(
        "cut off from the other machines for {seconds} s now"
    ))
}

fn coming(person: &Person, name: Option<&Name>) -> Act {
    let own = person.name();
    let name = name.unwrap_or(&own);
    Act::Come {
        who: person.id,
        name: (!is_nameless(name)).then(|| name.as_str().to_owned()),
        rooms: vec![LOBBY.to_owned()],
        away: None,
        muted: 0,
    }
}
