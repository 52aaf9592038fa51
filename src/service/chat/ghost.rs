//! A name whose holder has gone without a word.
//!
//! Who asks for such a name is told only when its holder's host has answered, or has had its time:
//! an address proves nothing, since many people come from one. What the holder may do does not go
//! with the name.

use std::sync::Arc;
use std::time::Duration;

use super::lines::Ear;
use super::probe::Host;
use super::session::{Asked, Session};
use super::state::ChatState;
use crate::connection::handler::Verdict;
use crate::service::chat::rooms::{Event, Frontend, Name, NameError, Text};

/// Between two looks at a host that was asked.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Why the holder's connection is ended: it is told when its host comes back in time.
const SILENT: &str = "your host did not answer while another asked for your name";

impl Session {
    /// Somebody has the name: is it still there?
    pub(super) fn ask_holder(&mut self, house: &ChatState, name: Name) -> Verdict {
        let holder = house.hall.holder(&name);
        let probe = holder.as_ref().and_then(|holder| match &holder.outlet {
            Ear::Client(client) => house.probes.ask(client),
            Ear::Console(_) => None,
        });
        let is_client = matches!(self.person.outlet, Ear::Client(_));
        let (Some(holder), Some(probe), true) = (holder, probe, is_client) else {
            self.keep_name(house, NameError::Taken);
            return Verdict::Go;
        };
        self.come_in(house);
        self.asked = Some(Box::new(Asked {
            name,
            holder,
            probe,
        }));
        Verdict::Wait(LOOK_EVERY)
    }

    /// Looks whether the holder's host has answered.
    pub(super) fn look_at_holder(&mut self, house: &ChatState) -> Verdict {
        let Some(asked) = self.asked.take() else {
            return Verdict::Go;
        };
        let is_here = house
            .hall
            .holder(&asked.name)
            .is_some_and(|one| one.id == asked.holder.id);
        match asked.probe.host() {
            Host::Asked if is_here => {
                self.asked = Some(asked);
                return Verdict::Wait(LOOK_EVERY);
            }
            Host::Silent if is_here => self.take_over(house, *asked),
            // It may have left meanwhile.
            _ => match house.hall.rename(&self.person, asked.name) {
                Ok(from) => self.renamed(house, &from),
                Err(error) => self.keep_name(house, error),
            },
        }
        Verdict::Go
    }

    fn take_over(&mut self, house: &ChatState, asked: Asked) {
        let Asked { name, holder, .. } = asked;
        let (hall, front) = (&house.hall, &house.hall.front);
        let before = holder.name();
        let from = match hall.rename_past(&self.person, name, Some(&holder)) {
            Ok(from) => from,
            Err(error) => return self.keep_name(house, error),
        };
        if holder.put_out_unrecorded(front, SILENT) {
            front.record(&holder.outlet, &before, SILENT);
        }
        hall.forget(&holder);
        let to = self.person.name();
        self.answer(house, format_args!("you are now {to}"));
        let gone = Text::printable(format!("{before} does not answer any more"));
        let both = Text::printable(format!("{}; {from} is now called {to}", gone.as_str()));
        for room in hall.rooms() {
            let is_ours = room.holds(self.person.id);
            let told = Event::Told(if is_ours { &both } else { &gone }.clone());
            let was_there = hall.expel(&room, &holder, &told, Some(self.person.id));
            if is_ours && !was_there {
                let (from, to) = (Arc::clone(&from), Arc::clone(&to));
                let event = Event::Renamed { from, to };
                hall.announce_to_others(&room, &event, Some(self.person.id));
            }
        }
    }
}
