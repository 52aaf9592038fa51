//! What tells that a process has let go of its sources: a pipe, whose writing end each source's
//! thread holds until it ends. A successor opens its sources at the pipe's end, which also comes if
//! this process is killed.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits until all that hold it have ended, for so long at most; answers whether they have.
pub(super) fn wait_end(held: &impl AsFd, most: Duration) -> bool {
    let most = Timespec::try_from(most).unwrap_or_default();
    let mut fds = [PollFd::from_borrowed_fd(held.as_fd(), PollFlags::IN)];
    poll(&mut fds, Some(&most)).is_ok_and(|ready| ready > 0)
}
