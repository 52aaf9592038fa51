//! Ghosts: a name whose holder's host is gone without an end of its connection.
//!
//! A client that asks for the name gets it only when the holder's host does not answer in time: an
//! address proves nothing, since many people come from one. The holder's rights do not go with the
//! name.

use std::sync::Arc;
use std::time::Duration;

use super::lines::Recipient;
use super::probe::Host;
use super::session::{Asked, Session};
use super::state::ChatState;
use crate::connection::handler::Verdict;
use crate::service::chat::grammar::Notice;
use crate::service::chat::rooms::{Event, Frontend, Name, NameError, Text};

/// Between two checks of a host that was asked.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The reason that the holder is told, if its host comes back in time.
const SILENT: &str = "your host did not answer while another asked for your name";

impl Session {
    /// The name is taken: asks the holder's host whether it is still there.
    pub(super) fn ask_holder(&mut self, chat: &ChatState, name: Name) -> Verdict {
        let holder = chat.directory.holder(&name);
        let probe = holder.as_ref().and_then(|holder| match &holder.outlet {
            Recipient::Client(client) => chat.probes.ask(client),
            Recipient::Console(_) | Recipient::Elsewhere(_) => None,
        });
        let is_client = matches!(self.person.outlet, Recipient::Client(_));
        let (Some(holder), Some(probe), true) = (holder, probe, is_client) else {
            self.keep_name(chat, NameError::Taken);
            return Verdict::Go;
        };
        self.come_in(chat);
        self.asked = Some(Box::new(Asked {
            name,
            holder,
            probe,
        }));
        Verdict::Wait(LOOK_EVERY)
    }

    /// Checks whether the holder's host has answered.
    pub(super) fn look_at_holder(&mut self, chat: &ChatState) -> Verdict {
        let Some(asked) = self.asked.take() else {
            return Verdict::Go;
        };
        let is_here = chat
            .directory
            .holder(&asked.name)
            .is_some_and(|one| one.id == asked.holder.id);
        match asked.probe.host() {
            Host::Asked if is_here => {
                self.asked = Some(asked);
                return Verdict::Wait(LOOK_EVERY);
            }
            Host::Silent if is_here => self.take_over(chat, *asked),
            // It may have left meanwhile.
            _ => match chat.directory.rename(&self.person, asked.name) {
                Ok(from) => self.renamed(chat, &from),
                Err(error) => self.keep_name(chat, error),
            },
        }
        Verdict::Go
    }

    fn take_over(&mut self, chat: &ChatState, asked: Asked) {
        let Asked { name, holder, .. } = asked;
        let (directory, frontend) = (&chat.directory, &chat.directory.frontend);
        let before = holder.name();
        let from = match directory.rename_past(&self.person, name, Some(&holder)) {
            Ok(from) => from,
            Err(error) => return self.keep_name(chat, error),
        };
        if holder.put_out_unrecorded(frontend, SILENT) {
            frontend.record(&holder.outlet, &before, SILENT);
        }
        directory.forget(&holder);
        let to = self.person.name();
        self.answer(chat, Notice::Named(to.as_str()));
        let gone = Text::printable(format!("{before} does not answer any more"));
        let both = Text::printable(format!("{}; {from} is now called {to}", gone.as_str()));
        for room in directory.rooms() {
            let is_ours = room.holds(self.person.id);
            let told = Event::Told(if is_ours { &both } else { &gone }.clone());
            let was_there = directory.expel(&room, &holder, &told, Some(self.person.id));
            if is_ours && !was_there {
                let (from, to) = (Arc::clone(&from), Arc::clone(&to));
                let event = Event::Renamed { from, to };
                directory.announce_to_others(&room, &event, Some(self.person.id));
            }
        }
    }
}
