//! A connection's transport: the only file that touches the bytes of its socket. With a TLS session
//! the socket has ciphertext, and all others see plaintext.
//!
//! - [`take`](Connection::take_bytes) moves bytes from the socket to a worker's buffer, and says
//!   whether the socket may have more. No other file takes a short read for an empty socket.
//! - [`give`](Connection::give_bytes) moves bytes from the outbox to the socket.
//! - [`arrived`](Connection::arrived) counts what waits in the socket.
//! - [`shut`](Connection::shut) and its relatives end one direction or both.
//!
//! Before the client's first byte, a balancer's header is [peeked](Connection::peek) and skipped.
//! A stream service reads and writes the socket itself, through the blocking calls.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::{ioctl_fionbio, ioctl_fionread, retry_on_intr};
use rustix::net::{self, RecvFlags, SendFlags};

use super::{Connection, system};
use crate::net::address::Peer;
use crate::net::ready::wait;
use crate::scheduler::metrics::add;
use crate::tls::{Ending, Heard, Session};

/// What came of one look into the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Bytes {
        /// The client's bytes, at the front of the buffer.
        length: usize,
        /// Bytes that have left the socket.
        drained: usize,
        /// The socket may have more; if not, new bytes cause a new event.
        more: bool,
    },
    /// The client sends no more.
    End(Ending),
}

/// A connection's TLS session; `None` for a plain client.
pub(crate) type Tls = Option<Box<Session>>;

impl Connection {
    /// Takes what has arrived, at most so many bytes. Never blocks, whatever mode the socket is in:
    /// a program that shares it may have changed the mode. The buffer holds the largest read.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the socket is empty.
    pub(crate) fn take_bytes(
        &self,
        tls: &mut Tls,
        buffer: &mut [u8],
        most: usize,
    ) -> io::Result<Taken> {
        if let Some(session) = tls {
            return self.take_secured(session, buffer, most);
        }
        Ok(match self.read(&mut buffer[..most], RecvFlags::DONTWAIT)? {
            0 => Taken::End(Ending::Said),
            length => Taken::Bytes {
                length,
                drained: length,
                more: length == most || self.has_behind(),
            },
        })
    }

    /// As [`take_bytes`](Connection::take_bytes), of a client with a session.
    pub(super) fn take_secured(
        &self,
        session: &mut Session,
        buffer: &mut [u8],
        most: usize,
    ) -> io::Result<Taken> {
        let heard = session.take(buffer, most, |room| self.take_cipher(room));
        // An alert, or the answer to a new key. What has no room goes with the next output.
        let _ = session.push_out(|bytes| self.give_cipher(bytes));
        Ok(match heard? {
            Heard::End(ending) => Taken::End(ending),
            Heard::Bytes {
                length,
                drained,
                more,
            } => {
                add(&self.tally.bytes_in, length as u64);
                Taken::Bytes {
                    length,
                    drained,
                    more: more || self.has_behind(),
                }
            }
        })
    }

    /// Whether the socket has more behind a short read. Over TCP it has not: epoll(7), question 9.
    /// A read from a Unix socket also ends behind bytes that came with descriptors: unix(7).
    pub(crate) fn has_behind(&self) -> bool {
        matches!(self.identity.origin, Peer::Unix(_)) && self.arrived(false) > 0
    }

    /// Gives bytes to the socket, as many as it takes. Never blocks. A peer that has left causes
    /// an error and no SIGPIPE, which would end a process that has its default.
    pub(crate) fn give_bytes(&self, tls: &mut Tls, bytes: &[u8]) -> io::Result<usize> {
        if tls.is_none() {
            return self.write(bytes, SendFlags::DONTWAIT);
        }
        let mut given = 0;
        while given < bytes.len() {
            match self.give_slices(tls, &[IoSlice::new(&bytes[given..])]) {
                Ok(length) => given += length,
                Err(_) if given > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(given)
    }

    /// As [`give_bytes`](Connection::give_bytes), from several places.
    pub(crate) fn give_slices(&self, tls: &mut Tls, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if let Some(session) = tls {
            return self.counted(session.give(slices, |bytes| self.give_cipher(bytes)));
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let flags = flags.bits() as i32;
        self.counted(self.socket.send_vectored_with_flags(slices, flags))
    }

    /// Gives bytes to a session, at most a record, and to the socket what it takes of them.
    pub(super) fn give_over(&self, session: &mut Session, bytes: &[u8]) -> io::Result<usize> {
        self.counted(session.give_over(bytes, |record| self.give_cipher(record)))
    }

    /// Takes ciphertext. It is not counted: clients are counted by what they say.
    pub(crate) fn take_cipher(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (length, _) =
            retry_on_intr(|| net::recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT))?;
        Ok(length)
    }

    /// Gives ciphertext.
    pub(crate) fn give_cipher(&self, bytes: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(retry_on_intr(|| net::send(&self.socket, bytes, flags))?)
    }

    /// Reads for a stream service, in whatever mode the socket is.
    pub(crate) fn read_stream(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer, RecvFlags::empty())
    }

    /// Writes for a stream service, in whatever mode the socket is.
    pub(crate) fn write_stream(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes, SendFlags::empty())
    }

