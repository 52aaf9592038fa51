//! An act that a session waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lines::Person;
use super::port::act::Act;
use super::port::ticket::{Outcome, Ticket};
use super::state::{AGAIN_AFTER, ChatState};

/// Between two looks at an act that takes longer, and much longer.
const LATER: Duration = Duration::from_millis(5);
const MUCH_LATER: Duration = Duration::from_millis(100);

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
        outcome.ok_or_else(|| match self.since.elapsed() {
            passed if passed < 4 * LATER => AGAIN_AFTER,
            passed if passed < 10 * MUCH_LATER => LATER,
            _ => MUCH_LATER,
        })
    }
}
