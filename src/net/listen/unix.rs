//! Unix sockets: one path, one server.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, lchown};
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};
use tracing::warn;

use super::binding::{BACKLOG, Binding};
use super::file::{LOCK_WITHIN, Lock, SocketFile};

/// Listens on a path. Replaces a socket on which no process listens any more; fails if the path is
/// anything else.
pub(super) fn listen(path: &Path, how: &Binding) -> io::Result<(UnixListener, SocketFile)> {
    let lock = Lock::take(path, LOCK_WITHIN)?;
    if let Lock::Unavailable(error) = &lock {
        warn!(?path, %error, "can't lock the directory; start one server at a time there");
    }
    make_room(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address(path)?)?;
    // No client can connect before listen(2), so the umask opens no gap.
    if let Err(error) = permit(path, how).and_then(|()| socket.listen(BACKLOG)) {
        // Not by a `SocketFile`, which would wait for the lock.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok((OwnedFd::from(socket).into(), SocketFile::of(path)))
}

fn address(path: &Path) -> io::Result<SockAddr> {
    SockAddr::unix(path).map_err(|_| {
        let what = "a socket's path has at most 107 bytes, none of them zero; choose a shorter one";
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })
}

/// Gives the file its group and its mode.
fn permit(path: &Path, how: &Binding) -> io::Result<()> {
    if let Some(group) = how.socket_group {
        lchown(path, None, Some(group)).map_err(|error| {
            io::Error::other(format!(
                "it can't have the group {group}: {error}; only root and members of it may do that"
            ))
        })?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(how.socket_mode))
}

/// Removes a socket on which no process listens.
fn make_room(path: &Path) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file that is no socket; remove it or choose another path",
        ));
    }
    check_deserted(path)?;
    fs::remove_file(path)
}

/// Fails unless no process listens there. Only a refused connection shows that: connecting also
/// fails if the backlog is full, if it is not permitted, and if the socket has another type.
fn check_deserted(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address(path)?) {
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
    fn a_path_that_no_socket_can_have_is_named() {
        let long = std::env::temp_dir().join("x".repeat(120));
        let error = listen(&long, &Binding::default()).expect_err("too long");
        assert!(error.to_string().contains("at most 107 bytes"), "{error}");
    }

    #[test]
    fn only_a_socket_without_a_listener_is_replaced() {
        let name = format!("poold-listen-{}", std::process::id());
        let path = &std::env::temp_dir().join(name);
        // What a run with this process id has left that was killed.
        let _ = fs::remove_file(path);
        let how = Binding::default();
        let refused = || listen(path, &how).expect_err("it is in use").kind();
        let busy = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        busy.bind(&SockAddr::unix(path).expect("short"))
            .expect("a free path");
        busy.listen(0).expect("a bound socket");
        let _waits = UnixStream::connect(path).expect("room for one");
        assert_eq!(refused(), io::ErrorKind::AddrInUse, "its backlog is full");
        fs::remove_file(path).expect("it is still there");
        let datagrams = UnixDatagram::bind(path).expect("a free path");
        assert_eq!(refused(), io::ErrorKind::AddrInUse, "it has another type");
        drop(datagrams);
        fs::remove_file(path).expect("it is still there");
        drop(UnixListener::bind(path).expect("a free path"));
        drop(listen(path, &how).expect("no process listens any more"));
        assert!(!path.exists(), "it was made anew, and removed");
    }
}
