//! Opens the socket of a connection to a server.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use socket2::Socket;

use super::failure::Failure;
use super::place::{Host, Place};
use crate::net::connect;

/// Connects within `most`.
pub(super) fn dial(place: &Place, most: Duration) -> Result<Socket, Failure> {
    let away = |error: io::Error| {
        Failure::away(format!(
            "no connection: {error}; start the server, or name another"
        ))
    };
    match place {
        Place::Unix(path) => {
            let stream = connect::unix(path, most).map_err(away)?;
            Ok(OwnedFd::from(stream).into())
        }
        Place::Tcp(host) => {
            let found = addresses(host).map_err(away)?;
            any_of(&found, Instant::now() + most).map_err(away)
        }
        Place::Sentinels(_) => Err(away(io::Error::other("the primary is not known"))),
    }
}

/// Whether a socket is connected to this host. One whose address can't be found is not elsewhere.
pub(super) fn is_at(socket: &Socket, host: &Host) -> bool {
    let peer = socket.peer_addr().ok();
    let peer = peer.and_then(|peer| peer.as_socket());
    addresses(host).map_or(true, |all| all.iter().any(|one| Some(*one) == peer))
}

fn addresses(host: &Host) -> io::Result<Vec<SocketAddr>> {
    let found = (host.name.as_str(), host.port).to_socket_addrs()?;
    Ok(found.collect())
}

/// Connects to the first address that answers. Each has its share of the time that is left: one
/// that does not answer leaves some for the next one, and for what is said then.
fn any_of(addresses: &[SocketAddr], deadline: Instant) -> io::Result<Socket> {
    let mut last = io::Error::other("the host has no address");
    for (at, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        // A time of zero is refused.
        match connect::tcp(*address, share.max(Duration::from_millis(1)), None) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use socket2::{Domain, Type};

    use super::*;

    /// A socket that no more clients get through to.
    fn busy() -> (Socket, Socket, SocketAddr) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        socket.bind(&any.into()).expect("a free port");
        socket.listen(0).expect("a bound socket");
        let address = socket.local_addr().expect("bound").as_socket();
        let address = address.expect("an address");
        let first = connect::tcp(address, Duration::from_secs(5), None).expect("room for one");
        (socket, first, address)
    }

    #[test]
    fn an_address_that_does_not_answer_leaves_time_for_the_next_one() {
        let (_busy, _first, dead) = busy();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let alive = listener.local_addr().expect("bound");
        let deadline = Instant::now() + Duration::from_secs(2);
        let socket = any_of(&[dead, alive], deadline).expect("the second one answers");
        assert!(Instant::now() < deadline, "nothing is left to talk to it");
        let at = |address: SocketAddr| Host {
            name: address.ip().to_string(),
            port: address.port(),
        };
        assert!(is_at(&socket, &at(alive)) && !is_at(&socket, &at(dead)));
        let error = any_of(&[], deadline).expect_err("none is given");
        assert_eq!(error.to_string(), "the host has no address");
    }
}
