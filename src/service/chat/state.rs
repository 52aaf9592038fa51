//! What all sessions of a chat share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::lines::{Directory, Ear, Person};
use super::newcomers::Newcomers;
use super::operators::Operators;
use super::probe::Probes;
use super::speakers::Speakers;
use super::stranger::Strangers;
use crate::limits::times::Rate;
use crate::service::chat::rooms::DEAF;

/// Between two tries to say something while a member has not taken what was said before.
pub(super) const AGAIN_AFTER: Duration = Duration::from_millis(1);

/// See the head of the file.
pub(super) struct ChatState {
    pub(super) hall: Directory,
    pub(super) newcomers: Newcomers,
    pub(super) operators: Operators,
    pub(super) probes: Probes,
    pub(super) rate: Option<Rate>,
    pub(super) speakers: Speakers,
    pub(super) strangers: Strangers,
    /// The log is printed at the server's own terminal, too.
    pub(super) has_log_at_console: AtomicBool,
}

impl ChatState {
    /// Whether what somebody does has to be recorded: not if it is done, and so answered, where the
    /// log is read.
    pub(super) fn has_to_be_recorded(&self, by: &Person) -> bool {
        let is_at_console = matches!(by.outlet, Ear::Console(_));
        !(is_at_console && self.has_log_at_console.load(Ordering::Relaxed))
    }

    /// Puts out a person that does not read, as a room does.
    pub(super) fn put_out_deaf(&self, person: &Arc<Person>) {
        person.put_out(&self.hall.front, DEAF);
        for room in self.hall.rooms() {
            if room.holds(person.id) {
                self.hall.leave(&room, person);
            }
        }
        self.hall.forget(person);
    }
}
