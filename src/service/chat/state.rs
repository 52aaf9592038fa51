//! What all sessions of a chat share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::lines::{Directory, Person, Recipient};
use super::newcomers::Newcomers;
use super::operators::Operators;
use super::port::Port;
use super::probe::HostProbes;
use super::speakers::Speakers;
use super::stranger::Strangers;
use crate::connection::gate::Gate;
use crate::limits::times::Rate;
use crate::service::chat::rooms::NOT_READING;

/// Between two tries to post while a member is late.
pub(super) const AGAIN_AFTER: Duration = Duration::from_millis(1);

/// Maximum rooms of a member.
pub(super) const JOINED_MAX: usize = 20;

/// See the head of the file.
pub(super) struct ChatState {
    pub(super) directory: Directory,
    /// To the other daemons, if there are any.
    pub(super) port: Option<Arc<Port>>,
    pub(super) newcomers: Newcomers,
    pub(super) operators: Operators,
    pub(super) probes: HostProbes,
    pub(super) rate: Option<Rate>,
    pub(super) speakers: Speakers,
    pub(super) strangers: Strangers,
    /// Shut while all move to another process.
    pub(super) gate: Gate,
    /// The server's terminal is a member, here or in the process before.
    pub(super) has_console: AtomicBool,
    /// Members have the names in their certificates, and no others.
    pub(super) names_are_certified: bool,
    /// The log is also printed at the server's own terminal.
    pub(super) has_log_at_console: AtomicBool,
}

impl ChatState {
    /// Whether an operator's command must be logged: not if it is answered at the terminal that
    /// shows the log.
    pub(super) fn has_to_be_recorded(&self, by: &Person) -> bool {
        let is_at_console = matches!(by.outlet, Recipient::Console(_));
        !(is_at_console && self.has_log_at_console.load(Ordering::Relaxed))
    }

    /// Disconnects a person that does not read, as a room does.
    pub(super) fn put_out_not_reading(&self, person: &Arc<Person>) {
        person.put_out(&self.directory.frontend, NOT_READING);
        if self.port.is_some() {
            // The others hear of it when its connection has ended.
            return;
        }
        self.directory.leave_all(person);
    }
}
