//! Cuts bytes into lines, and the loop around it for servers with a thread for each connection.

use std::io::{self, Read, Write};

use super::work::Work;

/// The initial capacity, which is also that of tokio's `Framed`.
const FIRST_ROOM: usize = 8 * 1024;
const LEAST_ROOM: usize = 2 * 1024;

/// Bytes that no handler has taken. It keeps its capacity between reads, so that a peer allocates
/// its buffer once.
#[derive(Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// How many of `bytes` have arrived; the rest is room.
    filled: usize,
    /// How many of those are known to hold no newline: none is looked at twice.
    scanned: usize,
}

impl Inbox {
    /// Where the next read goes; never empty.
    pub fn room(&mut self) -> &mut [u8] {
        if self.bytes.len() - self.filled < LEAST_ROOM {
            let size = (self.bytes.len() * 2).max(FIRST_ROOM);
            self.bytes.resize(size, 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// The first `count` bytes of the room have arrived.
    pub fn arrived(&mut self, count: usize) {
        self.filled += count;
    }

    /// Gives every whole line, without its newline, to `each`; keeps what follows the last.
    pub fn lines(&mut self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut start = 0;
        for at in memchr::memchr_iter(b'\n', &self.bytes[self.scanned..self.filled]) {
            let end = self.scanned + at;
            each(&self.bytes[start..end])?;
            start = end + 1;
        }
        self.bytes.copy_within(start..self.filled, 0);
        self.filled -= start;
        self.scanned = self.filled;
        Ok(())
    }

    /// A last line that no newline ends.
    pub fn rest(&self) -> Option<&[u8]> {
        (self.filled > 0).then(|| &self.bytes[..self.filled])
    }
}

/// Serves one connection to its end: one write answers all lines of one read, the fewest calls that
/// blocking sockets need.
pub fn converse(mut stream: impl Read + Write, work: &Work) -> io::Result<()> {
    let mut inbox = Inbox::default();
    let mut replies = Vec::new();
    loop {
        let count = match stream.read(inbox.room()) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        inbox.arrived(count);
        inbox.lines(|line| work.answer(line, &mut replies))?;
        stream.write_all(&replies)?;
        replies.clear();
    }
    if let Some(line) = inbox.rest() {
        work.answer(line, &mut replies)?;
        stream.write_all(&replies)?;
    }
    Ok(())
}
