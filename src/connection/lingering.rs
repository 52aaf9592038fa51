//! Connections whose clients have all that they were sent, and have not closed.
//!
//! Each keeps its place and its descriptor until its client closes or its time is up, so that
//! nothing that the client still sends makes the system reset what it has not read. When the
//! acceptor needs a place, the one that came first goes; if there is none, the next one that would
//! be listed.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::connection::{CloseRequest, Connection, Standing};
use crate::limits::limit::Limit;

/// See the head of the file. Those that were let in and those that were not have different places.
#[derive(Default)]
pub(crate) struct Spare {
    admitted: Mutex<List>,
    refused: Mutex<List>,
}

#[derive(Default)]
struct List {
    /// By number, which is the order in which they came.
    connections: BTreeMap<u64, Arc<Connection>>,
    /// A place is needed, and there was none to be had.
    is_wanted: bool,
}

/// Whose place is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Admitted,
    Refused,
}

impl Spare {
    fn list(&self, whose: Whose) -> &Mutex<List> {
        match whose {
            Whose::Admitted => &self.admitted,
            Whose::Refused => &self.refused,
        }
    }

    fn list_of(&self, connection: &Connection) -> &Mutex<List> {
        self.list(match connection.identity.is(Standing::Refused) {
            true => Whose::Refused,
            false => Whose::Admitted,
        })
    }

    /// Its client has everything. `false`: its place is needed at once.
    pub(crate) fn add(&self, connection: &Arc<Connection>) -> bool {
        let mut list = self.list_of(connection).lock();
        if std::mem::take(&mut list.is_wanted) {
            return false;
        }
        let connection = Arc::clone(connection);
        list.connections.insert(connection.id, connection);
        true
    }

    /// It is gone.
    pub(crate) fn remove(&self, connection: &Connection) {
        let mut list = self.list_of(connection).lock();
        let removed = list.connections.remove(&connection.id);
        drop(list);
        // What may be the last handle closes the socket: not under the lock.
        drop(removed);
    }

    /// Makes one go, if there is one.
    pub(crate) fn let_go(&self, whose: Whose) -> bool {
        let found = self.list(whose).lock().connections.pop_first();
        close_found(found)
    }

    /// Makes one go, now or as soon as there is one. `false`: there is none now.
    pub(crate) fn want(&self, whose: Whose) -> bool {
        let mut list = self.list(whose).lock();
        let found = list.connections.pop_first();
        list.is_wanted = found.is_none();
        drop(list);
        close_found(found)
    }

    /// How many there are.
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
