//! A connection to a server.
//!
//! Each wait has the deadline of the whole exchange, not one of its own: a reply a second would
//! otherwise make a pipeline last for hours. After any error the connection is of no use: the
//! server would read the next command as the rest of one that was cut off, and a late reply would
//! be taken for another command's. So the caller that gets an error drops the connection.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use socket2::Socket;

use super::dial::{dial, is_at};
use super::failure::{Failure, Kind};
use super::place::{Host, Place, Server};
use super::resp::{self, Reply};
use crate::tls::{ClientSession, ClientTls, Trust};

/// Within this time a server is connected to and has answered.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Each system call waits at most this long before the deadline is looked at.
const TICK: Duration = Duration::from_millis(250);
/// The longest reply, over the slowest network.
const REPLY_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Bytes of one read.
const READ: usize = 64 << 10;
/// Room that is kept when all is used.
const KEPT: usize = 16 * READ;
/// Bytes of a reply: an entry of a stream has at most half of that.
const REPLY_MAX: usize = 1 << 30;
/// Longest user and password.
const AUTH_MAX: usize = 4 << 10;

/// See the head of the file.
pub(crate) struct Link {
    socket: Socket,
    session: Option<ClientSession>,
    /// What was read and is not used stands from `begin` to `end`.
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
    /// When the server's last bytes came.
    heard: Instant,
}

impl Link {
    /// Connects to a host or a Unix socket, and names the user and the database.
    pub(super) fn open(server: &Server, most: Duration) -> Result<Link, Failure> {
        let deadline = Instant::now() + most;
        let socket = dial(&server.place, most)?;
        socket.set_read_timeout(Some(TICK))?;
        socket.set_write_timeout(Some(TICK))?;
        let mut link = Link {
            socket,
            session: session(server)?,
            buffer: Vec::new(),
            begin: 0,
            end: 0,
            heard: Instant::now(),
        };
        link.shake(deadline)
            .map_err(|error| Failure::away(format!("no TLS session: {error}")))?;
        link.greet(server, deadline)
            .map_err(|failure| strange(server, failure))?;
        Ok(link)
    }

    fn shake(&mut self, deadline: Instant) -> io::Result<()> {
        let Link {
            socket, session, ..
        } = self;
        let Some(session) = session else {
            return Ok(());
        };
        loop {
            match session.shake(socket) {
                Err(error) if is_tick(&error) => in_time(deadline)?,
                done => return done,
            }
        }
    }

    fn greet(&mut self, server: &Server, deadline: Instant) -> Result<(), Failure> {
        if let Some(file) = &server.auth_file {
            let text = secret(file)?;
            // An empty second line is the end of the file.
            let words = text.lines().take(2).filter(|line| !line.is_empty());
            let words: Vec<&[u8]> = words.map(str::as_bytes).collect();
            let command = [&[b"AUTH".as_slice()], &words[..]].concat();
            self.ask(&command, deadline, |reply| match reply {
                // Its words repeat the password.
                Reply::Error(text) if Failure::is_unknown_command(text) => Err(Failure::unfit(
                    "the server takes no password (AUTH): leave auth-file= out",
                )),
                reply => done(reply),
            })??;
        }
        let number = server.database.to_string();
        let first: &[&[u8]] = match server.database {
            0 => &[b"PING"],
            _ => &[b"SELECT", number.as_bytes()],
        };
        self.ask(first, deadline, |reply| match reply {
            // A user may be allowed less than that.
            Reply::Error(text) if text.starts_with(b"NOPERM") && server.database == 0 => Ok(()),
            reply => done(reply),
        })?
    }

