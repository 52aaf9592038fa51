//! Takes the place of `src/connection/mod.rs` under the wait queue: the real state word, and the
//! model's own function that queues.

use std::sync::Arc;

use crate::scheduler::state::{Next, Reasons, StateWord};

pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) state: StateWord,
    queue: Box<Queue>,
}

type Queue = dyn Fn(&Arc<Connection>) + Send + Sync;

impl Connection {
    /// Ready, like a connection that was just accepted; the caller queues it.
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

    /// The same as the server's.
    pub(crate) fn wake(self: &Arc<Self>, reasons: Reasons) {
        if self.state.wake(reasons) == Next::Queue {
            self.queue();
        }
    }

    pub(crate) fn queue(self: &Arc<Self>) {
        (self.queue)(self);
    }
}
