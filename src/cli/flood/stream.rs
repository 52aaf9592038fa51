//! The server's address, and a connection: TCP or a Unix socket, plain or TLS, never blocking.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use mio::net::{TcpStream, UnixStream};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::Socket;

use super::secured::Secured;
use crate::cli::exit::Failure;
use crate::net::address::Address;
use crate::net::connect;
use crate::net::ready::is_readable;
use crate::tls::{ClientSession, ClientTls};

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
            Target::Tcp(address) => {
                let stream = TcpStream::connect(*address)?;
                Ok(Socket::from(std::net::TcpStream::from(stream)).into())
            }
            Target::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                Ok(Socket::from(std::os::unix::net::UnixStream::from(stream)).into())
            }
        }
    }
}

/// TLS, and the name that the server's certificate has to have.
#[derive(Debug, Clone)]
pub(crate) struct Secure {
    tls: ClientTls,
    host: String,
}

impl Secure {
    /// For the server at an address as it was typed.
    pub(crate) fn new(tls: ClientTls, address: &str) -> io::Result<Secure> {
        let host = connect::name(address).to_owned();
        let secure = Secure { tls, host };
        // Finds out whether that can be a name.
        secure.session().map(|_| secure)
    }

    pub(crate) fn session(&self) -> io::Result<ClientSession> {
        self.tls.session(&self.host)
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
    secured: Option<Box<Secured>>,
}

impl Stream {
    /// Speaks TLS from now on; the handshake may be done already.
    pub(crate) fn secure(&mut self, session: ClientSession) {
        self.secured = Some(Box::new(Secured::new(session)));
    }

    /// Whether the connection is established and its handshake is done, or still being made; or
    /// failed.
    pub(crate) fn is_established(&mut self) -> io::Result<bool> {
        match (self.socket.take_error()?, self.socket.peer_addr()) {
            (Some(error), _) => Err(error),
            (None, Ok(_)) => match &mut self.secured {
                Some(secured) => secured.is_established(&self.socket),
                None => Ok(true),
            },
            (None, Err(error)) if error.kind() == ErrorKind::NotConnected => Ok(false),
            (None, Err(error)) => Err(error),
        }
    }

    /// Sends each write at once, also one that is small and follows another.
    pub(crate) fn send_at_once(&self) {
        // Fails for a Unix socket, which does so anyway, and for a lost connection, which the next
        // read reports.
        let _ = self.socket.set_tcp_nodelay(true);
    }

    /// Raises the receive buffer of a client that had a small one.
    pub(crate) fn enlarge_receive_buffer(&self, bytes: usize) {
        // Without it the client is only slower.
        let _ = self.socket.set_recv_buffer_size(bytes);
    }

    /// Waits for something to read; `false` if nothing comes.
    pub(crate) fn wait_readable(&self, most: Duration) -> bool {
        is_readable(&self.socket, most)
    }

    /// Tells the server that nothing more will come.
    pub(crate) fn end_writing(&mut self) -> io::Result<()> {
        match &mut self.secured {
            Some(secured) => secured.end(&self.socket),
            None => self.socket.shutdown(Shutdown::Write),
        }
    }

    /// Ends a session of which nothing more is expected.
    pub(crate) fn leave(&mut self) {
        if let Some(secured) = &mut self.secured {
            // The connection ends next.
            let _ = secured.end(&self.socket);
        }
    }

    /// Whether something that was written waits for room in the socket: a read sends it.
    pub(crate) fn owes(&self) -> bool {
        self.secured.as_ref().is_some_and(|secured| secured.owes())
    }

    /// Whether the next read finds the end, though the connection may go on.
    pub(crate) fn has_ended(&self) -> bool {
        self.secured
            .as_ref()
            .is_some_and(|secured| secured.has_ended())
    }

    /// Whether its TLS session resumed an earlier one, once the handshake is done.
    pub(crate) fn is_resumed(&self) -> Option<bool> {
        self.secured.as_ref()?.is_resumed()
    }

    /// Why its TLS session has failed.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.secured.as_ref()?.problem()
    }

    /// Registers it with the poll, for bytes to read and room to write.
    pub(crate) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let mut source = SourceFd(&self.socket.as_raw_fd());
        registry.register(&mut source, token, Interest::READABLE | Interest::WRITABLE)
    }
}

/// Of a socket that does not block.
impl From<Socket> for Stream {
    fn from(socket: Socket) -> Stream {
        Stream {
            socket,
            secured: None,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.secured {
            Some(secured) => secured.read(&self.socket, buf),
            None => self.socket.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.secured {
            Some(secured) => secured.write(&self.socket, buf),
            None => self.socket.write(buf),
        }
    }

    /// Sends what there is room for.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.secured {
            Some(secured) => secured.push_out(&self.socket),
            None => Ok(()),
        }
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
