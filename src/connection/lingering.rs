//! Connections whose clients have received all their data and have not closed.
//!
//! Each keeps its slot and its descriptor until its client closes or its time is up: a close before
//! that could reset data that the client has not read. When the acceptor needs a slot, the oldest
//! of them is closed; if there is none, the next one that would be listed.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::connection::{CloseRequest, Connection, Standing};
use crate::limits::limit::Limit;

/// See the head of the file. Admitted and refused connections have separate slots.
#[derive(Default)]
pub(crate) struct Lingering {
    admitted: Mutex<List>,
    refused: Mutex<List>,
}

#[derive(Default)]
struct List {
    /// By id, which is the order of arrival.
    connections: BTreeMap<u64, Arc<Connection>>,
    /// A slot is needed, and the list was empty; until one is found elsewhere.
    is_wanted: bool,
}

/// Which kind of slot is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Admitted,
    Refused,
}

impl Lingering {
    fn list(&self, slot: Slot) -> &Mutex<List> {
        match slot {
            Slot::Admitted => &self.admitted,
            Slot::Refused => &self.refused,
        }
    }

    fn list_of(&self, connection: &Connection) -> &Mutex<List> {
        self.list(match connection.identity.is(Standing::Refused) {
            true => Slot::Refused,
            false => Slot::Admitted,
        })
    }

    /// Lists a connection whose client has everything. `false`: its slot is needed at once.
    pub(crate) fn add(&self, connection: &Arc<Connection>) -> bool {
        let mut list = self.list_of(connection).lock();
        if std::mem::take(&mut list.is_wanted) {
            return false;
        }
        let connection = Arc::clone(connection);
        list.connections.insert(connection.id, connection);
        true
    }

    /// Removes a connection that has ended.
    pub(crate) fn remove(&self, connection: &Connection) {
        let mut list = self.list_of(connection).lock();
        let removed = list.connections.remove(&connection.id);
        drop(list);
        // This may be the last handle, which closes the socket: not under the lock.
        drop(removed);
    }

    /// Closes the oldest, if there is one.
    pub(crate) fn close_oldest(&self, slot: Slot) -> bool {
        let found = self.list(slot).lock().connections.pop_first();
        close_found(found)
    }

    /// Closes the oldest, now or as soon as there is one. `false`: there is none now.
    pub(crate) fn close_next(&self, slot: Slot) -> bool {
        let mut list = self.list(slot).lock();
        let found = list.connections.pop_first();
        list.is_wanted = found.is_none();
        drop(list);
        close_found(found)
    }

    /// A slot was free: none is needed, as long as no other client waits.
    pub(crate) fn found(&self, slot: Slot) {
        self.list(slot).lock().is_wanted = false;
    }

    /// The number of listed connections.
    pub(crate) fn count(&self) -> usize {
        let admitted = self.admitted.lock().connections.len();
        admitted + self.refused.lock().connections.len()
    }
}

fn close_found(found: Option<(u64, Arc<Connection>)>) -> bool {
    let request = |(_, connection): (u64, Arc<Connection>)| {
        connection.request_close(CloseRequest::Shed(Limit::Shed))
    };
    found.map(request).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::connection;

    #[test]
    fn a_slot_that_was_found_elsewhere_is_not_taken_from_the_next_client() {
        let lingering = Lingering::default();
        let (connection, _other) = connection();
        assert!(!lingering.close_next(Slot::Admitted));
        assert!(!lingering.add(&connection), "its slot is needed");
        assert!(lingering.add(&connection), "once");
        lingering.remove(&connection);
        assert!(!lingering.close_next(Slot::Admitted));
        lingering.found(Slot::Admitted);
        assert!(lingering.add(&connection));
        assert_eq!(lingering.count(), 1);
    }
}
