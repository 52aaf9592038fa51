//! A handle to a connection, for services and whoever else has something for a client.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;

use crate::connection::{CloseRequest, Connection, Unsent};
use crate::net::address::Peer;

/// A connected client, for whoever has something to say to it later: cheap to clone, keeps
/// neither the socket nor its buffers alive.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
///
/// use poold::{Client, End, Message, Reply, Service, Unsent, Verdict};
///
/// /// What one says goes to all others. Whoever has a clone can speak, too.
/// #[derive(Clone, Default)]
/// struct Relay(Arc<Mutex<HashMap<u64, Client>>>);
///
/// impl Relay {
///     fn say(&self, from: u64, line: &[u8]) {
///         let line = [line, b"\n"].concat();
///         for (_, client) in self.0.lock().unwrap().iter().filter(|(id, _)| **id != from) {
///             if let Err(Unsent::Full(_)) = client.send(line.clone()) {
///                 client.close("too slow");
///             }
///         }
///     }
/// }
///
/// impl Service for Relay {
///     type Session = u64;
///
///     fn opened(&self, client: &Client, _: &mut Reply<'_>) -> u64 {
///         self.0.lock().unwrap().insert(client.id(), client.clone());
///         client.id()
///     }
///
///     fn message(&self, id: &mut u64, message: Message<'_>, _: &mut Reply<'_>) -> Verdict {
///         self.say(*id, message.bytes);
///         Verdict::Go
///     }
///
///     fn closed(&self, id: u64, _: &End) {
///         self.0.lock().unwrap().remove(&id);
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Client {
    id: u64,
    peer: Peer,
    connection: Weak<Connection>,
}

impl Client {
    pub(crate) fn new(connection: &Arc<Connection>) -> Client {
        Client {
            id: connection.id,
            peer: connection.identity.peer(),
            connection: Arc::downgrade(connection),
        }
    }

    /// The connection's number: counts up from 1, never used twice.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Where it connected from.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The address of ours that it connected to, or of the balancer that announced it; `None` if
    /// that is a Unix socket, or it has left.
    pub fn local_address(&self) -> Option<SocketAddr> {
        let connection = self.connection.upgrade()?;
        match connection.identity.announced_local() {
            Some(announced) => announced,
            None => connection.socket.local_addr().ok()?.as_socket(),
        }
    }

    /// Sends these bytes as they are ([`Framing::encode`](crate::Framing::encode) frames them),
    /// after all that it was sent so before. Never blocks: they go to its outbox, and one of the
    /// workers writes them, before the answers of a turn that is still under way: who answers the
    /// client that it serves uses the [`Reply`](crate::Reply).
    ///
    /// # Errors
    /// [`Unsent`] gives the bytes back; the caller decides whether to drop them or the client.
    pub fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Unsent> {
        self.send_several(bytes.into(), 1)
    }

    /// The same for bytes that are so many messages.
    pub(crate) fn send_several(&self, bytes: Bytes, messages: u64) -> Result<(), Unsent> {
        match self.connection.upgrade() {
            Some(connection) => connection.push(bytes, messages),
            None => Err(Unsent::Gone(bytes)),
        }
    }

    /// How long it has taken nothing of what it is owed; `None` while it keeps up or is gone.
    pub fn stalled_for(&self) -> Option<Duration> {
        self.connection.upgrade()?.stalled_for()
    }

    /// The connection, while it lasts.
    #[cfg(feature = "cli")]
    pub(crate) fn connection(&self) -> Option<Arc<Connection>> {
        self.connection.upgrade()
    }

    /// Bytes that have come from it and were not read.
    #[cfg(feature = "cli")]
    pub(crate) fn unread(&self) -> usize {
        let connection = self.connection.upgrade();
        connection.map_or(0, |connection| connection.unread())
    }

    /// Closes it: what has arrived by now is still served, then it gets the service's
    /// [last words](crate::Service::last_words) and all that it is owed. While it is
    /// [opened](crate::Service::opened) nothing of it is served. To end it in the midst of its
    /// messages, answer [`Verdict::Close`](crate::Verdict).
    ///
    /// The reason goes to the service and the log. One that takes nothing of what it is owed for
    /// ten seconds ([`write_stall`](crate::Times), if that is set) is reset, and its end is
    /// [`Limit::WriteStall`](crate::Limit).
    pub fn close(&self, reason: impl Into<String>) {
        if let Some(connection) = self.connection.upgrade() {
            connection.request_close(CloseRequest::Close(reason.into()));
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Client({} {})", self.id, self.peer)
    }
}
