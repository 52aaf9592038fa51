//! FIFO of connections waiting for a free worker (stream services only).
//!
//! They wait at rest, as any connection does: the poller hears when one of them leaves, and its
//! deadline when it has waited too long. Each worker that becomes free wakes the first one,
//! whose turn takes the worker. The lock is held for a few moves, never across a wake.

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
    /// Workers that are lent; more than there are, for a while after there are fewer.
    lent: usize,
    /// By number, which is the order in which they came.
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

    /// Whether there is a worker or room to wait in for one more. Only the acceptor asks.
    pub(crate) fn has_room(&self) -> bool {
        let inner = self.inner.lock();
        inner.waiting.len() < self.waiting_max.saturating_add(inner.free())
    }

    /// Whether one more would hardly wait, as far as can be told.
    pub(crate) fn lends_at_once(&self) -> bool {
        let inner = self.inner.lock();
        inner.waiting.len() < inner.free()
    }

    /// A client has come. Its turns ask for a worker with [`take_worker`](WaitQueue::take_worker).
    pub(crate) fn let_in(&self, connection: &Arc<Connection>) {
        let mut inner = self.inner.lock();
        inner.waiting.insert(connection.id, Arc::clone(connection));
    }

    /// As both, for a client of which it turned out later that it comes in.
    pub(crate) fn enter(&self, connection: &Arc<Connection>) -> bool {
        let mut inner = self.inner.lock();
        let has_room = inner.waiting.len() < self.waiting_max.saturating_add(inner.free());
        if has_room {
            inner.waiting.insert(connection.id, Arc::clone(connection));
        }
        has_room
    }

    /// Whether a worker is lent to this client now: give it back with
    /// [`leave`](WaitQueue::leave). If not, it waits on and is woken when it should ask again.
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

    /// How many clients wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.inner.lock().waiting.len()
    }
}

impl Inner {
    /// Workers that may still be lent.
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
