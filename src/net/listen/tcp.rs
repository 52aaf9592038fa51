//! TCP sockets: one for each address of a name, one for both IPv4 and IPv6 of `:PORT`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tracing::info;

use super::binding::{BACKLOG, Binding};
use crate::error::{Error, Result};

/// An idle peer that answers no keepalive probe for this long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(120);
/// Keepalive probes in the second half of that time.
const PROBES: u32 = 4;
/// Tries to find a port that is free for both IPv4 and IPv6.
const PORTS_TRIED: u32 = 16;

/// Listens on all addresses of one name or of `:PORT`, except those that `bound` sockets cover.
pub(super) fn listen(
    candidates: &[SocketAddr],
    how: &Binding,
    bound: &[SocketAddr],
) -> Result<Vec<(TcpListener, SocketAddr)>> {
    let picks_ports = candidates.len() > 1 && candidates.iter().all(|one| one.port() == 0);
    let mut left = if picks_ports { PORTS_TRIED } else { 1 };
    loop {
        left -= 1;
        match listen_on_all(candidates, how, bound) {
            Err(Error::Bind { source, .. })
                if left > 0 && source.kind() == io::ErrorKind::AddrInUse => {}
            done => return done,
        }
    }
}

fn listen_on_all(
    candidates: &[SocketAddr],
    how: &Binding,
    bound: &[SocketAddr],
) -> Result<Vec<(TcpListener, SocketAddr)>> {
    let mut made: Vec<(TcpListener, SocketAddr)> = Vec::new();
    let mut missing = None;
    let mut is_reached = false;
    for candidate in candidates {
        let mut address = *candidate;
        if let (0, Some((_, first))) = (address.port(), made.first()) {
            address.set_port(first.port());
        }
        let mut others = bound.iter().chain(made.iter().map(|(_, own)| own));
        if others.any(|other| covers(*other, address)) {
            is_reached = true;
            continue;
        }
        let failed = |source| Error::Bind {
            address: address.to_string(),
            source,
        };
        match listen_on(address, how) {
            Ok(listener) => {
                let own = listener.local_addr().map_err(failed)?;
                made.push((listener, own));
            }
            Err(error) if is_no_such_address(&error) && !has_family(address) => {
                missing = Some(address);
            }
            Err(error) => return Err(failed(error)),
        }
    }
    if let Some(address) = missing {
        let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
        let why = format!("this system has no {family}");
        if made.is_empty() && !is_reached {
            return Err(Error::Bind {
                address: address.to_string(),
                source: io::Error::new(io::ErrorKind::Unsupported, why),
            });
        }
        info!("not listening on {address}: {why}");
    }
    Ok(made)
}

/// Whether a socket that listens on `one` also gets clients that connect to `other`.
pub(crate) fn covers(one: SocketAddr, other: SocketAddr) -> bool {
    let reaches = match one.ip() {
        // An IPv6 socket on [::] takes IPv4, too.
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => other.is_ipv4(),
        _ => one == other,
    };
    reaches && one.port() == other.port() && one.port() != 0
}

/// Whether this system supports the address family.
pub(crate) fn has_family(address: SocketAddr) -> bool {
    let own: SocketAddr = if address.is_ipv6() {
        (Ipv6Addr::LOCALHOST, 0).into()
    } else {
        (Ipv4Addr::LOCALHOST, 0).into()
    };
    // Other errors, such as a lack of descriptors, say nothing about the family.
    TcpListener::bind(own).map_or_else(|error| !is_no_such_address(&error), |_| true)
}

fn is_no_such_address(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

fn listen_on(address: SocketAddr, how: &Binding) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for the old connections' TIME_WAIT (socket(7), SO_REUSEADDR).
    socket.set_reuse_address(true)?;
    prepare(&SockRef::from(&socket))?;
    if how.freebind {
        match address {
            SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
            SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
        }
    }
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepted sockets inherit these options (on Linux): small answers go out at once, and keepalive
/// finds dead peers. `TCP_USER_TIMEOUT` would find them sooner while data is unacknowledged, but it
/// also ends connections of live peers that don't read for that long: tcp(7).
pub(super) fn prepare(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(DEAD_AFTER / 2)
            .with_interval(DEAD_AFTER / 2 / PROBES)
            .with_retries(PROBES),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_sockets_notice_a_peer_that_died_without_a_word() {
        let address = "127.0.0.1:0".parse().expect("an address");
        let listener = listen_on(address, &Binding::default()).expect("a free port");
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
            "a live client that reads later is not cut off"
        );
    }

    #[test]
    fn what_a_socket_covers() {
        let covers = |one: &str, other: &str| {
            covers(one.parse().expect("valid"), other.parse().expect("valid"))
        };
        for (one, other, expected) in [
            ("[::]:80", "0.0.0.0:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "[::1]:80", true),
            ("[::]:80", "[::1]:81", false),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("0.0.0.0:80", "[::]:80", false),
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            assert_eq!(covers(one, other), expected, "{one} {other}");
        }
    }
}
