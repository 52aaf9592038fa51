//! What `src/connection/mod.rs` is for the wait queue, for the model check: the real state word, and
//! whatever the model does with a connection that is to be queued.

use std::sync::Arc;

use crate::scheduler::state::{Next, Reasons, StateWord};

pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) state: StateWord,
    queue: Box<Queue>,
}

type Queue = dyn Fn(&Arc<Connection>) + Send + Sync;

impl Connection {
    /// Ready, as one that was just accepted: who makes it queues it.
    pub(crate) fn new(
        id: u64,
        queue: impl Fn(&Arc<Connection>) + Send + Sync + 'static,
    ) -> Arc<Connection> {
        Arc::new(Connection {
            id,
            state: StateWord::ready(),
            queue: Box::new(queue),
        })
    }

    /// As the server's.
    pub(crate) fn wake(self: &Arc<Self>, reasons: Reasons) {
        if self.state.wake(reasons) == Next::Queue {
            self.queue();
        }
    }

    pub(crate) fn queue(self: &Arc<Self>) {
        (self.queue)(self);
    }
}
