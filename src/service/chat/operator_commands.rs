//! What operators do, and how one becomes an operator.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::command::Line;
use super::lines::Ear;
use super::lines::Person;
use super::operators::{Banned, Tried, address};
use super::session::Session;
use super::state::ChatState;
use crate::net::address::Peer;
use crate::service::chat::rooms::{Event, Frontend, Name, Text};

/// How long somebody is muted if nothing else is said.
const MUTE: Duration = Duration::from_secs(10 * 60);
/// Longest that somebody can be muted.
const MUTE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Bytes of a time as it is typed: the parser's sum of longer ones can overflow.
const TIME_MAX: usize = 12;
/// How long bans last: they are in memory only.
const UNTIL: &str = "until this server ends";

impl Session {
    pub(super) fn order(&mut self, house: &ChatState, order: Line<'_>) {
        if let Line::Op(password) = order {
            return self.become_operator(house, password);
        }
        if !self.person.is_operator() {
            return self.answer(house, "only operators can do that; /op PASSWORD makes one");
        }
        match order {
            Line::Kick(name, why) => self.kick(house, name, why),
            Line::Ban(whom) => self.ban(house, whom),
            Line::Unban(whom) => self.unban(house, whom),
            Line::Mute(name, time) => self.mute(house, name, time),
            Line::Wall(text) => self.wall(house, text),
            _ => {}
        }
    }

    fn become_operator(&mut self, house: &ChatState, password: &str) {
        let peer = match &self.person.outlet {
            Ear::Client(client) => client.peer(),
            Ear::Console(_) => return self.answer(house, "you are an operator"),
        };
        let name = self.person.name();
        match house.operators.try_password(password, peer, Instant::now()) {
            Tried::Right => {
                info!(%peer, "{name} is an operator");
                self.person.make_operator();
                self.answer(house, "you are an operator");
            }
            Tried::Nothing => self.answer(house, "/op PASSWORD makes one an operator"),
            Tried::Wrong => {
                warn!(%peer, "{name} gave a wrong operator's password");
                self.answer(house, "that is not the password");
            }
            Tried::Wait(time) => {
                let seconds = time.as_secs() + 1;
                self.answer(house, format_args!("wait {seconds} s before the next try"));
            }
            Tried::Never => {
                self.answer(house, "this server has no operators; see --operator-file");
            }
        }
    }

    fn kick(&mut self, house: &ChatState, name: &str, why: &str) {
        if let Some(other) = self.person_called(house, name) {
            self.put_out_other(house, &other, "kicked", why);
        }
    }

    /// Ends somebody's connection, and tells the rooms where it was.
    fn put_out_other(&mut self, house: &ChatState, other: &Person, how: &str, why: &str) {
        if matches!(other.outlet, Ear::Console(_)) {
            return self.answer(house, "nobody can do that to the person at the server");
        }
        let colon = if why.is_empty() { "" } else { ": " };
        let reason = format!("{how} by {}{colon}{why}", self.person.name());
        let told = format!("{} is {reason}", other.name());
        let event = Event::Told(Text::printable(told.clone()));
        let mut is_heard = false;
        for room in house.hall.rooms() {
            if house.hall.expel(&room, other, &event, None) {
                is_heard |= room.holds(self.person.id);
            }
        }
        if !is_heard && other.id != self.person.id {
            self.answer(house, told);
        }
        house.hall.forget(other);
        let front = &house.hall.front;
        if house.has_to_be_recorded(&self.person) {
            other.put_out(front, &reason);
        } else {
            other.put_out_unrecorded(front, &reason);
        }
    }

    fn ban(&mut self, house: &ChatState, whom: &str) {
        let Some(banned) = self.banned(house, whom) else {
            return;
        };
        if !house.operators.ban(&banned) {
            return self.answer(house, "there are as many bans as there may be; /unban some");
        }
        self.record(house, format_args!("{whom} is banned"));
        match &banned {
            Banned::Name(name) => {
                let found = house.hall.find(name);
                let hint = found.as_ref().and_then(|other| address(peer_of(other)?));
                if let Some(other) = found {
                    self.put_out_other(house, &other, "banned", "");
                }
                match hint {
                    Some(address) => {
                        let hint = format_args!("/ban {address} bans the address, too");
                        let line = format_args!("the name {name} is banned {UNTIL}; {hint}");
                        self.answer(house, line);
                    }
                    None => self.answer(house, format_args!("the name {name} is banned {UNTIL}")),
                }
            }
            Banned::Address(banned) => {
                for other in house.hall.everybody() {
                    if peer_of(&other).and_then(address) == Some(*banned) {
                        self.put_out_other(house, &other, "banned", "");
                    }
                }
                self.answer(house, format_args!("{banned} is banned {UNTIL}"));
            }
        }
    }

    fn unban(&mut self, house: &ChatState, whom: &str) {
        let Some(banned) = self.banned(house, whom) else {
            return;
        };
        if house.operators.unban(&banned) {
            self.record(house, format_args!("{whom} is not banned any more"));
            self.answer(house, format_args!("{whom} is not banned any more"));
        } else {
            self.answer(house, format_args!("{whom} was not banned"));
        }
    }

    fn banned(&mut self, house: &ChatState, whom: &str) -> Option<Banned> {
        if let Ok(address) = whom.parse::<std::net::IpAddr>() {
            return Some(Banned::Address(address.to_canonical()));
        }
        let name = Name::new(whom).map(Banned::Name);
        name.map_err(|error| self.answer(house, error)).ok()
    }

    fn mute(&mut self, house: &ChatState, name: &str, time: &str) {
        let parsed = (time.len() <= TIME_MAX).then(|| humantime::parse_duration(time));
        let time = match (time, parsed) {
            ("", _) => MUTE,
            (_, Some(Ok(time))) => time.min(MUTE_MAX),
            _ => return self.answer(house, "write a time as 90s, 10m or 1h; 0s ends it"),
        };
        let Some(other) = self.person_called(house, name) else {
            return;
        };
        let name = other.name();
        let by = self.person.name();
        if time.is_zero() {
            other.mute(None);
            self.answer(house, format_args!("{name} is heard again"));
            return tell(house, &other, &format!("{by} lets you speak again"));
        }
        other.mute(Some(Instant::now() + time));
        self.record(house, format_args!("{name} is muted"));
        let time = humantime::format_duration(time);
        self.answer(house, format_args!("{name} is muted for {time}"));
        tell(house, &other, &format!("{by} has muted you for {time}"));
    }

    /// Records an order, unless its answer is to be seen in the same place.
    fn record(&self, house: &ChatState, what: impl std::fmt::Display) {
        if house.has_to_be_recorded(&self.person) {
            info!(by = %self.person.name(), "{what}");
        }
    }

    fn wall(&mut self, house: &ChatState, text: &str) {
        if text.is_empty() {
            return self.answer(house, "/wall TEXT tells everybody on this server");
        }
        let by = self.person.name();
        for other in house.hall.everybody() {
            tell(house, &other, &format!("{by} to all: {text}"));
        }
    }
}

/// A line from the server to somebody. Who does not read misses it; its rooms see to it.
fn tell(house: &ChatState, other: &Person, text: &str) {
    let front = &house.hall.front;
    front.give(&other.outlet, format!("-- {text}\n").into());
}

fn peer_of(person: &Person) -> Option<Peer> {
    match &person.outlet {
        Ear::Client(client) => Some(client.peer()),
        Ear::Console(_) => None,
    }
}
