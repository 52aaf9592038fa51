//! Listening sockets: binds them, adopts them, removes their files at the end.

mod binding;
mod file;
mod tcp;
mod unix;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{SockAddr, SockRef, Socket, Type};

use crate::error::{Error, Result};
use crate::net::address::Address;

pub(crate) use binding::BACKLOG;
pub use binding::Binding;
pub(crate) use file::SocketFile;
#[cfg(feature = "cli")]
pub(crate) use tcp::{covers, has_family};

/// A socket that clients connect to, non-blocking.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Whether another process may accept from the same socket, now or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holders {
    /// None may: clients in its backlog are lost when it is closed.
    Ours,
    /// A service manager may, or the process that handed it over.
    Others,
}

/// A socket that listens.
pub(crate) struct Listening {
    pub(crate) listener: Listener,
    pub(crate) holders: Holders,
    /// Its clients speak plainly, also where others speak TLS.
    pub(crate) is_plain: bool,
}

/// Listening sockets, at least one: bound here, or adopted from a service manager or a predecessor.
pub struct Listeners {
    sockets: Vec<Listening>,
    addresses: Vec<Address>,
    files: Vec<SocketFile>,
    numbers_before: u64,
    /// Clients of a predecessor come first, if they move together.
    awaits_clients: bool,
}

/// A socket that was bound here.
struct Bound {
    is_plain: bool,
    listener: Listener,
    address: Address,
    file: Option<SocketFile>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Listeners");
        out.field("addresses", &self.addresses);
        out.field("files", &self.files).finish_non_exhaustive()
    }
}

