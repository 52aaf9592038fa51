//! An act that a session waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lines::Person;
use super::port::act::Act;
use super::port::ticket::{Outcome, Ticket};
use super::state::{AGAIN_AFTER, ChatState};

/// An act that finds no room for longer is looked at less often: each time after a tenth of the
/// time.
const SOON: Duration = Duration::from_millis(20);
const LATER: u32 = 10;
const LATEST: Duration = Duration::from_millis(500);

/// See the head of the file. In a box, because most sessions at rest have none.
pub(super) struct Awaited {
    /// `None` as long as there is no room for it.
    ticket: Option<Arc<Ticket>>,
    act: Option<Act>,
    since: Instant,
}

impl Awaited {
    /// One that was added already.
    pub(super) fn of(ticket: Arc<Ticket>) -> Box<Awaited> {
        Box::new(Awaited {
            ticket: Some(ticket),
            act: None,
            since: Instant::now(),
        })
    }

    pub(super) fn begin(chat: &ChatState, person: &Arc<Person>, act: Act) -> Box<Awaited> {
        let mut awaited = Box::new(Awaited {
            ticket: None,
            act: Some(act),
            since: Instant::now(),
        });
        awaited.send(chat, person);
        awaited
    }

    fn send(&mut self, chat: &ChatState, person: &Arc<Person>) {
        if let (None, Some(port), Some(act)) = (&self.ticket, &chat.port, &self.act) {
            self.ticket = port.add(person, act);
            if self.ticket.is_some() {
                self.act = None;
            }
        }
    }

    /// What has become of it; the error says when to look again.
    pub(super) fn look(
        &mut self,
        chat: &ChatState,
        person: &Arc<Person>,
    ) -> Result<Outcome, Duration> {
        self.send(chat, person);
        let outcome = self.ticket.as_ref().and_then(|ticket| ticket.outcome());
        outcome.ok_or_else(|| self.pause())
    }

    /// Sends it if there is room by now; else answers it.
    pub(super) fn hand_in(mut self, chat: &ChatState, person: &Arc<Person>) -> Option<Act> {
        self.send(chat, person);
        self.act
    }

    /// How long to wait: a ticket ends that.
    pub(super) fn pause(&self) -> Duration {
        match self.since.elapsed() {
            _ if self.ticket.is_some() => LATEST,
            passed if passed < SOON => AGAIN_AFTER,
            passed => (passed / LATER).min(LATEST),
        }
    }
}
