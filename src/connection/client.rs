//! A handle to a connection, for code that sends to a client or closes it.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;

use crate::connection::{CloseRequest, Connection, Unsent};
use crate::net::address::{Address, Peer};
use crate::tls::TlsVersion;

/// A handle to a connected client, to send to it at any time. Cheap to clone; keeps neither the
/// socket nor its buffers alive.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
///
/// use poold::{Client, End, Message, Reply, Service, Unsent, Verdict};
///
/// /// Sends what one client says to all others. A clone can send as well.
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

    /// The address that it connected from.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The balancer that it came through, if the balancer's header announced it; `None` if the
    /// client has left.
    pub fn via(&self) -> Option<Peer> {
        self.connection.upgrade()?.identity.via()
    }

    /// The server's address that it connected to, or the balancer's address that the header names;
    /// `None` for a Unix socket, or if the client has left.
    pub fn local_address(&self) -> Option<SocketAddr> {
        let connection = self.connection.upgrade()?;
        match connection.identity.announced_local() {
            Some(announced) => announced,
            None => connection.socket.local_addr().ok()?.as_socket(),
        }
    }

    /// The address of the socket that accepted it, whatever a balancer's header says.
    pub(crate) fn came_to(&self) -> Option<Address> {
        let local = self.connection.upgrade()?.socket.local_addr().ok()?;
        match (local.as_socket(), local.as_pathname()) {
            (Some(address), _) => Some(Address::from(address)),
            (None, Some(path)) => Some(Address::from(path)),
            (None, None) => None,
        }
    }

    /// The version of TLS that it speaks; `None` for a plain client, or if it has left.
    pub fn tls(&self) -> Option<TlsVersion> {
        self.connection.upgrade()?.identity.tls()
    }

    /// The name in the certificate that it has shown: of a host, or a URI. `None` without TLS, if
    /// it has shown none, or if it has left.
    pub fn certified_name(&self) -> Option<String> {
        let connection = self.connection.upgrade()?;
        connection.identity.name().map(str::to_owned)
    }

    /// Sends these bytes as they are ([`Framing::encode`](crate::Framing::encode) frames them),
    /// after all that was sent this way before. Never blocks: the bytes go to the client's outbox,
    /// and a worker writes them, before the answers of a turn that is still under way. To answer
    /// the client that a turn serves, use the [`Reply`](crate::Reply).
    ///
    /// # Errors
    /// [`Unsent`] gives the bytes back; the caller decides whether to drop them or the client.
    pub fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Unsent> {
        self.send_several(bytes.into(), 1)
    }

    /// The same, for bytes that count as this many messages.
    pub(crate) fn send_several(&self, bytes: Bytes, messages: u64) -> Result<(), Unsent> {
        match self.connection.upgrade() {
            Some(connection) => connection.push(bytes, messages),
            None => Err(Unsent::Gone(bytes)),
        }
    }

    /// For how long the client has taken none of its unsent output; `None` if there is none or it
    /// has left.
    pub fn stalled_for(&self) -> Option<Duration> {
        self.connection.upgrade()?.stalled_for()
    }

    /// What the service has waited for ([`Verdict::Wait`](crate::Verdict)) is there.
    #[cfg(feature = "cli")]
    pub(crate) fn resume(&self) {
        if let Some(connection) = self.connection.upgrade() {
            connection.resume();
        }
    }

    /// The connection, until it ends.
    #[cfg(feature = "cli")]
    pub(crate) fn connection(&self) -> Option<Arc<Connection>> {
        self.connection.upgrade()
    }

    /// Bytes of the client that have arrived and were not read.
    #[cfg(feature = "cli")]
    pub(crate) fn unread(&self) -> usize {
        let connection = self.connection.upgrade();
        connection.map_or(0, |connection| connection.arrived(false))
    }

    /// Closes it: serves what has arrived by now, then sends the service's [last
    /// words](crate::Service::last_words) and all unsent output. While the session is being
    /// [opened](crate::Service::opened), serves nothing. To end it in the middle of its messages,
    /// answer [`Verdict::Close`](crate::Verdict).
    ///
    /// The reason goes to the service and the log. A client that takes none of its output for ten
    /// seconds ([`write_stall`](crate::Times), if that is set) is reset, and its end is
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
