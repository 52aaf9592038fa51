//! Whoever the clients are for, and how its door stands.

use std::time::Duration;

use socket2::Socket;

use crate::net::address::Peer;

/// Whoever the clients are for.
pub(crate) trait AcceptHandler {
    /// How the door stands; asked before each accept.
    fn door(&self) -> AcceptGate;
    /// One more has to wait before a door that is not open.
    fn has_to_wait(&self, door: AcceptGate);
    /// Somebody still waits before a full house: can the host make room?
    fn is_waited_for(&self);
    /// A client for the host, who lets it in or not. Must not block.
    fn admit(&self, socket: Socket, peer: Peer);
    /// A client that came too late to be let in, and is reset.
    fn cut_off(&self);
    /// There is no descriptor for the next client: can the host let go of one?
    fn starved(&self);
}

/// How the door stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptGate {
    /// There is room.
    Open,
    /// The house is full: wait to be woken.
    Full,
    /// Nobody is let in for now, because somebody wants it so: wait to be woken.
    Held,
    /// Clients come too fast: let nobody in for so long.
    Paused(Duration),
    /// The server drains: take who is in the backlog already, then close.
    Closing,
    /// Another accepts from these listeners now: let nobody in, leave the backlog to it, close.
    Shut,
    /// The drain's time is over: who is in the backlog is cut off, then close.
    Over,
}
