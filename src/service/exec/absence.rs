//! Whether a program's client is still there.
//!
//! A client that has closed its socket and one that has only sent its end look the same until
//! something is sent to it: its host then answers with a reset. So its end alone is no reason to
//! stop a program, but it is asked sooner whether it is there (TCP's keepalive).

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt;

use crate::connection::Connection;
use crate::net::address::Peer;

/// A program that has not run for so long is not asked about its client's end: most have none.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// Between two looks whether the server has closed it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A program that runs on for so long after its client's end is told of in the log.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// A client that has sent its end is asked so often whether it is there. The host of one that has
/// closed answers for it for a minute (tcp_fin_timeout).
const ASK_EACH: Duration = Duration::from_secs(10);
/// On a Unix socket a client that has closed is known at once, and is given as long.
const UNIX_AFTER: Duration = Duration::from_secs(60);

/// What becomes of a program whose client has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientGone {
    /// SIGHUP when its connection is reset, or its host does not answer; its end alone is none.
    #[default]
    Hangup,
    /// SIGHUP when it has sent its end, too: for clients that never do before they leave.
    HangupOnFin,
    /// It runs to its end.
    Finish,
}

/// See the head of the file.
pub(super) struct Absence<'a> {
    connection: &'a Connection,
    policy: ClientGone,
    seen: Stage,
    /// When to look again, whatever comes.
    due: Option<Instant>,
    /// When to tell that the program runs on.
    tell: Option<Instant>,
    /// When it counts as gone.
    gone: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Of the socket only a reset is waited for.
    Early,
    Here,
    /// It has sent its end.
    Ended,
    /// Its socket has nothing more to say.
    Gone,
}

/// What there is to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    HangUp,
    /// It was closed by the server.
    Closed,
    /// Its program runs on, and this long after its end that is told.
    RunsOn,
}

impl<'a> Absence<'a> {
    pub(super) fn new(connection: &'a Connection, policy: ClientGone, now: Instant) -> Absence<'a> {
        let seen = match policy {
            ClientGone::HangupOnFin => Stage::Here,
            ClientGone::Hangup | ClientGone::Finish => Stage::Early,
        };
        Absence {
            connection,
            policy,
            seen,
            due: Some(now + LOOK_AFTER),
            tell: None,
            gone: None,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        [self.due, self.tell, self.gone].into_iter().flatten().min()
    }

    /// The socket and what is waited for, beside a reset.
    pub(super) fn watched(&self) -> Option<PollFd<'_>> {
        let flags = match self.seen {
            Stage::Early | Stage::Ended => PollFlags::empty(),
            Stage::Here => PollFlags::RDHUP,
            Stage::Gone => return None,
        };
        Some(PollFd::from_borrowed_fd(
            self.connection.socket.as_fd(),
            flags,
        ))
    }

    /// What has come of the socket, or of the time.
    pub(super) fn look(&mut self, found: PollFlags, now: Instant) -> Option<News> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if self.connection.has_request() {
            // What its socket says from now on is ours.
            self.seen = Stage::Gone;
            (self.due, self.tell, self.gone) = (None, None, None);
            return Some(News::Closed);
        }
        if self.seen == Stage::Early && is_due(self.due) {
            self.seen = Stage::Here;
        }
        let hangs_up = self.policy != ClientGone::Finish;
        let is_gone = found.contains(PollFlags::ERR) || is_due(self.gone);
        let mut news = None;
        if is_gone {
            self.seen = Stage::Gone;
            (self.tell, self.gone) = (None, None);
            news = hangs_up.then_some(News::HangUp);
        } else if found.intersects(PollFlags::RDHUP | PollFlags::HUP) {
            news = self.has_ended(found, now);
        } else if is_due(self.tell) {
            self.tell = None;
            news = Some(News::RunsOn);
        }
        // Of a stream that is shut the socket tells; of the others nothing does.
        let is_told = self.seen == Stage::Here && self.connection.lent.load(Ordering::SeqCst);
        if is_told {
            self.due = None;
        } else if is_due(self.due) || self.due.is_none() {
            self.due = Some(now + LOOK_AGAIN);
        }
        news
    }

    /// It has sent its end, or both sides have.
    fn has_ended(&mut self, found: PollFlags, now: Instant) -> Option<News> {
        let is_first = self.seen != Stage::Ended;
        self.seen = Stage::Ended;
        if is_first {
            self.tell = Some(now + TELL_AFTER);
            self.ask();
        }
        if found.contains(PollFlags::HUP) {
            self.seen = Stage::Gone;
            if let Peer::Unix(_) = self.connection.identity.origin {
                self.gone = Some(now + UNIX_AFTER);
            }
        }
        let hangs_up = is_first && self.policy == ClientGone::HangupOnFin;
        hangs_up.then_some(News::HangUp)
    }

    /// Whether it is reset is found out soon.
    fn ask(&self) {
        if let Peer::Tcp(_) = self.connection.identity.origin {
            // It was a moment ago that the acceptor set others; what it set is good enough.
            let _ = sockopt::set_tcp_keepidle(&self.connection.socket, ASK_EACH);
            let _ = sockopt::set_tcp_keepintvl(&self.connection.socket, ASK_EACH);
        }
    }
}
