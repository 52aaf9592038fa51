//! Operators' commands, and how a client becomes an operator.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::command::Command;
use super::lines::Person;
use super::lines::Recipient;
use super::operators::{Banned, Tried};
use super::session::Session;
use super::state::ChatState;
use crate::service::chat::grammar;
use crate::service::chat::rooms::{Event, Frontend, Name, Text};

/// Default time of a mute.
const MUTE: Duration = Duration::from_secs(10 * 60);
/// Maximum time of a mute.
const MUTE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Maximum bytes of a typed time: the parser's sum of a longer one can overflow.
const TIME_MAX: usize = 12;
/// When bans end: they are in memory only.
const UNTIL: &str = "until this server ends";

impl Session {
    pub(super) fn order(&mut self, chat: &ChatState, order: Command<'_>) {
        if let Command::Op(password) = order {
            return self.become_operator(chat, password);
        }
        if !self.person.is_operator() {
            return self.answer(chat, "only operators can do that; /op PASSWORD makes one");
        }
        if chat.port.is_some() {
            return self.order_all(chat, order);
        }
        match order {
            Command::Kick(name, why) => self.kick(chat, name, why),
            Command::Ban(whom) => self.ban(chat, whom),
            Command::Unban(whom) => self.unban(chat, whom),
            Command::Mute(name, time) => self.mute(chat, name, time),
            Command::Wall(text) => self.wall(chat, text),
            _ => {}
        }
    }

    fn become_operator(&mut self, chat: &ChatState, password: &str) {
        let peer = match &self.person.outlet {
            Recipient::Client(client) => client.peer(),
            _ => return self.answer(chat, "you are an operator"),
        };
        let name = self.person.name();
        match chat.operators.try_password(password, peer, Instant::now()) {
            Tried::Right => {
                info!(%peer, "{name} is an operator");
                self.person.make_operator();
                self.answer(chat, "you are an operator");
            }
            Tried::Nothing => self.answer(chat, "/op PASSWORD makes one an operator"),
            Tried::Wrong => {
                warn!(%peer, "{name} gave a wrong operator's password");
                self.answer(chat, "that is not the password");
            }
            Tried::Wait(time) => {
                let seconds = time.as_secs() + 1;
                self.answer(chat, format_args!("wait {seconds} s before the next try"));
            }
            Tried::Never => {
                self.answer(chat, "this server has no operators; see --operator-file");
            }
        }
    }

    fn kick(&mut self, chat: &ChatState, name: &str, why: &str) {
        if let Some(other) = self.person_called(chat, name) {
            self.put_out_other(chat, &other, "kicked", why);
        }
    }

    /// Ends a person's connection, and tells its rooms.
    fn put_out_other(&mut self, chat: &ChatState, other: &Person, how: &str, why: &str) {
        if matches!(other.outlet, Recipient::Console(_)) {
            return self.answer(chat, "that does not work on the person at the server");
        }
        let colon = if why.is_empty() { "" } else { ": " };
        let reason = format!("{how} by {}{colon}{why}", self.person.name());
        let told = format!("{} is {reason}", other.name());
        let event = Event::Told(Text::printable(told.clone()));
        let mut is_heard = false;
        for room in chat.directory.rooms() {
            if chat.directory.expel(&room, other, &event, None) {
                is_heard |= room.holds(self.person.id);
            }
        }
        if !is_heard && other.id != self.person.id {
            self.answer(chat, told);
        }
        chat.directory.forget(other);
        let frontend = &chat.directory.frontend;
        if chat.has_to_be_recorded(&self.person) {
            other.put_out(frontend, &reason);
        } else {
            other.put_out_unrecorded(frontend, &reason);
        }
    }

    fn ban(&mut self, chat: &ChatState, whom: &str) {
        let Some(banned) = self.other_banned(chat, whom) else {
            return;
        };
        if !chat.operators.ban(&banned) {
            return self.answer(chat, "the maximum number of bans is reached; /unban some");
        }
        self.record(chat, format_args!("{whom} is banned"));
        match &banned {
            Banned::Name(name) => {
                let found = chat.directory.find(name);
                let hint = found.as_ref().and_then(|other| host_of(other));
                if let Some(other) = found {
                    self.put_out_other(chat, &other, "banned", "");
                }
                match hint {
                    Some(address) => {
                        let hint = format_args!("/ban {address} bans the address, too");
                        let line = format_args!("the name {name} is banned {UNTIL}; {hint}");
                        self.answer(chat, line);
                    }
                    None => self.answer(chat, format_args!("the name {name} is banned {UNTIL}")),
                }
            }
            Banned::Address(banned) => {
                for other in chat.directory.persons() {
                    if host_of(&other) == Some(*banned) {
                        self.put_out_other(chat, &other, "banned", "");
                    }
                }
                self.answer(chat, format_args!("{banned} is banned {UNTIL}"));
            }
        }
    }

