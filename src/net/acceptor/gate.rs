//! The host of an acceptor, and whether it takes clients now.

use std::time::Duration;

use socket2::Socket;

use crate::net::address::Peer;

/// Takes the clients that the acceptor accepts.
pub(crate) trait AcceptHandler {
    /// Whether to accept now; called before each accept.
    fn gate(&self) -> AcceptGate;
    /// Whether a client has come since this was asked last.
    fn takes_event(&self) -> bool;
    /// One more client waits in the backlog while the gate is not open.
    fn has_to_wait(&self, gate: AcceptGate);
    /// A client still waits and the server is full: can the host make room?
    fn is_waited_for(&self);
    /// A new client, of a listener whose clients speak plainly in any case or not; the host admits
    /// or refuses it. Must not block.
    fn admit(&self, socket: Socket, peer: Peer, is_plain: bool);
    /// A client came too late to be admitted, and is reset.
    fn cut_off(&self);
    /// There is no descriptor for the next client: can the host free one?
    fn starved(&self);
}

/// Whether the acceptor accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptGate {
    /// Accept: there is room.
    Open,
    /// The server is full: wait to be woken.
    Full,
    /// Paused by a call: wait to be woken.
    Held,
    /// Clients come too fast: accept none for this long.
    Paused(Duration),
    /// The server drains: accept the clients that are in the backlog already, then close.
    Closing,
    /// Another process accepts from these listeners now: leave it the backlog, and close.
    Shut,
    /// The drain's deadline has passed: reset the clients in the backlog, then close.
    Over,
}
