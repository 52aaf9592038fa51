//! Connects to the server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::{Domain, Socket, TcpKeepalive, Type};

use crate::cli::connect;
use crate::error::Error;
use crate::net::address::Address;

/// Maximum wait for a Unix socket, and for each address of a name.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Silence after which TCP's keepalive asks the server.
const PROBE_AFTER: Duration = Duration::from_secs(60);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotConnected {
    /// The address is not valid.
    #[error("{0}")]
    Address(Error),
    /// The name was not found.
    #[error("{0}")]
    Name(Error),
    /// No server answered.
    #[error("{0}")]
    Server(io::Error),
}

/// Connects to the first address that answers. Looks up names anew each time.
pub(crate) fn dial(address: &str) -> Result<Socket, NotConnected> {
    let address: Address = address.parse().map_err(|error| match error {
        Error::Lookup { .. } => NotConnected::Name(error),
        _ => NotConnected::Address(error),
    })?;
    match address {
        Address::Unix(path) => match connect::connect(&path, CONNECT_MAX) {
            Ok(stream) => Ok(OwnedFd::from(stream).into()),
            Err(error) => Err(NotConnected::Server(error)),
        },
        Address::Tcp(candidates) => {
            let mut last = io::ErrorKind::AddrNotAvailable.into();
            for candidate in candidates {
                match dial_tcp(here_if_unspecified(candidate)) {
                    Ok(socket) => return Ok(socket),
                    Err(error) => last = error,
                }
            }
            Err(NotConnected::Server(last))
        }
    }
}

fn dial_tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    let probes = TcpKeepalive::new()
        .with_time(PROBE_AFTER)
        .with_interval(PROBE_AFTER / 4);
    socket.set_tcp_keepalive(&probes)?;
    socket.connect_timeout(&address.into(), CONNECT_MAX)?;
    Ok(socket)
}

/// `:8080`, the form of a server's address, means this machine.
fn here_if_unspecified(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}
