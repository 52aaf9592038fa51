//! What operators' acts do. Whether one is an operator was decided where its client is.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::info;

use super::apply::one_line;
use super::context::Context;
use super::house::House;
use crate::service::chat::lines::{Person, Recipient};
use crate::service::chat::operators::Banned;
use crate::service::chat::port::Port;
use crate::service::chat::port::act::Act;
use crate::service::chat::rooms::{Event, Name, Text};
use crate::service::chat::state::ChatState;

/// When bans end.
const UNTIL: &str = "until /unban";
/// Longest mute: a year.
const MUTE_MAX: u64 = 365 * 24 * 60 * 60 * 1000;

impl House {
    pub(super) fn order(&mut self, cx: &mut Context<'_>, run: &str, order: Act) -> Option<()> {
        let by = |who| self.member((run, who)).map(|one| Arc::clone(&one.person));
        match order {
            Act::Kick { who, whom, why } => {
                let why = one_line(why)?;
                let by = by(who)?;
                self.put_out(cx, &by, (&whom.0, whom.1), "kicked", why.as_str())
            }
            Act::Ban { who, whom } => self.ban(cx, &by(who)?, &whom),
            Act::Unban { who, whom } => {
                let (by, banned) = (by(who)?, banned(&whom)?);
                let is_over = cx.chat.operators.unban(&banned);
                let told = if is_over {
                    "is not banned any more"
                } else {
                    "was not banned"
                };
                record(&by, format_args!("{whom} {told}"));
                cx.answer(&by, format_args!("{whom} {told}"));
                Some(())
            }
            Act::Mute { who, whom, time } => self.mute(cx, &by(who)?, (&whom.0, whom.1), time),
            Act::Wall { who, text } => {
                let (by, text) = (by(who)?, one_line(text)?);
                let name = by.name();
                for person in cx.port.locals() {
                    cx.answer(&person, format_args!("{name} to all: {}", text.as_str()));
                }
                Some(())
            }
            _ => {
                cx.pass_over();
                None
            }
        }
    }

    /// Ends a person's connection, and tells its rooms.
    fn put_out(
        &mut self,
        cx: &mut Context<'_>,
        by: &Person,
        (run, who): (&str, u64),
        how: &str,
        why: &str,
    ) -> Option<()> {
        let Some(member) = self.runs.get_mut(run)?.people.remove(&who) else {
            cx.answer(by, "that person has gone");
            return None;
        };
        let other = &member.person;
        let colon = if why.is_empty() { "" } else { ": " };
        let reason = format!("{how} by {}{colon}{why}", by.name());
        let told = format!("{} is {reason}", other.name());
        let event = Event::Told(Text::printable(told.clone()));
        let mut is_heard = false;
        for room in &member.rooms {
            if cx.chat.directory.expel(room, other, &event, None) {
                is_heard |= room.holds(by.id);
            }
        }
        if !is_heard && other.id != by.id {
            cx.answer(by, told);
        }
        cx.chat.directory.forget(other);
        if Context::is_here(other) {
            other.put_out(&cx.chat.directory.frontend, &reason);
        }
        Some(())
    }

    fn ban(&mut self, cx: &mut Context<'_>, by: &Arc<Person>, whom: &str) -> Option<()> {
        let banned = banned(whom)?;
        if !cx.chat.operators.ban(&banned) {
            cx.answer(by, "the maximum number of bans is reached; /unban some");
            return None;
        }
        record(by, format_args!("{whom} is banned"));
        match banned {
            Banned::Name(name) => {
                if let Some(other) = cx.chat.directory.find(&name) {
                    let (run, who) = cx.port.whom(&other);
                    self.put_out(cx, by, (&run, who), "banned", "");
                }
                cx.answer(by, format_args!("the name {name} is banned {UNTIL}"));
            }
            Banned::Address(address) => {
                let reason = format!("banned by {}", by.name());
                for person in cx.port.locals() {
                    if host_of(&person) == Some(address) {
                        // Its rooms are told when its connection has ended.
                        person.put_out(&cx.chat.directory.frontend, &reason);
                    }
                }
                cx.answer(by, format_args!("{address} is banned {UNTIL}"));
            }
        }
        Some(())
    }

    fn mute(
        &mut self,
        cx: &mut Context<'_>,
        by: &Arc<Person>,
        (run, who): (&str, u64),
        time: u64,
    ) -> Option<()> {
        let time = time.min(MUTE_MAX);
        let until = self.clock.saturating_add(time);
        let Some(member) = self
            .runs
            .get_mut(run)
            .and_then(|run| run.people.get_mut(&who))
        else {
            cx.answer(by, "that person has gone");
            return None;
        };
        member.muted_until = until;
        let other = &member.person;
        let (name, by_name) = (other.name(), by.name());
        if time == 0 {
            other.mute(None);
            cx.answer(by, format_args!("{name} is heard again"));
            cx.answer(other, format_args!("{by_name} lets you speak again"));
            return Some(());
        }
        let time = Duration::from_millis(time);
        other.mute(Some(Instant::now() + time));
        record(by, format_args!("{name} is muted"));
        let time = humantime::format_duration(time);
        cx.answer(by, format_args!("{name} is muted for {time}"));
        cx.answer(other, format_args!("{by_name} has muted you for {time}"));
        Some(())
    }
}

/// Ends the connections from addresses that were banned while this daemon was away.
pub(super) fn put_out_banned(chat: &ChatState, port: &Port) {
    for person in port.locals() {
        if let Recipient::Client(client) = &person.outlet
            && chat.operators.is_banned(client.peer())
        {
            person.put_out(&chat.directory.frontend, "your address is banned");
        }
    }
}

fn banned(whom: &str) -> Option<Banned> {
    match whom.parse::<IpAddr>() {
        Ok(address) => Some(Banned::Address(address.to_canonical())),
        Err(_) => Name::new(whom).ok().map(Banned::Name),
    }
}

fn host_of(person: &Person) -> Option<IpAddr> {
    match &person.outlet {
        Recipient::Client(client) => client.peer().host(),
        _ => None,
    }
}

/// Logs an order where it was given.
fn record(by: &Person, what: impl std::fmt::Display) {
    if Context::is_here(by) {
        info!(by = %by.name(), "{what}");
    }
}
