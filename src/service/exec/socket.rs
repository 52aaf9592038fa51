//! Runs a program for each client, with the socket itself as its input and output. With TLS it is a
//! socket beside the client's session.

use std::io;
use std::time::Instant;

use bytes::Bytes;

use super::{BUSY, Pair, ProgramIo, Requester, Runner};
use crate::connection::stream::Stream;
use crate::limits::limit::Limit;
use crate::service::{InDrain, StreamService};

/// See the head of the file.
pub struct Exec(Runner);

impl Exec {
    /// Descriptors for each running program: its process's, and both ends of a pipe.
    pub const DESCRIPTORS: usize = 3;
    /// Further ones for each running program whose client speaks TLS.
    pub const TLS_DESCRIPTORS: usize = Pair::DESCRIPTORS;
    /// Maximum bytes that a program leaves to be sent to a client that speaks TLS.
    pub const LEFT_MAX: usize = Pair::LEFT_MAX;

    /// Runs a program of this runner for each client.
    pub fn new(runner: Runner) -> Exec {
        Exec(runner)
    }
}

impl StreamService for Exec {
    fn serve(&self, stream: Stream) -> io::Result<()> {
        let requester = Requester::of(&stream.client());
        let Some(session) = stream.lent() else {
            self.0.run(&requester, &ProgramIo::Socket, None);
            return Ok(());
        };
        let mut secured = session.lock().take();
        self.0.run(&requester, &ProgramIo::Pair, secured.as_mut());
        *session.lock() = secured;
        Ok(())
    }

    fn refusal(&self, _: Limit) -> Option<Bytes> {
        Some(Bytes::from_static(BUSY.as_bytes()))
    }

    fn in_drain(&self) -> InDrain {
        InDrain::GoOn
    }

    fn cut_off(&self) {
        self.0.cut_off();
    }

    fn finish(&self, _: Instant) {
        self.0.finish();
    }
}