impl Listeners {
    /// Listens on an address; on all addresses of a name.
    ///
    /// # Errors
    /// As [`bind_all`](Listeners::bind_all).
    pub fn bind<A>(address: A) -> Result<Listeners>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Listeners::bind_all([address], &Binding::default())
    }

    /// Listens on all of these addresses, or fails and listens on none. An address that another one
    /// covers, as `:8080` covers `127.0.0.1:8080`, gets no socket of its own.
    ///
    /// ```
    /// use poold::{Binding, Listeners, Options, Server, service::Echo};
    ///
    /// # fn main() -> poold::Result<()> {
    /// let both = Listeners::bind_all(["127.0.0.1:0", "[::1]:0"], &Binding::default())?;
    /// let server = Server::serve(both, Options::default(), Echo)?;
    /// assert_eq!(server.addresses().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Address`] for a text that is no address, [`Error::Lookup`] for a name that is not
    /// found, [`Error::Bind`] with the first address that can't be bound. A name and `:8080` stand
    /// for IPv4 and IPv6; where the system has only one of them, the log says so.
    pub fn bind_all<A>(addresses: impl IntoIterator<Item = A>, how: &Binding) -> Result<Listeners>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        let parsed = addresses.into_iter();
        let parsed = parsed.map(|address| Ok((address.try_into()?, false)));
        Listeners::bind_each(&parsed.collect::<Result<Vec<_>>>()?, how)
    }

    /// As [`bind_all`](Listeners::bind_all); of each address, whether its clients speak plainly,
    /// also where others speak TLS. No address covers one that differs from it in this.
    pub(crate) fn bind_each(addresses: &[(Address, bool)], how: &Binding) -> Result<Listeners> {
        let mut in_order: Vec<_> = addresses.iter().enumerate().collect();
        in_order.sort_by_key(|(_, (address, _))| reach(address));
        let mut bound: Vec<(usize, Bound)> = Vec::new();
        for (index, (address, is_plain)) in in_order {
            let more = bind(address, *is_plain, how, &bound)?;
            bound.extend(more.into_iter().map(|one| (index, one)));
        }
        bound.sort_by_key(|(index, _)| *index);
        let mut all = Listeners {
            sockets: Vec::new(),
            addresses: Vec::new(),
            files: Vec::new(),
            numbers_before: 0,
            awaits_clients: false,
        };
        for (_, one) in bound {
            all.sockets.push(Listening {
                listener: one.listener,
                holders: Holders::Ours,
                is_plain: one.is_plain,
            });
            all.addresses.push(one.address);
            all.files.extend(one.file);
        }
        all.or_none("an address to listen on")
    }

    /// Adopts sockets that listen already. Other processes may hold them as well, so the server
    /// closes them without shutting them down, and leaves a Unix socket's file alone.
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (one, two) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    /// let both = poold::Listeners::adopt([one.into(), two.into()])?;
    /// assert_eq!(both.addresses().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Start`] if there is no socket, or one does not listen or is neither TCP nor Unix.
    pub fn adopt(sockets: impl IntoIterator<Item = OwnedFd>) -> Result<Listeners> {
        let adopted: io::Result<Vec<_>> = sockets.into_iter().map(adopt).collect();
        let what = "a listening socket that was handed over";
        let adopted = adopted.map_err(|source| Error::Start { what, source })?;
        let (sockets, addresses): (Vec<_>, Vec<_>) = adopted.into_iter().unzip();
        let theirs = |listener| Listening {
            listener,
            holders: Holders::Others,
            is_plain: false,
        };
        let all = Listeners {
            sockets: sockets.into_iter().map(theirs).collect(),
            addresses,
            files: Vec::new(),
            numbers_before: 0,
            awaits_clients: false,
        };
        all.or_none(what)
    }

    /// Joins two sets of listeners, for one server.
    #[must_use]
    pub fn and(mut self, others: Listeners) -> Listeners {
        self.sockets.extend(others.sockets);
        self.addresses.extend(others.addresses);
        self.files.extend(others.files);
        self.numbers_before = self.numbers_before.max(others.numbers_before);
        self.awaits_clients |= others.awaits_clients;
        self
    }

    /// Has the clients of these listeners speak plainly, also with
    /// [`Options::tls`](crate::Options); [`and`](Listeners::and) others may speak TLS.
    #[must_use]
    pub fn plain(mut self) -> Listeners {
        self.sockets.iter_mut().for_each(|one| one.is_plain = true);
        self
    }

    /// Of each listener, whether its clients speak plainly in any case.
    #[cfg(feature = "cli")]
    pub(crate) fn are_plain(&self) -> Vec<bool> {
        self.sockets.iter().map(|one| one.is_plain).collect()
    }

    /// Sets that, in the order of the addresses.
    #[cfg(feature = "cli")]
    pub(crate) fn set_plain(&mut self, are_plain: &[bool]) {
        for (one, is_plain) in self.sockets.iter_mut().zip(are_plain) {
            one.is_plain = *is_plain;
        }
    }

    /// Numbers the clients that are accepted here from `last + 1` on, so that clients of a
    /// predecessor can keep the numbers up to `last` when they come; see
    /// [`Handle::adopt`](crate::Handle::adopt).
    #[must_use]
    pub fn numbered_after(self, last: u64) -> Listeners {
        let numbers_before = last;
        Listeners {
            numbers_before,
            ..self
        }
    }

    pub(crate) fn numbers_before(&self) -> u64 {
        self.numbers_before
    }

    /// A server of a service whose clients move together accepts none before the predecessor's have
    /// come, or will not.
    #[cfg(feature = "cli")]
    pub(crate) fn awaiting_clients(self) -> Listeners {
        Listeners {
            awaits_clients: true,
            ..self
        }
    }

    pub(crate) fn awaits_clients(&self) -> bool {
        self.awaits_clients
    }

    fn or_none(self, what: &'static str) -> Result<Listeners> {
        if self.sockets.is_empty() {
            let source = io::Error::other("there is none");
            return Err(Error::Start { what, source });
        }
        Ok(self)
    }

    /// The addresses, in the order in which they were given, with the real port instead of port 0.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Whether a Unix socket's file is removed at the end.
    pub fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// The Unix sockets whose files are removed at the end.
    #[cfg(feature = "cli")]
    pub(crate) fn with_files(&self) -> Vec<Address> {
        let ours = |(address, one): (&Address, &Listening)| {
            let is_ours = one.holders == Holders::Ours && matches!(address, Address::Unix(_));
            is_ours.then(|| address.clone())
        };
        self.addresses
            .iter()
            .zip(&self.sockets)
            .filter_map(ours)
            .collect()
    }

    pub(crate) fn into_parts(self) -> (Vec<Listening>, Vec<Address>, Vec<SocketFile>) {
        (self.sockets, self.addresses, self.files)
    }
}

