//! The limit: one thread, one readiness loop, no lock, and handlers that never block.

use std::io::{self, Read, Write};
use std::net;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// A session of the loop.
pub trait Session {
    /// These bytes arrived; what is appended to `replies` is sent. `None` is the end.
    fn arrived(&mut self, bytes: Option<&[u8]>, replies: &mut Vec<u8>) -> io::Result<()>;
}

const LISTENER: Token = Token(usize::MAX);
const READ: usize = 64 * 1024;

struct Connection<S> {
    stream: TcpStream,
    session: S,
    /// What the socket did not take; nothing is read while it is not empty.
    owed: Vec<u8>,
    ended: bool,
}

/// Serves for ever; `open` makes the session of each new connection.
pub fn serve<S: Session>(
    listener: net::TcpListener,
    mut open: impl FnMut(net::SocketAddr) -> S,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut connections: Vec<Option<Connection<S>>> = Vec::new();
    let mut free = Vec::new();
    let mut buffer = vec![0; READ];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut open, &mut connections, &mut free)?;
                continue;
            }
            let at = event.token().0;
            let Some(connection) = connections[at].as_mut() else {
                continue;
            };
            let closing = event.is_read_closed() || event.is_error();
            if turn(connection, closing, &mut buffer).is_err() || connection.finished() {
                connections[at] = None;
                free.push(at);
            }
        }
    }
}

fn accept<S>(
    listener: &TcpListener,
    poll: &Poll,
    open: &mut impl FnMut(net::SocketAddr) -> S,
    connections: &mut Vec<Option<Connection<S>>>,
    free: &mut Vec<usize>,
) -> io::Result<()> {
    loop {
        let (mut stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        let at = free.pop().unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
        });
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(at), both)?;
        let session = open(peer);
        connections[at] = Some(Connection {
            stream,
            session,
            owed: Vec::new(),
            ended: false,
        });
    }
}

/// Readiness is edge-triggered, so this reads until the socket is empty: a read that does not fill
/// the buffer says so, unless the end of the stream was announced with the bytes. It stops while
/// output is unsent; room to write is an edge, too.
fn turn<S: Session>(
    connection: &mut Connection<S>,
    closing: bool,
    buffer: &mut [u8],
) -> io::Result<()> {
    connection.flush()?;
    while connection.owed.is_empty() && !connection.ended {
        let count = match connection.stream.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        connection.ended = count == 0;
        let bytes = (count > 0).then(|| &buffer[..count]);
        connection.session.arrived(bytes, &mut connection.owed)?;
        connection.flush()?;
        if count < buffer.len() && !closing {
            return Ok(());
        }
    }
    Ok(())
}

impl<S> Connection<S> {
    fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.owed.len() {
            match self.stream.write(&self.owed[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.owed.drain(..sent);
        Ok(())
    }

    fn finished(&self) -> bool {
        self.ended && self.owed.is_empty()
    }
}
