//! Listening sockets: made, named, and removed at the end.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use crate::error::{Error, Result};
use crate::peer::Address;

/// Connections that the kernel keeps for us before they are accepted; it caps the number at
/// `net.core.somaxconn`.
pub(crate) const BACKLOG: i32 = 4096;

/// A peer at rest that answers none of TCP's own probes for so long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(120);
/// Probes in the second half of that time.
const PROBES: u32 = 4;

/// A socket that clients connect to, non-blocking.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Whether somebody else may accept from the same sockets, now or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holders {
    /// Who waits there is lost when they are closed.
    Ours,
    /// A service manager, or whoever handed them over.
    Others,
}

/// A Unix socket's file, removed when the server is done with it, unless another has taken its
/// place: a successor may listen there while this one still drains.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    made: Option<Identity>,
}

impl SocketFile {
    /// The files of those addresses that have one.
    pub(crate) fn all_of(addresses: &[Address]) -> Vec<SocketFile> {
        let files = addresses.iter().filter_map(|address| match address {
            Address::Unix(path) => Some(SocketFile::of(path)),
            Address::Tcp(_) => None,
        });
        files.collect()
    }

    fn of(path: &Path) -> SocketFile {
        SocketFile {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            made: identity(path),
        }
    }

    /// Leaves it to another to remove it.
    pub(crate) fn keep(&mut self) {
        self.made = None;
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.made.is_some() && identity(&self.path) == self.made {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Device, inode and when it was made: inodes of removed files are used again.
type Identity = (u64, u64, (i64, i64));

fn identity(path: &Path) -> Option<Identity> {
    let found = std::fs::symlink_metadata(path).ok()?;
    let made = (found.mtime(), found.mtime_nsec());
    Some((found.dev(), found.ino(), made))
}

/// Sockets that listen, at least one: bound here, or got from a service manager or a predecessor.
pub struct Listeners {
    sockets: Vec<Listener>,
    holders: Holders,
    addresses: Vec<Address>,
    files: Vec<SocketFile>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Listeners");
        out.field("addresses", &self.addresses);
        out.field("files", &self.files).finish_non_exhaustive()
    }
}

impl Listeners {
    /// Listens on an address.
    ///
    /// # Errors
    /// [`Error::Address`] if it is none, [`Error::Bind`] with what the system said of the last one
    /// that was tried.
    pub fn bind(address: &str) -> Result<Listeners> {
        let (socket, address, file) = listen(&address.parse()?)?;
        Ok(Listeners {
            sockets: vec![socket],
            holders: Holders::Ours,
            addresses: vec![address],
            files: file.into_iter().collect(),
        })
    }

    /// Takes sockets that listen already. Others may hold them as well: they are never shut, only
    /// closed, and a Unix socket's file is left alone.
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
    /// [`Error::Start`] if there is none, or one that does not listen or is neither TCP nor Unix.
    pub fn adopt(sockets: impl IntoIterator<Item = OwnedFd>) -> Result<Listeners> {
        let adopted: io::Result<Vec<_>> = sockets.into_iter().map(adopt).collect();
        let wrong = |source| Error::Start {
            what: "a listening socket that was handed over",
            source,
        };
        let (sockets, addresses): (Vec<_>, Vec<_>) = adopted.map_err(wrong)?.into_iter().unzip();
        if sockets.is_empty() {
            return Err(wrong(io::Error::other("there is none")));
        }
        Ok(Listeners {
            sockets,
            holders: Holders::Others,
            addresses,
            files: Vec::new(),
        })
    }

    /// Where they listen, in the order in which they came; port 0 replaced by the real one.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Whether a Unix socket's file is removed at the end.
    pub fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    pub(crate) fn into_parts(self) -> (Vec<Listener>, Holders, Vec<Address>, Vec<SocketFile>) {
        (self.sockets, self.holders, self.addresses, self.files)
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
    let name = socket.local_addr()?;
    if let Some(address) = name.as_socket() {
        prepare_tcp(&SockRef::from(&socket))?;
        return Ok((Listener::Tcp(socket.into()), Address::Tcp(vec![address])));
    }
    if !name.is_unix() {
        return Err(io::Error::other("it is neither a TCP nor a Unix socket"));
    }
    let address = Address::Unix(unix_name(&name));
    Ok((
        Listener::Unix(UnixListener::from(OwnedFd::from(socket))),
        address,
    ))
}

/// Its path; `@NAME` for one that has a name but no path, as other programs show it.
fn unix_name(name: &SockAddr) -> PathBuf {
    let named = name.as_pathname().map(Path::to_owned);
    named.unwrap_or_else(|| {
        let name = name.as_abstract_namespace().unwrap_or_default();
        format!("@{}", String::from_utf8_lossy(name)).into()
    })
}

/// Listens on an address; answers the one that was bound, too (port 0 gets a real one).
fn listen(address: &Address) -> Result<(Listener, Address, Option<SocketFile>)> {
    let failed = |source| Error::Bind {
        address: address.to_string(),
        source,
    };
    match address {
        Address::Unix(path) => {
            let listener = listen_unix(path).map_err(failed)?;
            let file = SocketFile::of(path);
            Ok((Listener::Unix(listener), address.clone(), Some(file)))
        }
        Address::Tcp(candidates) => {
            let mut last = io::ErrorKind::AddrNotAvailable.into();
            for candidate in candidates {
                match listen_tcp(*candidate) {
                    Ok(listener) => {
                        let bound = listener.local_addr().map_err(failed)?;
                        return Ok((Listener::Tcp(listener), Address::Tcp(vec![bound]), None));
                    }
                    Err(error) => last = error,
                }
            }
            Err(failed(last))
        }
    }
}

fn listen_tcp(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for the old connections' TIME_WAIT (socket(7), SO_REUSEADDR).
    socket.set_reuse_address(true)?;
    prepare_tcp(&SockRef::from(&socket))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepted sockets inherit these (on Linux): small answers go out at once, and a peer that died
/// without a word is noticed. `TCP_USER_TIMEOUT`, which would notice it sooner where something is
/// owed to it, also ends the connection of one that lives and does not read for so long: tcp(7).
fn prepare_tcp(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(DEAD_AFTER / 2)
            .with_interval(DEAD_AFTER / 2 / PROBES)
            .with_retries(PROBES),
    )
}

/// Binds a path. A socket that nobody listens on any more is replaced; whatever else is there is
/// left alone.
fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file that is no socket; remove it or choose another path",
            ));
        }
        check_deserted(path)?;
        std::fs::remove_file(path)?;
    }
    // The mode is set before anybody is told of the socket. Between bind and chmod the umask
    // holds; connecting needs write permission, which a umask of 022 denies to others.
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// An error unless nobody listens there. Only a refusal says so: connecting also fails where the
/// backlog is full, where it is not permitted, and where the socket is of another type.
fn check_deserted(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    #[test]
    fn accepted_sockets_notice_a_peer_that_died_without_a_word() {
        let address = "127.0.0.1:0".parse().expect("an address");
        let listener = listen_tcp(address).expect("a free port");
        listener.set_nonblocking(false).expect("a socket");
        let address = listener.local_addr().expect("bound");
        let _client = std::net::TcpStream::connect(address).expect("it listens");
        let (accepted, _) = listener.accept().expect("a client waits");
        let socket = SockRef::from(&accepted);
        assert!(socket.keepalive().expect("an option"));
        assert!(socket.tcp_nodelay().expect("an option"));
        let (time, interval) = (socket.tcp_keepalive_time(), socket.tcp_keepalive_interval());
        assert_eq!(time.expect("an option"), DEAD_AFTER / 2);
        assert_eq!(interval.expect("an option"), DEAD_AFTER / 8);
        assert_eq!(socket.tcp_keepalive_retries().expect("an option"), PROBES);
        assert_eq!(
            socket.tcp_user_timeout().expect("an option"),
            None,
            "who lives and reads later is not cut off"
        );
    }
    #[test]
    fn only_a_socket_that_nobody_listens_on_is_replaced() {
        let name = format!("poold-listen-{}", std::process::id());
        let path = &std::env::temp_dir().join(name);
        let refused = || listen_unix(path).expect_err("it is in use").kind();
        let busy = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        busy.bind(&SockAddr::unix(path).expect("short"))
            .expect("a free path");
        busy.listen(0).expect("a bound socket");
        let _waits = UnixStream::connect(path).expect("room for one");
        assert_eq!(refused(), io::ErrorKind::AddrInUse, "its backlog is full");
        std::fs::remove_file(path).expect("it is still there");
        let datagrams = UnixDatagram::bind(path).expect("a free path");
        assert_eq!(refused(), io::ErrorKind::AddrInUse, "it has another type");
        drop(datagrams);
        std::fs::remove_file(path).expect("it is still there");
        drop(UnixListener::bind(path).expect("a free path"));
        listen_unix(path).expect("nobody listens any more");
        std::fs::remove_file(path).expect("it was made anew");
    }
}
