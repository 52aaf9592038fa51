//! TLS on a connection that never blocks.
//!
//! A read goes on until the socket is empty, a write sends what is encrypted as far as the socket
//! takes it, and both go on with the handshake. So the caller needs to know no more than with plain
//! bytes, but for what [waits](Secured::owes) for room.

use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;

use socket2::Socket;

use crate::tls::ClientSession;

/// Most plaintext of one write: the session has room for it when it is empty.
const WRITE_MAX: usize = 32 << 10;
const ENDED_EARLY: &str = "the server ended it in the TLS handshake";

/// A session.
#[derive(Debug)]
pub(super) struct Secured {
    session: ClientSession,
    /// The server has ended its side, within the session or not.
    has_ended: bool,
    /// The client's end is sent once all before it is.
    is_ending: bool,
    /// Why it has failed.
    problem: Option<String>,
}

/// Counts one read as the last one if it leaves the socket empty, which saves another.
struct UntilEmpty<'a> {
    socket: &'a Socket,
    is_empty: bool,
}

impl Read for UntilEmpty<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.is_empty {
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = self.socket.read(buf)?;
        self.is_empty = length < buf.len();
        Ok(length)
    }
}

impl Secured {
    pub(super) fn new(session: ClientSession) -> Secured {
        Secured {
            session,
            has_ended: false,
            is_ending: false,
            problem: None,
        }
    }

    /// Whether the handshake is done, which it goes on with.
    pub(super) fn is_established(&mut self, socket: &Socket) -> io::Result<bool> {
        match self.read(socket, &mut []) {
            Err(error) if !is_not_now(&error) => Err(error),
            _ => Ok(!self.session.is_handshaking()),
        }
    }

    /// Reads until the buffer is full or the socket is empty.
    pub(super) fn read(&mut self, socket: &Socket, buf: &mut [u8]) -> io::Result<usize> {
        let heard = self.hear(socket, buf);
        heard.inspect_err(|error| self.note(error))
    }

    /// Writes once; what the socket does not take is [owed](Secured::owes).
    pub(super) fn write(&mut self, socket: &Socket, buf: &[u8]) -> io::Result<usize> {
        let given = self.send(socket, buf);
        given.inspect_err(|error| self.note(error))
    }

    /// Sends what is encrypted, as far as the socket takes it.
    pub(super) fn push_out(&mut self, socket: &Socket) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_to(&mut &*socket) {
                Err(error) if is_not_now(&error) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                written => written?,
            }
        }
        match std::mem::take(&mut self.is_ending) {
            true => socket.shutdown(Shutdown::Write),
            false => Ok(()),
        }
    }

    /// Says the end, then ends the connection's side.
    pub(super) fn end(&mut self, socket: &Socket) -> io::Result<()> {
        self.session.close();
        self.is_ending = true;
        self.push_out(socket)
    }

    /// Whether something waits for room in the socket.
    pub(super) fn owes(&self) -> bool {
        self.session.wants_write()
    }

    /// Whether the server has ended its side; a read may have said no more than what came before.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether the handshake resumed an earlier session, once it is done.
    pub(super) fn is_resumed(&self) -> Option<bool> {
        let is_done = !self.session.is_handshaking();
        is_done.then(|| self.session.is_resumed())
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn hear(&mut self, socket: &Socket, buf: &mut [u8]) -> io::Result<usize> {
        let mut source = UntilEmpty {
            socket,
            is_empty: false,
        };
        let mut length = 0;
        loop {
            self.push_out(socket)?;
            let is_handshaking = self.session.is_handshaking();
            if !is_handshaking {
                if buf.is_empty() || length == buf.len() {
                    return Ok(length);
                }
                match self.session.take(&mut buf[length..]) {
                    // Each reply is counted, so it does not matter how the server ends.
                    Ok(0) => return Ok(self.end_of(length)),
                    Ok(more) => {
                        length += more;
                        continue;
                    }
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                        return Ok(self.end_of(length));
                    }
                    Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                    Err(_) => {}
                }
            }
            match self.session.read_from(&mut source) {
                Ok(false) if is_handshaking => return Err(io::Error::other(ENDED_EARLY)),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_not_now(&error) && length > 0 => return Ok(length),
                Err(error) => {
                    // An alert, which says why to the server.
                    let _ = self.push_out(socket);
                    return Err(error);
                }
            }
        }
    }

    fn end_of(&mut self, length: usize) -> usize {
        self.has_ended = true;
        length
    }

    fn send(&mut self, socket: &Socket, buf: &[u8]) -> io::Result<usize> {
        if self.session.is_handshaking() {
            self.is_established(socket)?;
        }
        self.push_out(socket)?;
        if self.session.is_handshaking() || self.session.wants_write() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let given = self.session.give(&buf[..buf.len().min(WRITE_MAX)])?;
        self.push_out(socket)?;
        Ok(given)
    }

    fn note(&mut self, error: &io::Error) {
        if error.kind() == ErrorKind::Other {
            self.problem.get_or_insert_with(|| error.to_string());
        }
    }
}

/// A connection that is still being made refuses reads and writes as if it were only busy.
pub(super) fn is_not_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::NotConnected
    )
}
