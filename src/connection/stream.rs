//! A connection as an ordinary blocking stream, for services that take it whole.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags};

use crate::connection::Connection;
use crate::connection::client::Client;
use crate::net::address::Peer;
use crate::scheduler::metrics::{Streamed, add};

/// A client's connection: read and write it as any stream, by value or by reference.
///
/// It counts what passes, it is registered, and it ends with the server: when a drain begins,
/// what has arrived can still be read, then comes the end of the stream; at the drain's deadline
/// every read and write fails. It is the service's until that returns; what is kept longer reads
/// and writes nothing of use.
///
/// Reads and writes wait without end unless they are told otherwise:
///
/// ```no_run
/// use std::io::{self, BufRead, BufReader};
/// use std::time::Duration;
///
/// fn serve(stream: poold::Stream) -> io::Result<()> {
///     stream.set_read_timeout(Some(Duration::from_secs(30)))?;
///     let mut line = String::new();
///     BufReader::new(&stream).read_line(&mut line)?;
///     Ok(())
/// }
/// ```
pub struct Stream {
    connection: Arc<Connection>,
    streamed: Arc<Streamed>,
}

impl Stream {
    pub(crate) fn new(connection: Arc<Connection>, streamed: Arc<Streamed>) -> Stream {
        Stream {
            connection,
            streamed,
        }
    }

    /// A handle by which others can send to it, which reaches the client when the service returns,
    /// or close it: then what has arrived can still be read, and after it comes the end.
    pub fn client(&self) -> Client {
        Client::new(&self.connection)
    }

    /// Where it connected from.
    pub fn peer(&self) -> Peer {
        self.connection.identity.peer()
    }

    /// The server's address that the client connected to, as
    /// [`Client::local_address`] has it.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.client().local_address()
    }

    /// Shuts the stream for reading, writing or both. After [`Shutdown::Write`] the client sees the
    /// end of what it is sent, and can still send; nothing more can be sent to it, through
    /// [`Stream::client`] either.
    ///
    /// ```
    /// use std::io::{self, Read, Write};
    /// use std::net::{Shutdown, TcpStream};
    ///
    /// use poold::{Options, Server, Stream};
    ///
    /// /// Sends all that it has to say, then reads all that the client sends.
    /// fn serve(mut stream: Stream) -> io::Result<()> {
    ///     assert!(stream.local_address().is_some());
    ///     stream.write_all(b"ready\n")?;
    ///     stream.shutdown(Shutdown::Write)?;
    ///     io::copy(&mut stream, &mut io::sink()).map(drop)
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::bind_streams("127.0.0.1:0", Options::default(), serve)?;
    /// let mut client = TcpStream::connect(server.address())?;
    /// let mut text = String::new();
    /// client.read_to_string(&mut text)?;
    /// assert_eq!(text, "ready\n");
    /// client.write_all(b"still heard\n")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the connection is lost.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.connection.socket.shutdown(how)
    }

    /// The longest that a read waits for the client; for ever with `None`, as at first. Then it
    /// fails with [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is no time at all.
    pub fn set_read_timeout(&self, most: Option<Duration>) -> io::Result<()> {
        let most = some_time(most)?;
        self.connection.socket.set_read_timeout(most)
    }

    /// The longest that a write waits until the client takes something; for ever with `None`, as at
    /// first. Then it fails with [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is no time at all.
    pub fn set_write_timeout(&self, most: Option<Duration>) -> io::Result<()> {
        let most = some_time(most)?;
        self.connection.socket.set_write_timeout(most)
    }
}

/// To the system a time of 0 means for ever: socket(7), SO_RCVTIMEO.
fn some_time(most: Option<Duration>) -> io::Result<Option<Duration>> {
    match most {
        Some(Duration::ZERO) => Err(io::ErrorKind::InvalidInput.into()),
        most => Ok(most),
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Stream({} {})",
            self.connection.id,
            self.connection.identity.peer()
        )
    }
}

/// The socket itself, for whoever gives it to a child process. It is in blocking mode while the
/// service has it.
impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.socket.as_fd()
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.connection.read(buffer, RecvFlags::empty())?;
        if length == 0 && !buffer.is_empty() && self.connection.is_cut() {
            // The system shows what it was told to cut as the client's own end.
            let why = "cut off: the drain's deadline has come";
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, why));
        }
        self.streamed
            .bytes_in
            .fetch_add(length as u64, Ordering::Relaxed);
        let heard = self.connection.since.elapsed().as_millis();
        let heard = u64::try_from(heard).unwrap_or(u64::MAX);
        self.connection
            .tally
            .heard_ms
            .store(heard, Ordering::Relaxed);
        add(&self.connection.tally.messages_in, u64::from(length > 0));
        Ok(length)
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.connection.write(bytes, SendFlags::empty())?;
        self.streamed
            .bytes_out
            .fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
