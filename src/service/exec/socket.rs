//! Runs a program for each client, with the socket itself as its input and output.

use std::io;
use std::time::Instant;

use bytes::Bytes;

use super::{BUSY, ProgramIo, Requester, Runner};
use crate::connection::stream::Stream;
use crate::limits::limit::Limit;
use crate::service::{InDrain, StreamService};

/// See the head of the file.
pub struct Exec(Runner);

impl Exec {
    /// Descriptors for each running program: its process's, and both ends of a pipe.
    pub const DESCRIPTORS: usize = 3;

    /// Runs a program of this runner for each client.
    pub fn new(runner: Runner) -> Exec {
        Exec(runner)
    }
}

impl StreamService for Exec {
    fn serve(&self, stream: Stream) -> io::Result<()> {
        let requester = Requester::of(&stream.client());
        self.0.run(&requester, &ProgramIo::Socket);
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