    /// Sends one command and gives its reply to `read`.
    pub(crate) fn ask<T>(
        &mut self,
        words: &[&[u8]],
        deadline: Instant,
        read: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, Failure> {
        let mut command = Vec::new();
        resp::command(words, &mut command);
        self.send(&command, deadline)?;
        self.reply(deadline, read)
    }

    /// Sends commands.
    pub(crate) fn send(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), Failure> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(length) => bytes = &bytes[length..],
                Err(error) if is_tick(&error) => {}
                Err(error) => return Err(error.into()),
            }
            in_time(deadline)?;
        }
        self.flush(deadline)
    }

    /// Sends a short command without waiting. What the socket does not take at once is an error.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut socket = Impatient(&self.socket);
        let taken = match &mut self.session {
            None => socket.write(bytes)?,
            Some(session) => {
                let taken = session.give(bytes)?;
                while session.wants_write() {
                    session.write_to(&mut socket)?;
                }
                taken
            }
        };
        match taken == bytes.len() {
            true => Ok(()),
            false => Err(Failure::away("the server does not read")),
        }
    }

    /// Waits for the next reply and gives it to `read`.
    pub(crate) fn reply<T>(
        &mut self,
        deadline: Instant,
        read: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, Failure> {
        self.reply_by(|| deadline, read)
    }

    /// `deadline` is asked for before each read.
    fn reply_by<T>(
        &mut self,
        deadline: impl Fn() -> Instant,
        read: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, Failure> {
        loop {
            let whole = Reply::read(&self.buffer[self.begin..self.end]);
            if let Some((reply, length)) = whole.map_err(|_| strange_reply())? {
                self.begin += length;
                return Ok(read(reply));
            }
            self.fill(deadline())?;
        }
    }

    /// Sends one command and gives its reply to `read`. The reply may take its time, as long as it
    /// goes on: a silence of `most` is the end.
    pub(crate) fn ask_slowly<T>(
        &mut self,
        words: &[&[u8]],
        most: Duration,
        read: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, Failure> {
        let mut command = Vec::new();
        resp::command(words, &mut command);
        self.send(&command, Instant::now() + most)?;
        let over = Instant::now() + REPLY_WITHIN;
        self.reply_by(|| over.min(Instant::now() + most), read)
    }

    /// Reads once, after what was not used.
    fn fill(&mut self, deadline: Instant) -> Result<(), Failure> {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        if self.end > REPLY_MAX {
            return Err(Failure::unfit("the server's reply has more than 1 GiB"));
        }
        if self.end == 0 {
            // A single huge reply is not kept room for.
            self.buffer.truncate(KEPT);
            self.buffer.shrink_to(KEPT);
        }
        if self.buffer.len() < self.end + READ {
            self.buffer.resize(2 * self.end + READ, 0);
        }
        loop {
            match self.read() {
                Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                Ok(length) => {
                    self.end += length;
                    self.heard = Instant::now();
                    return Ok(());
                }
                Err(error) if is_tick(&error) => in_time(deadline)?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// How long ago the server's last bytes came.
    pub(crate) fn idle(&self) -> Duration {
        self.heard.elapsed()
    }

    /// Whether the server has ended the connection meanwhile.
    pub(crate) fn has_ended(&self) -> bool {
        // Nothing is owed, so whatever it says is an end.
        let mut one = [std::mem::MaybeUninit::uninit()];
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        match self.socket.recv_with_flags(&mut one, flags) {
            Ok(0) => true,
            // Over TLS it may be a ticket.
            Ok(_) => self.session.is_none(),
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    /// Whether it is to this host.
    pub(super) fn is_at(&self, host: &Host) -> bool {
        is_at(&self.socket, host)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.session {
            None => self.socket.write(bytes),
            Some(session) => loop {
                match session.give(bytes)? {
                    // It has no room until the socket has taken some of it.
                    0 => session.write_to(&mut self.socket)?,
                    given => return Ok(given),
                }
            },
        }
    }

    /// Sends what the session still has.
    fn flush(&mut self, deadline: Instant) -> Result<(), Failure> {
        let Link {
            socket, session, ..
        } = self;
        while let Some(session) = session.as_mut().filter(|session| session.wants_write()) {
            match session.write_to(socket) {
                Err(error) if !is_tick(&error) => return Err(error.into()),
                _ => in_time(deadline)?,
            }
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<usize> {
        let Link {
            socket, session, ..
        } = self;
        let into = &mut self.buffer[self.end..];
        let Some(session) = session else {
            return socket.read(into);
        };
        loop {
            match session.take(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => session.read_from(socket)?,
                taken => return taken,
            };
        }
    }
}

/// A socket that is not waited for.
struct Impatient<'a>(&'a Socket);

impl Write for Impatient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        self.0.send_with_flags(bytes, flags)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn session(server: &Server) -> Result<Option<ClientSession>, Failure> {
    let Place::Tcp(host) = &server.place else {
        return Ok(None);
    };
    if !server.is_tls {
        return Ok(None);
    }
    let trust = server.ca.as_deref().map_or(Trust::System, Trust::File);
    let tls = ClientTls::new(trust, None).map_err(|error| Failure::unfit(error.to_string()))?;
    Ok(Some(tls.session(&host.name)?))
}

/// The user and the password, or the password alone, each on a line. Read at each connect: a
/// changed password needs no restart.
fn secret(file: &Path) -> Result<String, Failure> {
    let unfit = |problem: &dyn std::fmt::Display| {
        Failure::unfit(format!("auth-file {}: {problem}", file.display()))
    };
    // To open a pipe may wait for ever.
    if !std::fs::metadata(file)
        .map_err(|error| unfit(&error))?
        .is_file()
    {
        return Err(unfit(&"it is no regular file"));
    }
    let opened = std::fs::File::open(file).map_err(|error| unfit(&error))?;
    let mut text = String::new();
    let read = opened.take(AUTH_MAX as u64).read_to_string(&mut text);
    read.map_err(|error| unfit(&error))?;
    match text.lines().next() {
        Some(first) if !first.is_empty() => Ok(text),
        _ => Err(unfit(&"it has no password in its first line")),
    }
}

fn done(reply: Reply<'_>) -> Result<(), Failure> {
    match reply {
        Reply::Status(_) => Ok(()),
        Reply::Error(text) => Err(Failure::refused(text)),
        _ => Err(strange_reply()),
    }
}

fn strange_reply() -> Failure {
    Failure::unfit("what answers there is no Redis server")
}

/// The first exchange failed: it may be another kind of port.
fn strange(server: &Server, failure: Failure) -> Failure {
    if failure.kind != Kind::Away || server.is_tls {
        return failure;
    }
    Failure::away(format!(
        "{failure}; if it is a port for TLS, write rediss://, with ca=FILE for a root of your own"
    ))
}

fn in_time(deadline: Instant) -> io::Result<()> {
    match Instant::now() < deadline {
        true => Ok(()),
        false => Err(io::Error::new(
            ErrorKind::TimedOut,
            "the server did not answer in time",
        )),
    }
}

/// Whether a system call has only waited for its time.
fn is_tick(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::TimedOut
    )
}
