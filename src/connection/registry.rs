//! The registry: every connection by its id, behind one `parking_lot` lock.
//!
//! The lock is held to look up, insert and remove; nothing is sent, read or closed under it. The
//! poller's leader takes it once for a whole batch of events.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use parking_lot::{RwLock, RwLockReadGuard};
use rustc_hash::FxHashMap;

use crate::connection::client::Client;
use crate::connection::{Connection, Standing, Unsent};
use crate::framing::hint::Hint;
use crate::net::address::Peer;
use crate::scheduler::state::Phase;
use crate::tls::TlsVersion;

/// The connected clients, each by its id. Get it from
/// [`Handle::registry`](crate::Handle::registry).
///
/// [`clients`](Registry::clients) has an example.
///
/// Its lock is held to look up, insert and remove; nothing is sent, read or closed under it, so no
/// method blocks for long.
#[derive(Default)]
pub struct Registry {
    connections: RwLock<FxHashMap<u64, Arc<Connection>>>,
    /// The number of connections, readable without the lock.
    count: AtomicUsize,
}

/// A snapshot of one connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientInfo {
    /// Its number: counts up from 1, never used twice.
    pub id: u64,
    /// The address that it connected from; the one in its balancer's header, once that has come.
    pub peer: Peer,
    /// The balancer that it came through, if the balancer's header announced it.
    pub via: Option<Peer>,
    /// When it connected.
    pub since: SystemTime,
    /// Time since the last byte came from it; since it connected, if none did.
    pub last_heard: Duration,
    /// Messages that it sent.
    pub messages_in: u64,
    /// Bytes that it sent.
    pub bytes_in: u64,
    /// Messages that it was sent: answers, and messages of others.
    pub messages_out: u64,
    /// Bytes that it was sent.
    pub bytes_out: u64,
    /// Bytes that wait until it reads.
    pub owed: usize,
    /// A guess what its bytes look like, if they do not match the framing.
    pub hint: Option<Hint>,
    /// The version of TLS that it speaks; `None` for a plain client, or before the handshake is
    /// done.
    pub tls: Option<TlsVersion>,
    /// Whether it speaks plainly to a server with [`Options::tls_optional`](crate::Options).
    pub is_plain: bool,
    /// The name in its certificate, if it has shown one.
    pub name: Option<String>,
    /// Its phase.
    pub phase: Phase,
}

impl Registry {
    /// The number of connected clients, including those that only receive a refusal.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// All clients, in order of arrival.
    pub fn list(&self) -> Vec<ClientInfo> {
        let mut list: Vec<_> = self.all().iter().map(|one| ClientInfo::of(one)).collect();
        list.sort_unstable_by_key(|info| info.id);
        list
    }

    /// The client with this id.
    pub fn look_up(&self, id: u64) -> Option<ClientInfo> {
        self.find(id).map(|connection| ClientInfo::of(&connection))
    }

    /// A handle to the client with this id.
    pub fn client(&self, id: u64) -> Option<Client> {
        self.connections.read().get(&id).map(Client::new)
    }

    /// Handles to all admitted clients, in order of arrival. It is a copy: clients may leave and
    /// connect while you iterate.
    ///
    /// ```
    /// use std::io::{BufRead, BufReader};
    /// use std::net::TcpStream;
    ///
    /// use poold::{Options, Server, service::Echo};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::bind("127.0.0.1:0", Options::default(), Echo)?;
    /// let handle = server.handle();
    /// let mut client = BufReader::new(TcpStream::connect(server.address())?);
    /// # while handle.registry().count() == 0 {
    /// #     std::thread::yield_now();
    /// # }
    /// for client in handle.registry().clients() {
    ///     client.send(format!("hello {}\n", client.id()))?;
    /// }
    /// let mut line = String::new();
    /// client.read_line(&mut line)?;
    /// assert_eq!(line, "hello 1\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn clients(&self) -> impl Iterator<Item = Client> + use<> {
        let mut all = self.all();
        all.retain(|connection| connection.identity.is(Standing::Admitted));
        all.sort_unstable_by_key(|connection| connection.id);
        all.into_iter().map(|connection| Client::new(&connection))
    }

    /// Sends bytes to one client.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send(&self, id: u64, bytes: impl Into<Bytes>) -> Result<(), Unsent> {
        let bytes = bytes.into();
        match self.client(id) {
            Some(client) => client.send(bytes),
            None => Err(Unsent::Gone(bytes)),
        }
    }

    /// Sends bytes to every admitted client; answers how many outboxes took them.
    pub fn send_all(&self, bytes: impl Into<Bytes>) -> usize {
        let bytes = bytes.into();
        self.all()
            .iter()
            .filter(|connection| connection.identity.is(Standing::Admitted))
            .filter(|connection| connection.push(bytes.clone(), 1).is_ok())
            .count()
    }

    /// Closes one client as [`Client::close`] does. `false`: there is no client with this id.
    pub fn close(&self, id: u64, reason: impl Into<String>) -> bool {
        let client = self.client(id);
        client.map(|client| client.close(reason)).is_some()
    }

    /// The connection with this id.
    pub(crate) fn find(&self, id: u64) -> Option<Arc<Connection>> {
        self.connections.read().get(&id).cloned()
    }

    /// A copy of the list, so that nothing is done with a connection under the lock.
    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.connections.read().values().cloned().collect()
    }

    /// The lock, for many look-ups in a row.
    pub(crate) fn reader(&self) -> RwLockReadGuard<'_, FxHashMap<u64, Arc<Connection>>> {
        self.connections.read()
    }

    pub(crate) fn insert(&self, connection: Arc<Connection>) {
        let mut connections = self.connections.write();
        connections.insert(connection.id, connection);
        self.count.store(connections.len(), Ordering::SeqCst);
    }

    /// Calls `count` under the lock: a reader finds a connection either here or counted.
    pub(crate) fn remove(&self, id: u64, count: impl FnOnce()) {
        let mut connections = self.connections.write();
        let removed = connections.remove(&id);
        count();
        // Frees a large table once all connections have gone.
        if connections.is_empty() && connections.capacity() > 1024 {
            connections.shrink_to_fit();
        }
        self.count.store(connections.len(), Ordering::SeqCst);
        drop(connections);
        // What may be the last handle closes the socket: not under the lock.
        drop(removed);
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Registry");
        out.field("count", &self.count()).finish_non_exhaustive()
    }
}

impl ClientInfo {
    fn of(connection: &Connection) -> ClientInfo {
        let tally = &connection.tally;
        ClientInfo {
            id: connection.id,
            peer: connection.identity.peer(),
            via: connection.identity.via(),
            // Computed back from now: the clock may have been set since.
            since: SystemTime::now()
                .checked_sub(connection.since().elapsed())
                .unwrap_or(SystemTime::UNIX_EPOCH),
            last_heard: connection.quiet_for(),
            messages_in: tally.messages_in.load(Ordering::Relaxed),
            bytes_in: tally.bytes_in.load(Ordering::Relaxed),
            messages_out: tally.messages_out.load(Ordering::Relaxed),
            bytes_out: tally.bytes_out.load(Ordering::Relaxed),
            owed: connection.owed(),
            hint: tally.hint(),
            tls: connection.identity.tls(),
            is_plain: connection.identity.is_plain(),
            name: connection.identity.name().map(str::to_owned),
            phase: connection.state.phase(),
        }
    }
}
