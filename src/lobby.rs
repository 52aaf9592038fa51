//! Where clients of a service that keeps its worker wait until one is free.
//!
//! They wait at rest, as any connection does: the poller hears when one of them leaves, and its
//! deadline when it has waited too long. Whoever makes room wakes the one that came first, and
//! that one's turn takes the place. The lock is held for a few moves, never across a wake.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::connection::Connection;
use crate::state::Reasons;

/// See the head of the file.
pub(crate) struct Lobby {
    waiting_max: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    workers: usize,
    /// Workers that are lent; more than there are, for a while after there are fewer.
    lent: usize,
    /// By number, which is the order in which they came.
    waiting: BTreeMap<u64, Arc<Connection>>,
}

/// What becomes of who comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Place {
    /// A worker is lent to it: give it back with [`Lobby::leave`].
    Worker,
    /// It waits, and is woken when it is its turn.
    Waits,
    /// There is no room to wait in.
    Full,
}

impl Lobby {
    pub(crate) fn new(workers: usize, waiting_max: Option<usize>) -> Lobby {
        Lobby {
            waiting_max: waiting_max.unwrap_or(usize::MAX),
            inner: Mutex::new(Inner {
                workers,
                lent: 0,
                waiting: BTreeMap::new(),
            }),
        }
    }

    /// A client asks for a worker, for the first time or because it was woken.
    pub(crate) fn enter(&self, connection: &Arc<Connection>) -> Place {
        let mut inner = self.inner.lock();
        let id = connection.id;
        let waits = inner.waiting.contains_key(&id);
        let is_next = inner
            .waiting
            .first_key_value()
            .is_none_or(|(first, _)| *first == id);
        if inner.has_free() && is_next {
            inner.lent += 1;
            inner.waiting.remove(&id);
            let next = inner.next();
            drop(inner);
            wake(next);
            return Place::Worker;
        }
        if waits {
            return Place::Waits;
        }
        if inner.waiting.len() >= self.waiting_max {
            return Place::Full;
        }
        inner.waiting.insert(id, Arc::clone(connection));
        Place::Waits
    }

    /// A worker is free again.
    pub(crate) fn leave(&self) {
        let mut inner = self.inner.lock();
        inner.lent -= 1;
        let next = inner.next();
        drop(inner);
        wake(next);
    }

    /// There are so many workers from now on.
    pub(crate) fn resize(&self, workers: usize) {
        let mut inner = self.inner.lock();
        inner.workers = workers;
        let next = inner.next();
        drop(inner);
        wake(next);
    }

    /// A client waits no more, for whatever reason.
    pub(crate) fn remove(&self, id: u64) {
        let mut inner = self.inner.lock();
        if inner.waiting.remove(&id).is_some() {
            let next = inner.next();
            drop(inner);
            wake(next);
        }
    }

    /// Clients that wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.inner.lock().waiting.len()
    }
}

impl Inner {
    fn has_free(&self) -> bool {
        self.lent < self.workers
    }

    /// Whose turn it is, if there is a worker for it.
    fn next(&self) -> Option<Arc<Connection>> {
        let (_, first) = self.waiting.first_key_value()?;
        self.has_free().then(|| Arc::clone(first))
    }
}

fn wake(next: Option<Arc<Connection>>) {
    if let Some(connection) = next {
        connection.wake(Reasons::NOTICE);
    }
}
