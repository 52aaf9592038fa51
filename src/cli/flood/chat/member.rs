//! A client's connection: it enters its room, then reads.

use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::Socket;

use super::super::stream::{Stream, Target};
use super::plan::ChatPlan;
use super::room::{Position, is_notice, notice, text};
use crate::net::connect;
use crate::service::chat::grammar::{LOBBY, Notice};

/// Receive buffer of a client that does not read, instead of megabytes.
const STALLED_BUFFER: usize = 4 << 10;
/// Receive buffer once it reads again.
const READING_BUFFER: usize = 1 << 20;
/// Longest wait for the server to accept.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// A server that sends nothing for this long has not ended the connection.
const SILENCE: Duration = Duration::from_millis(500);
/// Maximum line length before the run begins.
const LINE_MAX: usize = 64 << 10;

/// A client's phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not known to be in its room yet.
    Entering,
    /// In its room; it has not begun there.
    In,
    /// What it reads counts.
    Begun,
    /// Its connection has ended, or it has seen other bytes than the others.
    Gone,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) stream: Stream,
    pub(crate) room: usize,
    pub(crate) stage: Stage,
    pub(crate) place: Position,
    pub(crate) is_stalled: bool,
    /// An unfinished line of the time before it begins.
    unfinished: Vec<u8>,
}

impl Member {
    pub(crate) fn new(stream: Stream, room: usize, is_stalled: bool) -> Member {
        Member {
            stream,
            room,
            stage: Stage::Entering,
            place: Position::default(),
            is_stalled,
            unfinished: Vec::new(),
        }
    }

    /// Whether what it sees counts.
    pub(crate) fn counts(&self) -> bool {
        self.stage == Stage::Begun && !self.is_stalled
    }

    /// Takes bytes before the begin; answers the bytes after it.
    pub(crate) fn enter<'a>(&mut self, mut bytes: &'a [u8], signs: &Signs) -> &'a [u8] {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.unfinished.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            if signs.is_in(&self.unfinished) {
                self.stage = Stage::In;
            }
            let is_start = text(&self.unfinished) == Some(signs.start.as_bytes());
            self.unfinished.clear();
            if is_start {
                self.stage = Stage::Begun;
                return bytes;
            }
        }
        if self.unfinished.len() < LINE_MAX {
            self.unfinished.extend_from_slice(bytes);
        }
        &[]
    }
}

impl Member {
    /// Reads the rest of a stalled client; answers whether the server has ended it, and has said
    /// why. `left` bounds the wait.
    pub(crate) fn last_words(&mut self, buffer: &mut [u8], left: Option<Duration>) -> (bool, bool) {
        let most = left.map_or(SILENCE, |left| left.min(SILENCE));
        self.stream.enlarge_receive_buffer(READING_BUFFER);
        let mut tail: Vec<u8> = Vec::new();
        loop {
            match self.stream.read(buffer) {
                Ok(length) if length > 0 => {
                    tail.extend_from_slice(&buffer[..length]);
                    let old = tail.len().saturating_sub(LINE_MAX);
                    tail.drain(..old);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.stream.wait_readable(most) {
                        return (false, false);
                    }
                }
                _ => break,
            }
        }
        let last = tail.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        (true, last.is_some_and(is_notice))
    }
}

/// What a client waits for.
pub(crate) struct Signs {
    /// Whether it then has left the lobby for a room of its own.
    pub(crate) leaves_lobby: bool,
    /// The line that begins the run.
    pub(crate) start: String,
}

impl Signs {
    fn is_in(&self, line: &[u8]) -> bool {
        match notice(line) {
            Some(Notice::Welcome { .. }) => !self.leaves_lobby,
            Some(Notice::Parted(room)) => self.leaves_lobby && room == LOBBY,
            _ => false,
        }
    }
}

/// Connects, and waits for that; then the socket never blocks.
pub(crate) fn connect(plan: &ChatPlan, is_stalled: bool) -> io::Result<Stream> {
    let buffer = is_stalled.then_some(STALLED_BUFFER);
    let mut socket: Socket = match &plan.run.target {
        Target::Unix(path) => OwnedFd::from(connect::unix(path, CONNECT_MAX)?).into(),
        Target::Tcp(address) => connect::tcp(*address, CONNECT_MAX, buffer)?,
    };
    let session = match &plan.run.secure {
        Some(secure) => {
            let mut session = secure.session()?;
            socket.set_read_timeout(Some(CONNECT_MAX))?;
            session.shake(&mut socket)?;
            Some(session)
        }
        None => None,
    };
    socket.set_nonblocking(true)?;
    let mut stream = Stream::from(socket);
    if let Some(session) = session {
        stream.secure(session);
    }
    Ok(stream)
}
