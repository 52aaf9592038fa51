//! TLS for the client: a thread between the server's socket and a plain one, which the rest of the
//! client uses as it would the server's.
//!
//! It has one buffer in each direction, so a slow end slows the other. An end of either side passes
//! through: the client's as the end of its session, the server's as the end of the plain socket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use socket2::{Domain, Socket, Type};

use crate::net::ready::wait;
use crate::tls::{ClientSession, ClientTls};

const BUFFER: usize = 16 << 10;
/// Maximum wait for each answer of the server in the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Anything between the two may have done that.
const TRUNCATED: &str =
    "the server's connection ended before its TLS session; what came may not be all";

/// Why a session ended before the server said so, if it did. It is known before the end of the
/// plain socket can be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loss(Arc<OnceLock<String>>);

impl Loss {
    pub(super) fn why(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    fn tell(&self, why: String) {
        // The first one is the cause of those after it.
        let _ = self.0.set(why);
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
    let loss = Loss::default();
    let pump = Pump {
        loss: loss.clone(),
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
    Ok((plain, loss))
}

struct Pump {
    loss: Loss,
    session: ClientSession,
    socket: Socket,
    plain: Socket,
    /// Of the server, not yet taken by the client.
    waiting: Vec<u8>,
    /// The server takes what the client sends.
    takes: bool,
    has_input: bool,
    has_server: bool,
}

impl Pump {
    fn run(mut self) {
        while self.has_server || !self.waiting.is_empty() {
            if let Err(error) = self.step() {
                self.loss.tell(format!("the TLS session was lost: {error}"));
                break;
            }
        }
        let _ = self.plain.shutdown(Shutdown::Both);
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

    fn wait(&self) -> io::Result<()> {
        let when = |flag, wanted| match wanted {
            true => flag,
            false => PollFlags::empty(),
        };
        let has_room = self.waiting.is_empty();
        let wants_write = self.has_unsent();
        let mut polled = [
            PollFd::new(
                &self.socket,
                when(PollFlags::IN, has_room && self.has_server)
                    | when(PollFlags::OUT, wants_write),
            ),
            PollFd::new(
                &self.plain,
                when(PollFlags::IN, self.has_input && !wants_write)
                    | when(PollFlags::OUT, !has_room),
            ),
        ];
        wait(&mut polled, None).map(drop)
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
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
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
                    self.loss.tell(TRUNCATED.to_owned());
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }
}
