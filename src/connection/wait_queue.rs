//! FIFO of connections waiting for a free worker (stream services only).
//!
//! They wait at rest, as any connection does: the poller reports when one of them leaves, and a
//! deadline bounds the wait. Each worker that becomes free wakes the first one, whose turn takes
//! the worker. The lock is held for a few moves, never across a wake.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::connection::Connection;
use crate::scheduler::state::Reasons;
use crate::scheduler::sync::Mutex;

/// See the head of the file.
pub(crate) struct WaitQueue {
    waiting_max: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    workers: usize,
    /// Workers that are lent; may exceed `workers` for a while after a resize.
    lent: usize,
    /// By id, which is the order of arrival.
    waiting: BTreeMap<u64, Arc<Connection>>,
}

impl WaitQueue {
    pub(crate) fn new(workers: usize, waiting_max: Option<usize>) -> WaitQueue {
        WaitQueue {
            waiting_max: waiting_max.unwrap_or(usize::MAX),
            inner: Mutex::new(Inner {
                workers,
                lent: 0,
                waiting: BTreeMap::new(),
            }),
        }
    }

    /// Whether there is a free worker, or room to wait, for one more. Only the acceptor asks.
    pub(crate) fn has_room(&self) -> bool {
        let inner = self.inner.lock();
        inner.waiting.len() < self.waiting_max.saturating_add(inner.free())
    }

    /// Whether one more would probably get a worker at once.
    pub(crate) fn lends_at_once(&self) -> bool {
        let inner = self.inner.lock();
        inner.waiting.len() < inner.free()
    }

    /// Adds a client. Its turns ask for a worker with [`take_worker`](WaitQueue::take_worker).
    pub(crate) fn let_in(&self, connection: &Arc<Connection>) {
        let mut inner = self.inner.lock();
        inner.waiting.insert(connection.id, Arc::clone(connection));
    }

    /// Adds a client that was announced late, if there is room.
    pub(crate) fn enter(&self, connection: &Arc<Connection>) -> bool {
        let mut inner = self.inner.lock();
        let has_room = inner.waiting.len() < self.waiting_max.saturating_add(inner.free());
        if has_room {
            inner.waiting.insert(connection.id, Arc::clone(connection));
        }
        has_room
    }

    /// Lends this client a worker if it is the first and one is free; give it back with
    /// [`leave`](WaitQueue::leave). If not, the client waits and is woken when it should ask again.
    pub(crate) fn take_worker(&self, id: u64) -> bool {
        let mut inner = self.inner.lock();
        let is_first = inner.waiting.keys().next() == Some(&id);
        if !is_first || inner.free() == 0 {
            return false;
        }
        inner.lent += 1;
        inner.waiting.remove(&id);
        let next = inner.next();
        drop(inner);
        wake(next);
        true
    }

    /// Gives a worker back.
    pub(crate) fn leave(&self) {
        let mut inner = self.inner.lock();
        inner.lent -= 1;
        let next = inner.next();
        drop(inner);
        wake(next);
    }

    /// Sets the number of workers.
    pub(crate) fn resize(&self, workers: usize) {
        let mut inner = self.inner.lock();
        inner.workers = workers;
        let next = inner.next();
        drop(inner);
        wake(next);
    }

    /// Removes a client that does not wait any more.
    pub(crate) fn remove(&self, id: u64) {
        let mut inner = self.inner.lock();
        if inner.waiting.remove(&id).is_some() {
            let next = inner.next();
            drop(inner);
            wake(next);
        }
    }

    /// The number of waiting clients.
    pub(crate) fn waiting(&self) -> usize {
        self.inner.lock().waiting.len()
    }
}

impl Inner {
    /// The number of free workers.
    fn free(&self) -> usize {
        self.workers.saturating_sub(self.lent)
    }

    /// The first connection, if a worker is free for it.
    fn next(&self) -> Option<Arc<Connection>> {
        let (_, first) = self.waiting.first_key_value()?;
        (self.free() > 0).then(|| Arc::clone(first))
    }
}

fn wake(next: Option<Arc<Connection>>) {
    if let Some(connection) = next {
        connection.wake(Reasons::NOTICE);
    }
}
