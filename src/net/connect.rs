//! Connects to a server with a deadline, for every command that is a client.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::net::address::Address;

/// Connects to the first address that answers, each within `most`. The system takes the address of
/// all interfaces, as in `:8080`, for this machine.
pub(crate) fn connect(address: &Address, most: Duration) -> io::Result<Socket> {
    let candidates = match address {
        Address::Unix(path) => return Ok(OwnedFd::from(unix(path, most)?).into()),
        Address::Tcp(candidates) => candidates,
    };
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for candidate in candidates {
        match tcp(*candidate, most, None) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Connects within `most`; with a receive buffer of this size, which has to be set before.
pub(crate) fn tcp(
    address: SocketAddr,
    most: Duration,
    receive_buffer: Option<usize>,
) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.connect_timeout(&address.into(), most)?;
    Ok(socket)
}

/// Connects within `most`. Without a deadline, connecting waits for ever for room in the backlog.
pub(crate) fn unix(path: &Path, most: Duration) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // This also bounds the wait in connect.
    socket.set_write_timeout(Some(most))?;
    socket.connect(&SockAddr::unix(path)?).map_err(|error| {
        if error.kind() == io::ErrorKind::WouldBlock {
            return io::ErrorKind::TimedOut.into();
        }
        error
    })?;
    socket.set_write_timeout(None)?;
    Ok(OwnedFd::from(socket).into())
}

/// The name that the server's certificate has to have.
pub(crate) fn name(address: &str) -> &str {
    let host = match address.rsplit_once(':') {
        _ if address.starts_with("unix:") => "",
        Some((host, _)) => host.trim_start_matches('[').trim_end_matches(']'),
        None => "",
    };
    match host {
        "" => "localhost",
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_never_accepts_is_not_waited_for() {
        let name = format!("poold-connect-{}", std::process::id());
        let path = &std::env::temp_dir().join(name);
        // What a run with this process id has left that was killed.
        let _ = std::fs::remove_file(path);
        let busy = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        busy.bind(&SockAddr::unix(path).expect("short"))
            .expect("a free path");
        busy.listen(0).expect("a bound socket");
        let most = Duration::from_millis(50);
        let first = unix(path, most).expect("room for one");
        assert_eq!(first.write_timeout().expect("a socket"), None);
        let error = unix(path, most).expect_err("there is no more room");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        std::fs::remove_file(path).expect("our own file");
    }

    #[test]
    fn a_certificate_is_for_the_host_of_the_address() {
        for (address, expected) in [
            ("example.org:6514", "example.org"),
            ("192.0.2.1:6514", "192.0.2.1"),
            ("[2001:db8::1]:6514", "2001:db8::1"),
            (":6514", "localhost"),
            ("6514", "localhost"),
            ("unix:/run/poold", "localhost"),
        ] {
            assert_eq!(super::name(address), expected);
        }
    }
}
