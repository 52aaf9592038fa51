//! A connection as a blocking stream, for stream services.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::connection::Connection;
use crate::connection::client::Client;
use crate::net::address::Peer;
use crate::scheduler::metrics::{Streamed, add};

/// A client's connection as a blocking stream, by value or by reference.
///
/// It is counted and registered, and it ends with the server: when a drain begins, what has arrived
/// can still be read, then comes the end of the stream; at the drain's deadline every read and
/// write fails. It belongs to the service until that returns; do not use it afterwards.
///
/// Reads and writes have no timeout unless you set one:
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

    /// A handle for other threads, to send to the client when the service has returned, or to close
    /// it: then what has arrived can still be read, followed by the end.
    pub fn client(&self) -> Client {
        Client::new(&self.connection)
    }

    /// The address that it connected from.
    pub fn peer(&self) -> Peer {
        self.connection.identity.peer()
    }

    /// The server's address that the client connected to; see [`Client::local_address`].
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.client().local_address()
    }

    /// Shuts the stream for reading, writing or both. After [`Shutdown::Write`] the client sees the
    /// end, and can still send; nothing more can be sent to it, also not through
    /// [`Stream::client`].
    ///
    /// ```
    /// use std::io::{self, Read, Write};
    /// use std::net::{Shutdown, TcpStream};
    ///
    /// use poold::{Options, Server, Stream};
    ///
    /// /// Sends its line and the end, then reads all that the client sends.
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
        self.connection.shut_stream(how)
    }

    /// A second stream of the same connection, to read in one thread and write in another.
    ///
    /// ```no_run
    /// use std::io;
    ///
    /// /// Sends back what comes, in a thread of its own.
    /// fn serve(mut stream: poold::Stream) -> io::Result<()> {
    ///     let mut writer = stream.try_clone()?;
    ///     let (mut from, mut to) = io::pipe()?;
    ///     let thread = std::thread::spawn(move || io::copy(&mut from, &mut writer));
    ///     io::copy(&mut stream, &mut to)?;
    ///     drop(to);
    ///     thread.join().expect("no panic").map(drop)
    /// }
    /// ```
    ///
    /// # Errors
    /// None today; the result is that of [`TcpStream::try_clone`](std::net::TcpStream::try_clone).
    pub fn try_clone(&self) -> io::Result<Stream> {
        let (connection, streamed) = (Arc::clone(&self.connection), Arc::clone(&self.streamed));
        Ok(Stream::new(connection, streamed))
    }

    /// Maximum time of a read; `None`, the default, waits for ever. After it the read fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a time of zero.
    pub fn set_read_timeout(&self, most: Option<Duration>) -> io::Result<()> {
        let most = some_time(most)?;
        self.connection.socket.set_read_timeout(most)
    }

    /// Maximum time of a write; `None`, the default, waits for ever. After it the write fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a time of zero.
    pub fn set_write_timeout(&self, most: Option<Duration>) -> io::Result<()> {
        let most = some_time(most)?;
        self.connection.socket.set_write_timeout(most)
    }
}

/// The system takes a time of 0 for no timeout: socket(7), SO_RCVTIMEO.
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

/// The socket itself, to give it to a child process. It is in blocking mode while the service has
/// it.
impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.socket.as_fd()
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.connection.read_stream(buffer)?;
        if length == 0 && !buffer.is_empty() && self.connection.is_cut() {
            // After a cut the system reports the end of the stream, as if the client had closed.
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
        let length = self.connection.write_stream(bytes)?;
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