    fn unban(&mut self, chat: &ChatState, whom: &str) {
        let Some(banned) = self.banned(chat, whom) else {
            return;
        };
        if chat.operators.unban(&banned) {
            self.record(chat, format_args!("{whom} is not banned any more"));
            self.answer(chat, format_args!("{whom} is not banned any more"));
        } else {
            self.answer(chat, format_args!("{whom} was not banned"));
        }
    }

    pub(super) fn banned(&mut self, chat: &ChatState, whom: &str) -> Option<Banned> {
        if let Ok(address) = whom.parse::<IpAddr>() {
            return Some(Banned::Address(address.to_canonical()));
        }
        let name = Name::new(whom).map(Banned::Name);
        name.map_err(|error| self.answer(chat, error)).ok()
    }

    /// The same, of another: who bans itself could not take it back.
    pub(super) fn other_banned(&mut self, chat: &ChatState, whom: &str) -> Option<Banned> {
        let banned = self.banned(chat, whom)?;
        let is_own = match &banned {
            Banned::Name(name) => name.look() == self.person.name().look(),
            Banned::Address(address) => host_of(&self.person) == Some(*address),
        };
        if is_own {
            self.answer(chat, "that would ban you, too");
        }
        (!is_own).then_some(banned)
    }

    /// The time of a mute as typed; if it is none, tells the client.
    pub(super) fn mute_time(&mut self, chat: &ChatState, time: &str) -> Option<Duration> {
        let parsed = (time.len() <= TIME_MAX).then(|| humantime::parse_duration(time));
        match (time, parsed) {
            ("", _) => Some(MUTE),
            (_, Some(Ok(time))) => Some(time.min(MUTE_MAX)),
            _ => {
                self.answer(chat, "write a time as 90s, 10m or 1h; 0s ends it");
                None
            }
        }
    }

    fn mute(&mut self, chat: &ChatState, name: &str, time: &str) {
        let Some(time) = self.mute_time(chat, time) else {
            return;
        };
        let Some(other) = self.person_called(chat, name) else {
            return;
        };
        let name = other.name();
        let by = self.person.name();
        if time.is_zero() {
            other.mute(None);
            self.answer(chat, format_args!("{name} is heard again"));
            return tell(chat, &other, &format!("{by} lets you speak again"));
        }
        other.mute(Some(Instant::now() + time));
        self.record(chat, format_args!("{name} is muted"));
        let time = humantime::format_duration(time);
        self.answer(chat, format_args!("{name} is muted for {time}"));
        tell(chat, &other, &format!("{by} has muted you for {time}"));
    }

    /// Logs a command, unless its answer is shown in the same place.
    fn record(&self, chat: &ChatState, what: impl std::fmt::Display) {
        if chat.has_to_be_recorded(&self.person) {
            info!(by = %self.person.name(), "{what}");
        }
    }

    fn wall(&mut self, chat: &ChatState, text: &str) {
        if text.is_empty() {
            return self.answer(chat, "/wall TEXT sends a line to all on this server");
        }
        let by = self.person.name();
        for other in chat.directory.persons() {
            tell(chat, &other, &format!("{by} to all: {text}"));
        }
    }
}

/// Sends a person a line from the server. If its outbox is full, the line is lost, and its rooms
/// handle the person.
fn tell(chat: &ChatState, other: &Person, text: &str) {
    let frontend = &chat.directory.frontend;
    frontend.give(&other.outlet, grammar::notice(None, text).into());
}

fn host_of(person: &Person) -> Option<IpAddr> {
    match &person.outlet {
        Recipient::Client(client) => client.peer().host(),
        Recipient::Console(_) | Recipient::Elsewhere(_) => None,
    }
}
