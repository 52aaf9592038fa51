//! The control socket, and the connections to it.

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use super::protocol::Wire;
use crate::net::listen::BACKLOG;

/// How long a connection waits that can't be accepted for want of a descriptor: the socket would be
/// ready again at once.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

pub(super) struct Talk {
    pub(super) wire: Wire,
    pub(super) role: Role,
    pub(super) until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Has sent no request yet.
    Guest,
    /// Waits for the result of the restart.
    Waits,
    /// Has the sockets; its process id, and whether it takes clients.
    Successor(u32, bool),
    /// Accepts from the sockets, and takes the clients.
    Moves(u32),
    /// Accepts from the sockets.
    Ready(u32),
}

/// The control socket.
pub(super) struct Door {
    socket: UnixListener,
    /// It is left alone until then.
    again_at: Option<Instant>,
}

impl Door {
    pub(super) fn new(socket: UnixListener) -> Door {
        Door {
            socket,
            again_at: None,
        }
    }

    /// The predecessor has finished with it. A process that connects sees which one has called
    /// listen(2) last, and has to know when that ends: see `arrivals.rs`.
    pub(super) fn own(&self) {
        let _ = rustix::net::listen(&self.socket, BACKLOG);
    }

    /// What to poll for the next connection.
    pub(super) fn awaited(&self) -> Option<BorrowedFd<'_>> {
        self.again_at.is_none().then(|| self.socket.as_fd())
    }

    /// When to try again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.again_at
    }

    pub(super) fn accept(&mut self, now: Instant) -> Option<UnixStream> {
        if self.again_at.is_some_and(|at| now < at) {
            return None;
        }
        let accepted = self.socket.accept();
        let none_waits = ErrorKind::WouldBlock;
        let error = accepted.as_ref().err();
        let has_failed = error.is_some_and(|error| error.kind() != none_waits);
        self.again_at = has_failed.then(|| now + AGAIN_AFTER);
        accepted.ok().map(|(stream, _)| stream)
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
