//! Connections at rest. Knows no pool: it tells a closure which token has what.
//!
//! Each socket is registered once, edge-triggered, for reading and writing together, and never
//! again: a connection costs one `epoll_ctl` in its life. Edge-triggered means that whoever is
//! told must read until the socket is empty (a short read shows it, see epoll(7), question 9)
//! or come back without being told. Closing a descriptor removes it.
//!
//! This is the only file that names `mio`'s poll for connections; the acceptor has one of its own.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use parking_lot::Mutex;

use crate::state::Reasons;

/// Events taken from the system at once.
const EVENTS_MAX: usize = 256;
const WAKER: Token = Token(usize::MAX);

/// See the head of the file.
pub(crate) struct Poller {
    /// Held by the leader while it waits: there is only ever one, so nobody waits for this lock.
    poll: Mutex<(Poll, Events)>,
    registry: Registry,
    waker: Waker,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Poller> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKER)?;
        Ok(Poller {
            poll: Mutex::new((poll, Events::with_capacity(EVENTS_MAX))),
            registry,
            waker,
        })
    }

    /// Watches a socket until it is closed.
    pub(crate) fn watch(&self, socket: &impl AsRawFd, token: u64) -> io::Result<()> {
        let token = Token(usize::try_from(token).unwrap_or(usize::MAX - 1));
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry
            .register(&mut SourceFd(&socket.as_raw_fd()), token, both)
    }

    /// Waits for events or [`wake`](Poller::wake), `None` for as long as it takes, and tells
    /// what came of them.
    pub(crate) fn wait(
        &self,
        timeout: Option<Duration>,
        mut found: impl FnMut(u64, Reasons),
    ) -> io::Result<()> {
        let (poll, events) = &mut *self.poll.lock();
        match poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in events.iter().filter(|event| event.token() != WAKER) {
            let mut reasons = Reasons::WRITABLE;
            if event.is_readable() {
                reasons = reasons.and(Reasons::READABLE);
            }
            if event.is_read_closed() || event.is_error() {
                reasons = reasons.and(Reasons::ENDING);
            }
            found(event.token().0 as u64, reasons);
        }
        Ok(())
    }

    /// Lets the one who waits return at once, or the next one if nobody does.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            // An eventfd's write fails only when the descriptor is gone: nothing can be polled.
            tracing::error!(%error, "the poller can't be woken");
        }
    }
}
