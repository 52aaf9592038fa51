//! A connection as a blocking stream, for stream services.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags};

use crate::connection::Connection;
use crate::connection::client::Client;
use crate::connection::secured::{Secured, would_block};
use crate::net::address::Peer;
use crate::net::ready;
use crate::scheduler::metrics::{Streamed, add};

/// A client's connection as a blocking stream, by value or by reference.
///
/// It is counted and registered, and it ends with the server: when a drain begins, what has arrived
/// can still be read, then comes the end of the stream; at the drain's deadline every read and
/// write fails. It belongs to the service until that returns; do not use it afterwards.
///
/// With [`Options::tls`](crate::Options) it reads and writes what is in the client's session, and
/// shutting it for writing ends the session as well.
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
    session: Option<Lent>,
}

/// A client's TLS session, until it is given back. Nothing blocks under its lock.
pub(crate) type Lent = Arc<Mutex<Option<Secured>>>;

impl Stream {
    pub(crate) fn new(
        connection: Arc<Connection>,
        streamed: Arc<Streamed>,
        session: Option<Lent>,
    ) -> Stream {
        Stream {
            connection,
            streamed,
            session,
        }
    }

    /// The client's session, for a service that passes the bytes on itself.
    #[cfg(feature = "cli")]
    pub(crate) fn lent(&self) -> Option<&Lent> {
        self.session.as_ref()
    }

    /// Does this with the session, again whenever the socket has become ready for it.
    fn secured<R>(
        &self,
        session: &Lent,
        (flags, timeout): (PollFlags, Option<Duration>),
        mut work: impl FnMut(&mut Secured) -> io::Result<R>,
    ) -> io::Result<R> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            let done = match session.lock().as_mut() {
                Some(secured) => work(secured),
                None => Err(io::ErrorKind::NotConnected.into()),
            };
            match done {
                Err(error) if would_block(&error) => self.wait(flags, until)?,
                done => return done,
            }
        }
    }

    /// Waits for the socket, at most until then.
    fn wait(&self, flags: PollFlags, until: Option<Instant>) -> io::Result<()> {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        ready::wait(&mut [PollFd::new(&self.connection.socket, flags)], left).map(drop)
    }

    fn read_secured(&self, session: &Lent, buffer: &mut [u8]) -> io::Result<usize> {
        let wait = (PollFlags::IN, self.connection.socket.read_timeout()?);
        self.secured(session, wait, |secured| {
            let heard = secured.fill(&self.connection)?;
            let length = heard.len().min(buffer.len());
            buffer[..length].copy_from_slice(&heard[..length]);
            secured.consume(length);
            Ok(length)
        })
    }

    fn write_secured(&self, session: &Lent, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let wait = (PollFlags::OUT, self.connection.socket.write_timeout()?);
        let give = |secured: &mut Secured| secured.give(&self.connection, bytes);
        let length = self.secured(session, wait, give)?;
        match self.push_out(session) {
            // What is encrypted counts as sent; the next write sends it first.
            Err(error) if would_block(&error) => Ok(length),
            Err(error) => Err(error),
            Ok(()) => Ok(length),
        }
    }

    /// Sends what is encrypted.
    fn push_out(&self, session: &Lent) -> io::Result<()> {
        let wait = (PollFlags::OUT, self.connection.socket.write_timeout()?);
        self.secured(session, wait, |secured| secured.push_out(&self.connection))
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
        if let Some(session) = self.session.as_ref().filter(|_| how != Shutdown::Read) {
            if let Some(secured) = session.lock().as_mut() {
                secured.close();
            }
            // If it can't be sent, the end of the connection tells as much.
            let _ = self.push_out(session);
        }
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
        Ok(Stream::new(connection, streamed, self.session.clone()))
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
/// it. With TLS its bytes are encrypted, and of no use to a child process.
impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.socket.as_fd()
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &self.session {
            None => self.connection.read_stream(buffer)?,
            Some(session) => self.read_secured(session, buffer)?,
        };
        if length == 0 && !buffer.is_empty() && self.connection.is_cut() {
            // After a cut the system reports the end of the stream, as if the client had closed.
            let why = "cut off: the drain's deadline has come";
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, why));
        }
        self.streamed
            .bytes_in
            .fetch_add(length as u64, Ordering::Relaxed);
        let heard = self.connection.since().elapsed().as_millis();
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
        let length = match &self.session {
            None => self.connection.write_stream(bytes)?,
            Some(session) => self.write_secured(session, bytes)?,
        };
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
