//! Chat: rooms for people who come with `nc`, `telnet` or a client of their own.
//!
//! This is the front end that speaks lines. What a client sends in one turn becomes one chunk for
//! everybody in the room, shared between their outboxes; a reader's turn is one write. Everything
//! a client gets goes through its outbox, answers too, so that it sees them in the order in which
//! they came about.

mod command;
mod lines;
mod session;

use crate::chat::Hall;
use crate::client::Client;
use crate::framing::Message;
use crate::handler::{End, Messages, Reply, Verdict};
use crate::service::Service;

use lines::Lines;
pub use session::Session;

/// What a chat is like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Lines of each room that a newcomer is shown.
    pub history: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { history: 100 }
    }
}

/// See the head of the module.
pub struct Chat {
    hall: Hall<Lines>,
}

impl Chat {
    /// An empty house with a lobby.
    pub fn new(settings: &Settings) -> Chat {
        Chat {
            hall: Hall::new(Lines, settings.history),
        }
    }
}

impl Service for Chat {
    type Session = Session;

    fn opened(&self, client: &Client, _: &mut Reply<'_>) -> Session {
        Session::open(&self.hall, client)
    }

    fn message(&self, session: &mut Session, message: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        let verdict = session.take(&self.hall, message.bytes);
        session.post(&self.hall);
        verdict
    }

    fn batch(
        &self,
        session: &mut Session,
        messages: &mut Messages<'_>,
        _: &mut Reply<'_>,
    ) -> Verdict {
        let mut verdict = Verdict::Go;
        while verdict == Verdict::Go
            && !session.is_full()
            && let Some(message) = messages.next_message()
        {
            verdict = session.take(&self.hall, message.bytes);
        }
        session.post(&self.hall);
        verdict
    }

    fn closed(&self, session: Session, _: &End) {
        session.close(&self.hall);
    }
}
