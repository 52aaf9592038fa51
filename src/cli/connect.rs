//! Connects to a Unix socket with a deadline: without one, connecting waits for ever for room in
//! the backlog.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

/// Connects within `most`.
pub(super) fn connect(path: &Path, most: Duration) -> io::Result<UnixStream> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_never_accepts_is_not_waited_for() {
        let name = format!("poold-connect-{}", std::process::id());
        let path = &std::env::temp_dir().join(name);
        let busy = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        busy.bind(&SockAddr::unix(path).expect("short"))
            .expect("a free path");
        busy.listen(0).expect("a bound socket");
        let most = Duration::from_millis(50);
        let first = connect(path, most).expect("room for one");
        assert_eq!(first.write_timeout().expect("a socket"), None);
        let error = connect(path, most).expect_err("there is no more room");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        std::fs::remove_file(path).expect("our own file");
    }
}
