//! A turn that lasts as long as the service wants: the whole stream, lent with its worker.

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Turn, guarded};
use crate::connection::Stage;
use crate::drain::ServerPhase;
use crate::handler::End;
use crate::service::StreamService;
use crate::stream::Stream;

impl Turn<'_> {
    /// Gives the stream and this worker to the service until it returns.
    pub(super) fn lend(&mut self, service: &dyn StreamService) {
        let connection = self.connection;
        connection.lent.store(true, Ordering::SeqCst);
        if self.house.drain.phase() != ServerPhase::Running {
            // The drain's round may have passed before the stream was lent.
            connection.shut(Shutdown::Read);
        }
        if connection.is_ordered() {
            // So may an order to close it.
            connection.shut(Shutdown::Read);
        }
        let streamed = Arc::clone(&self.house.streamed);
        let stream = Stream::new(Arc::clone(connection), streamed);
        let served = match connection.socket.set_nonblocking(false) {
            Ok(()) => guarded(|| service.serve(stream)),
            Err(error) => Ok(Err(error)),
        };
        connection.lent.store(false, Ordering::SeqCst);
        // However it went: no later read or write of this connection may block a worker.
        let unblocked = connection.socket.set_nonblocking(true);
        // Bytes that came unread while the worker blocked made no event that is still to come.
        self.hold.readable = true;
        match served.map(|served| served.and(unblocked)) {
            Ok(Ok(())) => self.hold.stage = Stage::Closing(End::Service),
            Ok(Err(error)) => self.hold.stage = Stage::Closing(End::Lost(error.to_string())),
            Err(()) => self.panicked(),
        }
    }
}
