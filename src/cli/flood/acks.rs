//! Cumulative acknowledgements: `ack N` means that N messages of this connection were taken.

use super::ledger::{Account, Tail};

/// Reads `ack N` lines.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    /// The first message on this connection.
    base: u64,
    /// The greatest N so far.
    acked: u64,
    /// Lines that acknowledge nothing, or messages that were never sent.
    damaged: u64,
    /// A line that has no end yet.
    line: Vec<u8>,
}

const ACK_LINE_MAX: usize = 32;

impl Acks {
    /// Acknowledgements of the messages from number `base` on.
    pub(crate) fn from(base: u64) -> Acks {
        Acks {
            base,
            ..Acks::default()
        }
    }

    /// The number below which all is acknowledged.
    pub(crate) fn settled(&self) -> u64 {
        self.base + self.acked
    }

    /// The account of the messages below `sent`.
    pub(crate) fn close(&self, sent: u64, tail: Tail) -> Account {
        let lost = match tail {
            Tail::Due(_) => sent.saturating_sub(self.settled()),
            Tail::CutOff => 0,
        };
        Account {
            received: self.acked,
            lost,
            damaged: self.damaged,
            ..Account::default()
        }
    }

    /// Takes what was read; messages from `limit` on have not been sent.
    pub(crate) fn take(&mut self, mut bytes: &[u8], limit: u64) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.gather(&bytes[..end]);
            self.end_line(limit);
            bytes = &bytes[end + 1..];
        }
        self.gather(bytes);
    }

    fn gather(&mut self, part: &[u8]) {
        let room = ACK_LINE_MAX - self.line.len();
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end_line(&mut self, limit: u64) {
        match str::from_utf8(&self.line).ok().and_then(read_ack) {
            Some(count) if count >= self.acked && self.base + count <= limit => {
                self.acked = count;
            }
            _ => self.damaged += 1,
        }
        self.line.clear();
    }
}

fn read_ack(line: &str) -> Option<u64> {
    // Twenty digits at most fit, so a sum with a base can overflow only for a nonsense count.
    line.trim_end_matches('\r')
        .strip_prefix("ack ")?
        .parse()
        .ok()
        .filter(|&n| n <= u64::MAX / 2)
}
