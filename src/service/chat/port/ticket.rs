//! What has become of an act.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::connection::client::Client;
use crate::service::chat::lines::{Person, Recipient, Room};

/// A session waits for it.
#[derive(Default)]
pub(crate) struct Ticket {
    outcome: Mutex<Option<Outcome>>,
    /// The session's client, which goes on then.
    client: Option<Client>,
}

#[derive(Clone)]
pub(crate) enum Outcome {
    /// It is done, or its person was told why not.
    Over,
    /// The person is in this room now.
    Entered(Arc<Room>),
}

impl Ticket {
    pub(crate) fn of(person: &Person) -> Ticket {
        let client = match &person.outlet {
            Recipient::Client(wire) => Some(Client::clone(wire)),
            _ => None,
        };
        Ticket {
            client,
            ..Ticket::default()
        }
    }

    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.outcome.lock().clone()
    }

    pub(crate) fn resolve(&self, outcome: Outcome) {
        self.outcome.lock().get_or_insert(outcome);
        if let Some(client) = &self.client {
            client.resume();
        }
    }
}
