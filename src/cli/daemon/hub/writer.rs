//! Writes what clients send to a source, as far as it takes it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::series::{Series, Told};
use crate::service::hub::Source;

/// See the head of the file. One for the life of a source, which may be lost meanwhile.
pub(super) struct Writer {
    /// Readable when messages wait.
    awaited: Arc<OwnedFd>,
    /// The rest of a message.
    rest: Bytes,
    /// How often the source took nothing more.
    refusals: Series<String>,
}

impl Writer {
    /// # Errors
    /// When there is no descriptor left.
    pub(super) fn new(source: &Source) -> io::Result<Writer> {
        let awaited = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let wake = Arc::clone(&awaited);
        source.open_back(move || {
            // The counter is full only after years without a read.
            let _ = rustix::io::write(&*wake, &1_u64.to_ne_bytes());
        });
        Ok(Writer {
            awaited,
            rest: Bytes::new(),
            refusals: Series::new(),
        })
    }

    /// The source is another one: what it did not take of a message is not for this one.
    pub(super) fn begin(&mut self) {
        self.rest.clear();
    }

    /// The source takes nothing more; whether that gets a line of the log.
    pub(super) fn refused(&mut self, error: &io::Error) -> Option<Told> {
        self.refusals.happened(error.to_string(), Instant::now())
    }

    /// What to wait for.
    pub(super) fn poll_fds<'a>(&'a self, to: &'a OwnedFd) -> [PollFd<'a>; 2] {
        let wants = match self.rest.is_empty() {
            true => PollFlags::empty(),
            false => PollFlags::OUT,
        };
        [
            PollFd::from_borrowed_fd(self.awaited.as_fd(), PollFlags::IN),
            PollFd::new(to, wants),
        ]
    }

    /// Writes without blocking.
    ///
    /// # Errors
    /// When the source takes nothing more.
    pub(super) fn write(&mut self, source: &Source, to: &OwnedFd) -> io::Result<()> {
        let _ = rustix::io::read(&*self.awaited, &mut [0; 8]);
        if is_closed(to) {
            return Err(Errno::PIPE.into());
        }
        loop {
            while !self.rest.is_empty() {
                match rustix::io::write(to, &self.rest) {
                    Ok(length) => self.rest.advance(length),
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
            }
            match source.take_back() {
                Some(message) => self.rest = message,
                None => return Ok(()),
            }
        }
    }
}

/// Whether its reader has gone, which makes it ready at all times.
fn is_closed(to: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(to, PollFlags::empty())];
    let now = Timespec::default();
    let _ = poll(&mut polled, Some(&now));
    polled[0].revents().contains(PollFlags::ERR)
}
