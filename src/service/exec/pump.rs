//! A program whose client speaks TLS: it has one end of a pair of sockets, and the worker that
//! waits for its end passes bytes on between the other one and the client's session.
//!
//! - A direction whose receiver takes nothing is not read, so the sender waits: at most a read of
//!   the client's bytes, and a record of the program's, are held meanwhile.
//! - The client's end is the end of the program's input. A program that shuts its side ends the
//!   session, and can still read. A program whose client is lost can't write any more.
//! - poold keeps the program's end open as well, as it does with a client's socket: a program that
//!   closes its input or output, and runs on, ends nothing.
//!
//! Nothing here blocks.

use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::net::{
    self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, shutdown,
    socketpair,
};

use crate::connection::Connection;
use crate::connection::secured::{Secured, would_block};

/// Maximum bytes of one read from a program: a record.
const PIECE: usize = 16 * 1024;
/// The size of the buffer between the two sockets that the system is asked for; it takes twice as
/// much memory.
const WAITING: usize = 64 * 1024;

/// A program's socket, and poold's.
pub(super) struct Pair {
    ours: OwnedFd,
    its: OwnedFd,
}

/// See the head of the file.
pub(super) struct Pump<'a> {
    connection: &'a Connection,
    secured: &'a mut Secured,
    pair: Pair,
    /// The client may send more.
    hears: bool,
    /// The program's input has not ended.
    feeds: bool,
    /// The program may print more.
    prints: bool,
    /// The end of the session is on its way; the connection's comes behind it.
    closes: bool,
    /// The client takes nothing any more.
    is_lost: bool,
    piece: Vec<u8>,
}

impl Pair {
    /// Descriptors of a pair.
    pub(super) const DESCRIPTORS: usize = 2;
    /// Maximum bytes that a program leaves to be sent. The system takes a further piece, of half
    /// the buffer's memory, as long as less than all of that is in use.
    pub(super) const LEFT_MAX: usize = 2 * WAITING + WAITING;

    pub(super) fn new() -> Result<Pair, Errno> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, its) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        set_socket_send_buffer_size(&its, WAITING)?;
        Ok(Pair { ours, its })
    }

    /// The program's.
    pub(super) fn its(&self) -> BorrowedFd<'_> {
        self.its.as_fd()
    }
}

impl<'a> Pump<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        secured: &'a mut Secured,
        pair: Pair,
    ) -> Pump<'a> {
        Pump {
            connection,
            secured,
            pair,
            hears: true,
            feeds: true,
            prints: true,
            closes: false,
            is_lost: false,
            piece: vec![0; PIECE],
        }
    }

    /// The client's socket and poold's of the pair, as far as they are to be polled.
    pub(super) fn watched(&self) -> [Option<PollFd<'_>>; 2] {
        let is_fed = self.secured.heard().is_empty();
        let is_clear = !self.secured.has_pending();
        let client = [
            (self.hears && is_fed, PollFlags::IN),
            (!self.is_lost && !is_clear, PollFlags::OUT),
        ];
        let program = [
            (self.feeds && !is_fed, PollFlags::OUT),
            (self.prints && is_clear, PollFlags::IN),
        ];
        let wanted = |all: [(bool, PollFlags); 2]| -> PollFlags {
            let all = all.into_iter().filter(|(is_wanted, _)| *is_wanted);
            all.map(|(_, flag)| flag).collect()
        };
        [
            (self.connection.socket.as_fd(), wanted(client)),
            (self.pair.ours.as_fd(), wanted(program)),
        ]
        .map(|(fd, flags)| (!flags.is_empty()).then(|| PollFd::from_borrowed_fd(fd, flags)))
    }

    /// Whether the client's end is to be passed on, though the socket may not show it.
    pub(super) fn has_more(&self) -> bool {
        self.hears && self.secured.heard().is_empty() && self.secured.is_over()
    }

    /// Passes on what there is; answers whether the client's end came.
    pub(super) fn pass(&mut self, client: PollFlags, program: PollFlags) -> bool {
        let could_hear = self.hears;
        if !client.is_empty() {
            self.hear();
        }
        self.feed();
        if self.has_more() {
            self.hear();
            self.feed();
        }
        self.push_out();
        if !program.is_empty() {
            self.print();
        }
        could_hear && !self.hears
    }

    /// The program has ended. What it printed last is left to be sent.
    pub(super) fn finish(mut self) {
        let mut left = Vec::new();
        // One that has left its group may have the socket as well, and print on.
        while self.prints && left.len() < Pair::LEFT_MAX {
            match self.read() {
                Ok(length) if length > 0 => left.extend_from_slice(&self.piece[..length]),
                _ => break,
            }
        }
        self.secured.leave(left.into());
    }

    /// Reads of the client, if the program has taken all before.
    fn hear(&mut self) {
        if !self.hears || !self.secured.heard().is_empty() {
            return;
        }
        self.hears = match self.secured.fill(self.connection) {
            Ok(heard) => !heard.is_empty(),
            Err(error) => would_block(&error),
        };
    }

    /// Gives the program what it takes.
    fn feed(&mut self) {
        while self.feeds && !self.secured.heard().is_empty() {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let heard = self.secured.heard();
            let length = match retry_on_intr(|| send(&self.pair.ours, heard, flags)) {
                Ok(length) => length,
                Err(Errno::AGAIN) => return,
                // It has shut its input: the rest is for none.
                Err(_) => heard.len(),
            };
            self.secured.consume(length);
        }
        if self.feeds && !self.hears {
            self.feeds = false;
            let _ = shutdown(&self.pair.ours, net::Shutdown::Write);
        }
    }

    /// Gives the client what the program prints, if it has taken all before.
    fn print(&mut self) {
        if !self.prints || self.secured.has_pending() {
            return;
        }
        match self.read() {
            Err(Errno::AGAIN) => return,
            Ok(length) if length > 0 => {
                let given = self.secured.give(self.connection, &self.piece[..length]);
                if given.is_err() {
                    self.lose();
                }
                return;
            }
            _ => {}
        }
        self.prints = false;
        self.secured.close();
        self.closes = true;
        self.push_out();
    }

    /// Sends what is encrypted, then the connection's end, if the program's has come.
    fn push_out(&mut self) {
        if self.is_lost {
            return;
        }
        match self.secured.push_out(self.connection) {
            Ok(()) if self.closes => {
                self.closes = false;
                self.connection.shut(Shutdown::Write);
            }
            Err(error) if !would_block(&error) => self.lose(),
            _ => {}
        }
    }

    /// The client takes nothing any more; the program sees that when it prints.
    fn lose(&mut self) {
        (self.is_lost, self.prints, self.closes) = (true, false, false);
        let _ = shutdown(&self.pair.ours, net::Shutdown::Read);
    }

    fn read(&mut self) -> Result<usize, Errno> {
        let (ours, piece) = (&self.pair.ours, &mut self.piece);
        let (length, _) = retry_on_intr(|| recv(ours, &mut piece[..], RecvFlags::DONTWAIT))?;
        Ok(length)
    }
}
