//! Who computes a TLS handshake: at most so many workers at once. The others serve clients whose
//! handshake is done, however many begin one.
//!
//! A connection whose turn it is not yet rests; its bytes are read and wait in its session.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::connection::Connection;
use crate::scheduler::state::Reasons;

/// See the head of the file.
pub(crate) struct Handshakes {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    computing: usize,
    /// By id, which is the order of arrival.
    waiting: BTreeMap<u64, Arc<Connection>>,
}

/// The right to compute, until it is dropped.
pub(crate) struct Permit<'a>(&'a Handshakes);

impl Handshakes {
    pub(crate) fn new(most: usize) -> Handshakes {
        Handshakes {
            most,
            state: Mutex::default(),
        }
    }

    /// The right to compute, or `None`: the connection is woken when it can be had.
    pub(crate) fn enter(&self, connection: &Arc<Connection>) -> Option<Permit<'_>> {
        let mut state = self.state.lock();
        if state.computing < self.most {
            state.computing += 1;
            return Some(Permit(self));
        }
        let waits = Arc::clone(connection);
        state.waiting.insert(connection.id, waits);
        None
    }

    /// The connection has ended, perhaps after it was woken: the next one takes its turn.
    pub(crate) fn forget(&self, connection: &Connection) {
        self.state.lock().waiting.remove(&connection.id);
        self.call_next();
    }

    fn call_next(&self) {
        let mut state = self.state.lock();
        if state.computing >= self.most {
            return;
        }
        let next = state.waiting.pop_first();
        // Nothing is woken under the lock.
        drop(state);
        if let Some((_, connection)) = next {
            connection.wake(Reasons::NOTICE);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state.lock().computing -= 1;
        self.0.call_next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::connection;

    #[test]
    fn one_computes_and_the_next_is_woken() {
        let handshakes = Handshakes::new(1);
        let (connection, _other) = connection();
        let permit = handshakes.enter(&connection).expect("none computes");
        assert!(handshakes.enter(&connection).is_none());
        let _ = connection.state.start();
        assert!(!connection.state.is_noticed());
        drop(permit);
        assert!(connection.state.is_noticed());
        assert!(handshakes.enter(&connection).is_some());
    }

    #[test]
    fn one_that_ends_after_it_was_woken_holds_up_none() {
        let handshakes = Handshakes::new(1);
        let (ends, _first) = connection();
        let (mut waits, _second) = connection();
        Arc::get_mut(&mut waits).expect("one handle").id = 2;
        let permit = handshakes.enter(&ends).expect("none computes");
        assert!(handshakes.enter(&ends).is_none());
        assert!(handshakes.enter(&waits).is_none());
        let _ = waits.state.start();
        drop(permit);
        assert!(!waits.state.is_noticed());
        handshakes.forget(&ends);
        assert!(waits.state.is_noticed());
    }
}
