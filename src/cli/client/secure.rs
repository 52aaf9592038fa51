//! TLS for the client: a thread between the server's socket and a plain one, which the rest of the
//! client uses as it would the server's.
//!
//! It has one buffer in each direction, so a slow end slows the other. An end of either side passes
//! through: the client's as the end of its session, the server's as the end of the plain socket.
//! A server that has ended its side still gets the rest of the input, as on a socket without TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use socket2::{Domain, Socket, Type};

use crate::net::ready::wait;
use crate::tls::{ClientSession, ClientTls};

const BUFFER: usize = 16 << 10;
/// Maximum wait for each answer of the server in the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Maximum time that a server which has ended its side may take nothing of the rest.
pub(super) const SETTLING: Duration = Duration::from_secs(2);
/// A part of the input was on its way.
pub(super) const UNTAKEN: &str = "the server ended before it took everything";
/// Anything between the two may have done that.
const TRUNCATED: &str =
    "the server's connection ended before its TLS session; what came may not be all";

/// How the thread between the sockets ends; without TLS there is none, and it has ended.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    why: Arc<OnceLock<String>>,
    /// Without a sender once the thread has ended.
    running: Option<Receiver<()>>,
}

impl Loss {
    /// Why the session ended before the server said so, if it did. It is known before the end of
    /// the plain socket can be read.
    pub(super) fn why(&self) -> Option<&str> {
        self.why.get().map(String::as_str)
    }

    /// After the server's end and the client's: waits until the server has the rest of the input or
    /// can't take it, and answers why not all, if so.
    pub(super) fn wait_why(&self) -> Option<&str> {
        // The thread ends by itself when the server takes nothing for too long; it sends nothing.
        let _ = self.running.as_ref().map(Receiver::recv);
        self.why()
    }
}

/// Runs the handshake, and gives a plain socket for the connected one.
pub(super) fn secure(
    mut socket: Socket,
    tls: &ClientTls,
    host: &str,
) -> io::Result<(Socket, Loss)> {
    let mut session = tls.session(host)?;
    socket.set_read_timeout(Some(HANDSHAKE))?;
    socket.set_write_timeout(Some(HANDSHAKE))?;
    session
        .shake(&mut socket)
        .map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => io::Error::other("the server does not answer in TLS"),
            ErrorKind::UnexpectedEof => {
                io::Error::other("the server ended it in the TLS handshake")
            }
            _ => error,
        })?;
    let (plain, ours) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    ours.set_nonblocking(true)?;
    let why = Arc::new(OnceLock::new());
    let (runs, running) = sync_channel(0);
    let pump = Pump {
        why: Arc::clone(&why),
        _runs: runs,
        session,
        socket,
        plain: ours,
        waiting: Vec::new(),
        takes: true,
        has_input: true,
        has_server: true,
    };
    // Not joined: it ends with the client.
    std::thread::Builder::new().spawn(move || pump.run())?;
    let running = Some(running);
    Ok((plain, Loss { why, running }))
}

struct Pump {
    why: Arc<OnceLock<String>>,
    /// Dropped with the rest.
    _runs: SyncSender<()>,
    session: ClientSession,
    socket: Socket,
    plain: Socket,
    /// Of the server, not yet taken by the client.
    waiting: Vec<u8>,
    /// The server takes what the client sends.
    takes: bool,
    /// The client has not ended its side.
    has_input: bool,
    /// The server has not ended its side.
    has_server: bool,
}

impl Pump {
    fn run(mut self) {
        if let Err(error) = self.pass_on() {
            self.lose(format!("the TLS session was lost: {error}"));
        }
        let _ = self.plain.shutdown(Shutdown::Both);
    }

    fn pass_on(&mut self) -> io::Result<()> {
        // The server's first words may have come with the end of the handshake.
        self.decrypt()?;
        while self.has_server || !self.waiting.is_empty() {
            self.step()?;
        }
        self.tell_untaken();
        self.plain.shutdown(Shutdown::Write)?;
        while self.has_input || self.has_unsent() {
            self.step()?;
        }
        self.tell_untaken();
        Ok(())
    }

    fn tell_untaken(&self) {
        if !self.takes {
            self.lose(UNTAKEN.to_owned());
        }
    }

    fn lose(&self, why: String) {
        // The first one is the cause of those after it.
        let _ = self.why.set(why);
    }

    fn step(&mut self) -> io::Result<()> {
        self.wait()?;
        self.take_plain()?;
        while self.has_unsent() {
            match self.session.write_to(&mut self.socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.send_no_more()?,
                Ok(()) => {}
            }
        }
        if self.waiting.is_empty() && self.has_server {
            self.take_cipher()?;
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        match (&self.plain).write(&self.waiting) {
            Ok(length) => drop(self.waiting.drain(..length)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn has_unsent(&self) -> bool {
        self.takes && self.session.wants_write()
    }

    /// What the server sent before it went is still read: it may say why. The client's next write
    /// fails, as it would on the socket itself.
    fn send_no_more(&mut self) -> io::Result<()> {
        self.takes = false;
        self.has_input = false;
        self.plain.shutdown(Shutdown::Read)
    }

    fn wait(&mut self) -> io::Result<()> {
        let when = |flag, wanted| match wanted {
            true => flag,
            false => PollFlags::empty(),
        };
        let has_room = self.waiting.is_empty();
        let wants_write = self.has_unsent();
        let of_plain =
            when(PollFlags::IN, self.has_input && !wants_write) | when(PollFlags::OUT, !has_room);
        let of_socket =
            when(PollFlags::IN, has_room && self.has_server) | when(PollFlags::OUT, wants_write);
        let mut polled = [
            PollFd::new(&self.plain, of_plain),
            PollFd::new(&self.socket, of_socket),
        ];
        // The hang-up of one from which nothing is wanted would end each wait at once. That of the
        // plain one is wanted while there is a server: the client has gone.
        let watched = match (of_plain.is_empty(), of_socket.is_empty()) {
            (_, true) => &mut polled[..1],
            (true, _) if !self.has_server => &mut polled[1..],
            _ => &mut polled,
        };
        let most = (wants_write && !self.has_server).then_some(SETTLING);
        let since = Instant::now();
        let ready = wait(watched, most)?;
        if self.has_server && polled[0].revents().contains(PollFlags::HUP) {
            self.has_server = false;
            self.waiting.clear();
        }
        // An interrupted wait finds nothing either.
        if ready == 0 && most.is_some_and(|most| since.elapsed() >= most) {
            self.send_no_more()?;
        }
        Ok(())
    }

    fn take_plain(&mut self) -> io::Result<()> {
        if !self.has_input || self.has_unsent() {
            return Ok(());
        }
        let mut buffer = [0; BUFFER];
        match self.plain.read(&mut buffer) {
            Ok(0) => {
                self.has_input = false;
                self.session.close();
            }
            Ok(length) => {
                // It has room for more than that: nothing waits.
                let given = self.session.give(&buffer[..length])?;
                debug_assert_eq!(given, length);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn take_cipher(&mut self) -> io::Result<()> {
        match self.session.read_from(&mut self.socket) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => self.decrypt(),
        }
    }

    /// Takes what the session has read.
    fn decrypt(&mut self) -> io::Result<()> {
        let mut buffer = [0; BUFFER];
        loop {
            match self.session.take(&mut buffer) {
                Ok(0) => {
                    self.has_server = false;
                    return Ok(());
                }
                Ok(length) => self.waiting.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.has_server = false;
                    self.lose(TRUNCATED.to_owned());
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }
}
