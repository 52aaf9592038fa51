//! The server's address, and a connection: TCP or a Unix socket, never blocking.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

use crate::cli::connect;
use crate::cli::exit::Failure;
use crate::net::address::Address;

const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The address of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Target {
    /// Parses and looks up a server's address.
    pub(crate) fn resolve(text: &str) -> Result<Target, Failure> {
        let found = match text.parse()? {
            Address::Unix(path) => return Ok(Target::Unix(path)),
            Address::Tcp(found) => found,
        };
        // A name with several addresses (localhost: ::1 and 127.0.0.1): the one that answers. A
        // single address is not tried, so the server counts no extra client.
        let answers = |address: &&SocketAddr| connect::tcp(**address, PROBE_TIMEOUT, None).is_ok();
        let chosen = match &found[..] {
            [only] => Some(only),
            all => all.iter().find(answers).or(all.first()),
        };
        let chosen = chosen.ok_or_else(|| Failure::Failed(format!("'{text}' has no address")))?;
        Ok(Target::Tcp(*chosen))
    }

    /// Begins to connect.
    pub(crate) fn connect(&self) -> io::Result<Stream> {
        match self {
            Target::Tcp(address) => TcpStream::connect(*address).map(Stream::Tcp),
            Target::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Stream {
    /// Whether the connection is established, still being made, or failed.
    pub(crate) fn is_established(&self) -> io::Result<bool> {
        let (error, peer) = match self {
            Stream::Tcp(s) => (s.take_error()?, s.peer_addr().map(drop)),
            Stream::Unix(s) => (s.take_error()?, s.peer_addr().map(drop)),
        };
        match (error, peer) {
            (Some(e), _) => Err(e),
            (None, Ok(())) => Ok(true),
            (None, Err(e)) if e.kind() == ErrorKind::NotConnected => Ok(false),
            (None, Err(e)) => Err(e),
        }
    }

    /// Sends each write at once, also one that is small and follows another.
    pub(crate) fn send_at_once(&self) {
        if let Stream::Tcp(stream) = self {
            // Fails only for a lost connection, which the next read reports.
            let _ = stream.set_nodelay(true);
        }
    }

    /// Raises the receive buffer of a client that had a small one.
    pub(crate) fn enlarge_receive_buffer(&self, bytes: usize) {
        // Without it the client is only slower.
        let _ = match self {
            Stream::Tcp(stream) => SockRef::from(stream).set_recv_buffer_size(bytes),
            Stream::Unix(stream) => SockRef::from(stream).set_recv_buffer_size(bytes),
        };
    }

    /// Waits for something to read; `false` if nothing comes.
    pub(crate) fn wait_readable(&self, most: Duration) -> bool {
        let mut polled = [match self {
            Stream::Tcp(stream) => PollFd::new(stream, PollFlags::IN),
            Stream::Unix(stream) => PollFd::new(stream, PollFlags::IN),
        }];
        let most = Timespec::try_from(most).ok();
        poll(&mut polled, most.as_ref()).is_ok_and(|count| count > 0)
    }

    /// Tells the server that nothing more will come.
    pub(crate) fn end_writing(&self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Registers it with the poll, for bytes to read and room to write.
    pub(crate) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let source: &mut dyn Source = match self {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream) => stream,
        };
        registry.register(source, token, Interest::READABLE | Interest::WRITABLE)
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buf),
            Stream::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(buf),
            Stream::Unix(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_address() {
        let tcp = |text: &str| Ok(Target::Tcp(text.parse().unwrap()));
        assert_eq!(Target::resolve("8080"), tcp("127.0.0.1:8080"));
        assert_eq!(Target::resolve("10.1.2.3:80"), tcp("10.1.2.3:80"));
        assert_eq!(Target::resolve("[::1]:8080"), tcp("[::1]:8080"));
        assert_eq!(
            Target::resolve("unix:/a/b"),
            Ok(Target::Unix("/a/b".into()))
        );
        assert!(Target::resolve("70000").is_err());
        assert!(Target::resolve("").is_err());
    }
}
