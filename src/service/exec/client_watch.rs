//! Watches whether a program's client is still connected.
//!
//! A client that has closed its socket and one that has only shut its sending side look the same
//! until data is sent: the host of the first answers with a reset. So the end of the stream alone
//! stops no program, but TCP's keepalive then asks the host sooner.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt;

use crate::connection::Connection;
use crate::net::address::Peer;

/// No check for the client's end before a program has run this long: most end sooner.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// Between two checks whether the server has closed the client.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A program that runs on this long after its client's end is logged.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// Keepalive interval for a client that has sent its end. The host of a client that has closed
/// still answers for a minute (tcp_fin_timeout).
const ASK_EACH: Duration = Duration::from_secs(10);
/// A Unix socket shows at once that its client has closed; the program gets as long.
const UNIX_AFTER: Duration = Duration::from_secs(60);

/// What happens to a program whose client has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum ClientGone {
    /// It gets HUP when the connection is reset or the client's host does not answer
    #[default]
    Hangup,
    /// It also gets HUP as soon as the client has sent its end, for clients that wait for no answer
    /// after that
    HangupOnFin,
    /// It runs to its end
    Finish,
}

/// See the head of the file.
pub(super) struct ClientWatch<'a> {
    connection: &'a Connection,
    policy: ClientGone,
    seen: Presence,
    /// When to check again in any case.
    due: Option<Instant>,
    /// When to log that the program runs on.
    tell: Option<Instant>,
    /// When the client counts as gone.
    gone: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Only a reset is watched for.
    Early,
    Here,
    /// The client has sent its end.
    Ended,
    /// The socket has no more events.
    Gone,
}

/// An event of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientEvent {
    HangUp,
    /// The server has closed the client.
    Closed,
    /// The program runs on after the client's end, and this is to be logged.
    RunsOn,
}

impl<'a> ClientWatch<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        policy: ClientGone,
        now: Instant,
    ) -> ClientWatch<'a> {
        let seen = match policy {
            ClientGone::HangupOnFin => Presence::Here,
            ClientGone::Hangup | ClientGone::Finish => Presence::Early,
        };
        ClientWatch {
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

    /// The socket and the events to poll for, besides a reset.
    pub(super) fn watched(&self) -> Option<PollFd<'_>> {
        let flags = match self.seen {
            Presence::Early | Presence::Ended => PollFlags::empty(),
            Presence::Here => PollFlags::RDHUP,
            Presence::Gone => return None,
        };
        Some(PollFd::from_borrowed_fd(
            self.connection.socket.as_fd(),
            flags,
        ))
    }

    /// Handles events of the socket, or the time.
    pub(super) fn look(&mut self, found: PollFlags, now: Instant) -> Option<ClientEvent> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if self.connection.has_request() {
            // From now on the socket's events come from this server.
            self.seen = Presence::Gone;
            (self.due, self.tell, self.gone) = (None, None, None);
            return Some(ClientEvent::Closed);
        }
        if self.seen == Presence::Early && is_due(self.due) {
            self.seen = Presence::Here;
        }
        let hangs_up = self.policy != ClientGone::Finish;
        let is_gone = found.contains(PollFlags::ERR) || is_due(self.gone);
        let mut event = None;
        if is_gone {
            self.seen = Presence::Gone;
            (self.tell, self.gone) = (None, None);
            event = hangs_up.then_some(ClientEvent::HangUp);
        } else if found.intersects(PollFlags::RDHUP | PollFlags::HUP) {
            event = self.has_ended(found, now);
        } else if is_due(self.tell) {
            self.tell = None;
            event = Some(ClientEvent::RunsOn);
        }
        // A lent stream that the server shuts shows an event; in other cases only a check does.
        let is_told = self.seen == Presence::Here && self.connection.lent.load(Ordering::SeqCst);
        if is_told {
            self.due = None;
        } else if is_due(self.due) || self.due.is_none() {
            self.due = Some(now + LOOK_AGAIN);
        }
        event
    }

    /// Handles the end of one or both directions.
    fn has_ended(&mut self, found: PollFlags, now: Instant) -> Option<ClientEvent> {
        let is_first = self.seen != Presence::Ended;
        self.seen = Presence::Ended;
        if is_first {
            self.tell = Some(now + TELL_AFTER);
            self.ask();
        }
        if found.contains(PollFlags::HUP) {
            self.seen = Presence::Gone;
            if let Peer::Unix(_) = self.connection.identity.origin {
                self.gone = Some(now + UNIX_AFTER);
            }
        }
        let hangs_up = is_first && self.policy == ClientGone::HangupOnFin;
        hangs_up.then_some(ClientEvent::HangUp)
    }

    /// Makes keepalive ask the host soon.
    fn ask(&self) {
        if let Peer::Tcp(_) = self.connection.identity.origin {
            // If this fails, the acceptor's settings are good enough.
            let _ = sockopt::set_tcp_keepidle(&self.connection.socket, ASK_EACH);
            let _ = sockopt::set_tcp_keepintvl(&self.connection.socket, ASK_EACH);
        }
    }
}
