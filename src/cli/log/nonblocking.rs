//! Writes to a standard stream with a timeout: a pipe may have no reader, and a terminal may be
//! stopped.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// Bytes that a pipe with room takes at once (`PIPE_BUF`).
const PIECE: usize = 4096;

/// See the head of the file.
pub(crate) struct Patient<S> {
    stream: S,
    /// A terminal may block although poll says that it has room, so it is opened again,
    /// non-blocking. (Another user's terminal can't be opened, and may block.) Other streams are
    /// shared with other processes, and keep their flags.
    own: Option<File>,
}

impl<S: AsFd> Patient<S> {
    pub(crate) fn new(stream: S) -> Patient<S> {
        let is_terminal = rustix::termios::isatty(&stream);
        let own = is_terminal.then(|| open_anew(stream.as_fd()));
        Patient {
            stream,
            own: own.and_then(Result::ok),
        }
    }

    /// Writes as much as possible within this time; answers how much. An error that follows a part
    /// comes with the next write.
    pub(crate) fn write(&self, bytes: &[u8], most: Duration) -> io::Result<usize> {
        let until = Instant::now() + most;
        let mut written = 0;
        while written < bytes.len() && self.waits_for_room(until) {
            let piece = &bytes[written..];
            match rustix::io::write(self, &piece[..piece.len().min(PIECE)]) {
                Ok(length) => written += length,
                Err(rustix::io::Errno::AGAIN) if Instant::now() >= until => break,
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(_) if written > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(written)
    }

    /// Whether something can be written now.
    pub(crate) fn has_room(&self) -> bool {
        self.waits_for_room(Instant::now())
    }

    /// Waits until something can be written. If the poll fails, returns at once: the write reports
    /// the error.
    fn waits_for_room(&self, until: Instant) -> bool {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).unwrap_or_default();
            match poll(&mut [PollFd::new(self, PollFlags::OUT)], Some(&left)) {
                Ok(ready) => return ready > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return true,
            }
        }
    }
}

impl<S: AsFd> AsFd for Patient<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.own {
            Some(own) => own.as_fd(),
            None => self.stream.as_fd(),
        }
    }
}

fn open_anew(stream: BorrowedFd<'_>) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    OpenOptions::new()
        .write(true)
        .custom_flags(flags.cast_signed())
        .open(format!("/proc/self/fd/{}", stream.as_raw_fd()))
}
