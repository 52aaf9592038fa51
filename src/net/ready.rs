//! Waits until descriptors are ready.

use std::io;
#[cfg(feature = "cli")]
use std::os::fd::AsFd;
use std::time::Duration;

#[cfg(feature = "cli")]
use rustix::event::PollFlags;
use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;

/// Waits for events of these, at most this time; answers how many have one. An interrupted wait
/// ends early, without events.
pub(crate) fn wait(polled: &mut [PollFd<'_>], most: Option<Duration>) -> io::Result<usize> {
    // A time beyond the system's range is no limit.
    let most = most.and_then(|most| Timespec::try_from(most).ok());
    match poll(polled, most.as_ref()) {
        Err(Errno::INTR) => Ok(0),
        ready => Ok(ready?),
    }
}

/// Whether there is something to read, or the end, within this time.
#[cfg(feature = "cli")]
pub(crate) fn is_readable(fd: impl AsFd, most: Duration) -> bool {
    wait(&mut [PollFd::new(&fd, PollFlags::IN)], Some(most)).is_ok_and(|ready| ready > 0)
}
