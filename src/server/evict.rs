//! Closing the client that has rested longest, one at a time, to make room.
//!
//! Only the acceptor runs here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::connection::Connection;
use crate::limits::limit::Limit;
use crate::scheduler::state::Phase;
use crate::turn::context::ServerContext;

/// A search looks at every connection: after a vain one, search again only after this.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// See the head of the file.
#[derive(Default)]
pub(super) struct Shedding(Mutex<Last>);

#[derive(Default)]
struct Last {
    /// The client being closed; the next one only closes after it has gone.
    id: Option<u64>,
    /// When a search found no client.
    in_vain: Option<Instant>,
}

impl Shedding {
    /// Whether a client is being closed, or could be.
    pub(super) fn can(&self, ctx: &ServerContext) -> bool {
        let mut last = self.0.lock();
        last.is_closing(ctx) || last.find(ctx).is_some()
    }

    /// Closes one, unless one is being closed already.
    pub(super) fn shed_one(&self, ctx: &ServerContext) {
        let mut last = self.0.lock();
        if last.is_closing(ctx) {
            return;
        }
        let found = last.find(ctx);
        last.id = found.as_ref().map(|connection| connection.id);
        drop(last);
        if let Some(connection) = found {
            ctx.shed(&connection, Limit::Shed);
        }
    }
}

impl Last {
    fn is_closing(&self, ctx: &ServerContext) -> bool {
        self.id.is_some_and(|id| ctx.registry.look_up(id).is_some())
    }

    /// The client that has rested longest, if that is at least `shed_after`.
    fn find(&mut self, ctx: &ServerContext) -> Option<Arc<Connection>> {
        if self.in_vain.is_some_and(|at| at.elapsed() < AGAIN_AFTER) {
            return None;
        }
        let shed_after = ctx.limits.options.shed_after;
        // With no minimum rest, even a client that sends all the time may be closed.
        let may =
            |phase| phase == Phase::Resting || (shed_after.is_zero() && phase == Phase::Ready);
        let all = ctx.registry.all().into_iter();
        let resting = all.filter(|connection| may(connection.state.phase()));
        let longest = resting.max_by_key(|connection| connection.quiet_for());
        let longest = longest.filter(|connection| connection.quiet_for() >= shed_after);
        self.in_vain = longest.is_none().then(Instant::now);
        longest
    }
}