/// Addresses that cover others are bound before them.
fn reach(address: &Address) -> u8 {
    match address {
        Address::Tcp(all) if all.iter().any(|one| one.ip().is_unspecified()) => {
            u8::from(all.iter().all(SocketAddr::is_ipv4))
        }
        _ => 2,
    }
}

/// Listens on an address, except where the sockets bound so far already do.
fn bind(
    address: &Address,
    is_plain: bool,
    how: &Binding,
    bound: &[(usize, Bound)],
) -> Result<Vec<Bound>> {
    let mut alike = bound.iter().filter(|(_, one)| one.is_plain == is_plain);
    match address {
        Address::Unix(path) => {
            if alike.any(|(_, one)| one.address == *address) {
                return Ok(Vec::new());
            }
            let (listener, file) = unix::listen(path, how).map_err(|source| Error::Bind {
                address: address.to_string(),
                source,
            })?;
            Ok(vec![Bound {
                is_plain,
                listener: Listener::Unix(listener),
                address: address.clone(),
                file: Some(file),
            }])
        }
        Address::Tcp(candidates) => {
            let found = |(_, one): &(usize, Bound)| match &one.address {
                Address::Tcp(bound) => bound.first().copied(),
                Address::Unix(_) => None,
            };
            let bound: Vec<SocketAddr> = alike.filter_map(found).collect();
            let found = tcp::listen(candidates, how, &bound)?;
            let made = |(listener, address)| Bound {
                is_plain,
                listener: Listener::Tcp(listener),
                address: Address::Tcp(vec![address]),
                file: None,
            };
            Ok(found.into_iter().map(made).collect())
        }
    }
}

fn adopt(socket: OwnedFd) -> io::Result<(Listener, Address)> {
    let socket = Socket::from(socket);
    if socket.r#type()? != Type::STREAM || !socket.is_listener()? {
        return Err(io::Error::other(
            "it does not listen for connections (a .socket unit needs Accept=no)",
        ));
    }
    socket.set_nonblocking(true)?;
    let address = address_of(&socket)?;
    let listener = match &address {
        Address::Tcp(_) => {
            tcp::prepare(&SockRef::from(&socket))?;
            Listener::Tcp(socket.into())
        }
        Address::Unix(_) => Listener::Unix(OwnedFd::from(socket).into()),
    };
    Ok((listener, address))
}

/// The address on which a socket listens.
pub(crate) fn address_of(socket: &impl AsFd) -> io::Result<Address> {
    let name = SockRef::from(socket).local_addr()?;
    if let Some(address) = name.as_socket() {
        return Ok(Address::Tcp(vec![address]));
    }
    if !name.is_unix() {
        return Err(io::Error::other("it is neither a TCP nor a Unix socket"));
    }
    Ok(Address::Unix(unix_name(&name)))
}

/// The path of a Unix socket; `@NAME` for an abstract one, as other programs show it.
fn unix_name(name: &SockAddr) -> PathBuf {
    let named = name.as_pathname().map(Path::to_owned);
    named.unwrap_or_else(|| {
        let name = name.as_abstract_namespace().unwrap_or_default();
        format!("@{}", String::from_utf8_lossy(name)).into()
    })
}
