//! What has become of an act.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::service::chat::lines::Room;

/// A session waits for it.
#[derive(Default)]
pub(crate) struct Ticket(Mutex<Option<Outcome>>);

#[derive(Clone)]
pub(crate) enum Outcome {
    /// It is done, or its person was told why not.
    Over,
    /// The person is in this room now.
    Entered(Arc<Room>),
}

impl Ticket {
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.0.lock().clone()
    }

    pub(crate) fn resolve(&self, outcome: Outcome) {
        self.0.lock().get_or_insert(outcome);
    }
}