    /// Puts the socket into blocking mode, for a stream service.
    pub(crate) fn set_blocking(&self) -> io::Result<()> {
        Ok(ioctl_fionbio(&self.socket, false)?)
    }

    /// Copies what has arrived, and leaves it in the socket. Never blocks.
    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let (length, _) = retry_on_intr(|| net::recv(&self.socket, &mut *buffer, flags))?;
        Ok(length)
    }

    /// Takes the bytes that were peeked. They are not counted: they are not the client's.
    pub(crate) fn skip(&self, peeked: &mut [u8]) -> io::Result<()> {
        let flags = RecvFlags::DONTWAIT;
        let taken = retry_on_intr(|| net::recv(&self.socket, &mut *peeked, flags))?;
        debug_assert_eq!(taken.0, peeked.len(), "only the running worker reads");
        Ok(())
    }

    /// Bytes that have arrived and were not taken. After urgent data the system counts only those
    /// before the urgent byte; behind it there is at most a receive buffer.
    pub(crate) fn arrived(&self, is_urgent: bool) -> usize {
        let counted = ioctl_fionread(&self.socket).map_or(0, |count| count as usize);
        match is_urgent {
            true => counted.max(self.socket.recv_buffer_size().unwrap_or(0)),
            false => counted,
        }
    }

    /// Whether the client has left without a request. A client that has only shut its sending side
    /// waits for an answer, and what a client sent before it closed is served as well.
    pub(crate) fn has_left(&self) -> bool {
        let mut polled = [PollFd::new(&self.socket, PollFlags::IN)];
        if wait(&mut polled, Some(Duration::ZERO)).is_err() {
            return false;
        }
        let seen = polled[0].revents();
        let has_sent = || ioctl_fionread(&self.socket).unwrap_or(0) > 0;
        seen.contains(PollFlags::ERR) || (seen.contains(PollFlags::HUP) && !has_sent())
    }

    /// Shuts one side or both. Ignores an error: the peer may have closed first.
    pub(crate) fn shut(&self, side: Shutdown) {
        let _ = self.shut_stream(side);
    }

    /// As [`shut`](Connection::shut), for a stream service, which may know the error.
    pub(crate) fn shut_stream(&self, side: Shutdown) -> io::Result<()> {
        self.socket.shutdown(side)
    }

    /// Sends the client the end of the stream. `false`: the connection is lost.
    pub(crate) fn shut_writing(&self) -> bool {
        let shut = self.socket.shutdown(Shutdown::Write);
        !shut.is_err_and(|error| error.kind() == io::ErrorKind::NotConnected)
    }

    /// Bytes that the client's host has not acknowledged; 0 if the system does not tell.
    pub(crate) fn unsent(&self) -> usize {
        system::unacknowledged(&self.socket).unwrap_or(0)
    }

    /// Makes the close of the socket a reset instead of an end.
    pub(crate) fn close_with_reset(&self) {
        let _ = self.socket.set_linger(Some(Duration::ZERO));
    }

    fn read(&self, buffer: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        // Not through libc: its wrappers are cancellation points and cost more in threads.
        let (length, _) = retry_on_intr(|| net::recv(&self.socket, &mut *buffer, flags))?;
        add(&self.tally.bytes_in, length as u64);
        Ok(length)
    }

    fn write(&self, bytes: &[u8], flags: SendFlags) -> io::Result<usize> {
        let flags = flags | SendFlags::NOSIGNAL;
        self.counted(net::send(&self.socket, bytes, flags).map_err(io::Error::from))
    }

    fn counted(&self, written: io::Result<usize>) -> io::Result<usize> {
        if let Ok(length) = written {
            add(&self.tally.bytes_out, length as u64);
        }
        written
    }
}
