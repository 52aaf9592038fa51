//! The TLS session of a client whose stream is lent to a service.
//!
//! Nothing here blocks. What the service gives is encrypted at once; of that, what the socket does
//! not take stays in the session, at most a record, and no more is encrypted meanwhile.

use std::io::{self, ErrorKind};

use bytes::Bytes;

use crate::connection::{Connection, Taken};
use crate::limits::options::READ_MAX;
use crate::tls::{Ending, Session};

/// See the head of the file.
pub(crate) struct Secured {
    session: Box<Session>,
    /// Decrypted; what is not read yet begins at `from`.
    heard: Vec<u8>,
    from: usize,
    ending: Option<Ending>,
    /// What the service leaves to be sent.
    left: Bytes,
}

/// What is left at the end of a service.
pub(crate) struct Returned {
    pub(crate) session: Box<Session>,
    /// Bytes to be sent.
    pub(crate) left: Bytes,
    /// How the client ended what it sends, if it has.
    pub(crate) ending: Option<Ending>,
}

impl Secured {
    /// `heard` came with the end of the handshake.
    pub(crate) fn new(session: Box<Session>, heard: Vec<u8>) -> Secured {
        Secured {
            session,
            heard,
            from: 0,
            ending: None,
            left: Bytes::new(),
        }
    }

    /// What the client has sent and is not [consumed](Secured::consume) yet. While there is none,
    /// takes more from the socket; answers nothing at the client's end.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) when nothing has come; those of the session.
    pub(crate) fn fill(&mut self, connection: &Connection) -> io::Result<&[u8]> {
        while self.from == self.heard.len() && self.ending.is_none() {
            if self.session.has_ended() {
                self.ending = Some(Ending::Said);
                break;
            }
            self.from = 0;
            self.heard.resize(READ_MAX, 0);
            let taken = connection.take_secured(&mut self.session, &mut self.heard, READ_MAX);
            let length = match taken {
                Ok(Taken::Bytes { length, .. }) => length,
                _ => 0,
            };
            self.heard.truncate(length);
            match taken? {
                Taken::End(ending) => self.ending = Some(ending),
                // The socket would not show the end; of what else comes, it shows the rest.
                Taken::Bytes { length: 0, .. } if !self.is_over() => {
                    return Err(ErrorKind::WouldBlock.into());
                }
                Taken::Bytes { .. } => {}
            }
        }
        Ok(self.heard())
    }

    /// What is decrypted and not consumed.
    pub(crate) fn heard(&self) -> &[u8] {
        &self.heard[self.from..]
    }

    /// So many bytes of it are read.
    pub(crate) fn consume(&mut self, length: usize) {
        self.from = (self.from + length).min(self.heard.len());
    }

    /// Whether the end is to be [taken](Secured::fill) though the socket may not show it.
    pub(crate) fn is_over(&self) -> bool {
        self.session.has_ended() || self.session.has_failed()
    }

    /// Encrypts, at most a record, and sends what the socket takes.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) while an earlier record is pending.
    pub(crate) fn give(&mut self, connection: &Connection, bytes: &[u8]) -> io::Result<usize> {
        connection.give_over(&mut self.session, bytes)
    }

    /// Sends what is encrypted; `Ok` when all of it has left.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) when the socket takes no more.
    pub(crate) fn push_out(&mut self, connection: &Connection) -> io::Result<()> {
        self.session.push_out(|bytes| connection.give_cipher(bytes))
    }

    /// Whether encrypted bytes wait for room in the socket.
    #[cfg(feature = "cli")]
    pub(crate) fn has_pending(&self) -> bool {
        self.session.pending() > 0
    }

    /// Ends the server's side of the session; the end is then to be
    /// [pushed out](Secured::push_out).
    pub(crate) fn close(&mut self) {
        self.session.close();
    }

    /// Leaves bytes to be sent when the service has returned.
    #[cfg(feature = "cli")]
    pub(crate) fn leave(&mut self, bytes: Bytes) {
        self.left = bytes;
    }

    pub(crate) fn give_back(self) -> Returned {
        Returned {
            session: self.session,
            left: self.left,
            ending: self.ending,
        }
    }
}

/// Whether the call is to be made again when the socket is ready.
pub(crate) fn would_block(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}
