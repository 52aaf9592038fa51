//! A turn that lasts as long as the service wants: it lends the whole stream and the worker.

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use parking_lot::Mutex;

use super::{Turn, guarded};
use crate::connection::Stage;
use crate::connection::handler::End;
use crate::connection::secured::{Returned, Secured};
use crate::connection::stream::{Lent, Stream};
use crate::drain::{Backlog, ServerPhase};
use crate::limits::limit::Limit;
use crate::service::{InDrain, StreamService};

impl Turn<'_> {
    /// Lends the connection a worker, or lets it wait for one.
    pub(super) fn come_in(&mut self, service: &dyn StreamService) {
        // Clients that wait when another process takes over have time as well.
        let draining = self.ctx.drain.phase() != ServerPhase::Running
            && self.ctx.drain.backlog() == Backlog::Accept;
        if self.owned.unread.is_empty() && self.connection.has_left() {
            self.owned.discards_output = true;
            self.owned.ending = true;
            self.end_waiting(End::Lost("it left before it was served".into()));
        } else if draining && service.in_drain() == InDrain::GoOn {
            self.tell(Limit::Queue);
            self.end_waiting(End::Drained);
        } else if self.ctx.wait_queue.take_worker(self.connection.id) {
            self.lend(service);
            self.ctx.wait_queue.leave();
        } else {
            self.owned.stage = Stage::Waiting;
        }
    }

    /// Refuses a connection that can't be served: tells the client, and closes it.
    pub(super) fn turn_away(&mut self, limit: Limit) {
        self.tell(limit);
        self.end_waiting(End::Limit(limit));
        // The turn's own flush is over, and no event would cause another.
        self.flush();
    }

    fn end_waiting(&mut self, end: End) {
        self.ctx.wait_queue.remove(self.connection.id);
        self.owned.stage = Stage::Closing(end);
    }

    /// Gives the stream and this worker to the service until it returns.
    pub(super) fn lend(&mut self, service: &dyn StreamService) {
        let connection = self.connection;
        connection.lent.store(true, Ordering::SeqCst);
        if self.ctx.drain.phase() != ServerPhase::Running && service.in_drain() == InDrain::ReadOut
        {
            // The drain may have passed this connection before the stream was lent.
            connection.shut(Shutdown::Read);
        }
        if connection.has_request() {
            // So may a request to close it.
            connection.shut(Shutdown::Read);
        }
        let streamed = Arc::clone(&self.ctx.streamed);
        streamed.clients.fetch_add(1, Ordering::Relaxed);
        let session = self.owned.tls.take().map(|session| {
            let heard = std::mem::take(&mut self.owned.unread);
            Lent::new(Mutex::new(Some(Secured::new(session, heard))))
        });
        let stream = Stream::new(Arc::clone(connection), streamed, session.clone());
        let served = match connection.set_blocking() {
            Ok(()) => guarded(|| service.serve(stream)),
            Err(error) => Ok(Err(error)),
        };
        connection.lent.store(false, Ordering::SeqCst);
        if let Some(secured) = session.and_then(|session| session.lock().take()) {
            self.take_back(secured);
        }
        self.now = Instant::now();
        match served {
            Ok(Ok(())) => self.owned.stage = Stage::Closing(End::Service),
            Ok(Err(error)) => self.owned.stage = Stage::Closing(End::Lost(error.to_string())),
            Err(()) => self.panicked(),
        }
    }

    /// Goes on with the client's session, and with what the service has left to be sent.
    fn take_back(&mut self, secured: Secured) {
        let Returned {
            session,
            left,
            ending,
        } = secured.give_back();
        self.owned.tls = Some(session);
        // The bound of what a service leaves is its own.
        let _ = self.output.push(left, usize::MAX);
        // Where this server has shut the socket, its end is not the client's.
        let is_ours = self.connection.has_request() || self.draining();
        if let Some(ending) = ending.filter(|_| !is_ours) {
            self.note_ending(ending);
        }
    }
}
