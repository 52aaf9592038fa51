//! A turn that lasts as long as the service wants: the whole stream, lent with its worker.

use std::io;
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
        let served = connection.socket.set_nonblocking(false).and_then(|()| {
            guarded(|| service.serve(Stream::new(Arc::clone(connection))))
                .unwrap_or_else(|()| Err(io::Error::other("the handler panicked")))
        });
        connection.lent.store(false, Ordering::SeqCst);
        let end = match served.and_then(|()| connection.socket.set_nonblocking(true)) {
            Ok(()) => End::Service,
            Err(error) => End::Lost(error.to_string()),
        };
        // Bytes that came unread while the worker blocked made no event that is still to come.
        self.hold.readable = true;
        self.hold.stage = Stage::Closing(end);
    }
}
