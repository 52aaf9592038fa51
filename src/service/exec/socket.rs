//! A child for each client, with the socket itself as its input and output.

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use bytes::Bytes;

use super::{BUSY, For, Runner, Talk};
use crate::notices::Limit;
use crate::service::{InDrain, StreamService};
use crate::stream::Stream;

/// See the head of the file.
pub struct Exec(Runner);

impl Exec {
    /// Gives each client to a child of this runner.
    pub fn new(runner: Runner) -> Exec {
        Exec(runner)
    }
}

impl StreamService for Exec {
    fn serve(&self, stream: Stream) -> io::Result<()> {
        let who = For::of(&stream.client());
        let input = stream.as_fd().try_clone_to_owned()?;
        let output = stream.as_fd().try_clone_to_owned()?;
        self.0.run(&who, Talk::Socket(input, output));
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
