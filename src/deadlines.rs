//! What must happen at a time, first come first due: every connection in one line waits for the
//! same span, so the line is in order by itself and costs O(1) a connection.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;

use crate::connection::Connection;

/// Connections that linger, in the order in which their time is up.
#[derive(Default)]
pub(crate) struct Deadlines {
    lingering: Mutex<VecDeque<(Instant, Weak<Connection>)>>,
}

impl Deadlines {
    pub(crate) fn push(&self, due: Instant, connection: &Arc<Connection>) {
        self.lingering
            .lock()
            .push_back((due, Arc::downgrade(connection)));
    }

    /// The next time at which something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.lingering.lock().front().map(|(due, _)| *due)
    }

    /// Takes those whose time is up and that are still here.
    pub(crate) fn due(&self, now: Instant) -> Vec<Arc<Connection>> {
        let mut lingering = self.lingering.lock();
        let mut found = Vec::new();
        while lingering.front().is_some_and(|(due, _)| *due <= now) {
            found.extend(
                lingering
                    .pop_front()
                    .and_then(|(_, connection)| connection.upgrade()),
            );
        }
        found
    }
}
