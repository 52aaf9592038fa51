//! Checks a client's replies line by line, after a fault.

use super::ledger::{Account, Ledger, Tail};
use super::line::{Parsed, parse};
use super::message::Shape;

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct Sorter {
    /// The first message on this connection.
    base: u64,
    client: u64,
    ledger: Ledger,
    /// A line that has no end yet; never longer than a message.
    line: Vec<u8>,
    /// Whether the current line is longer than any message, so that only its end matters.
    overlong: bool,
}

impl Sorter {
    /// Continues where the comparison failed: all messages below the ledger's next have come, and
    /// `line` of the next one.
    pub(crate) fn resume(base: u64, client: u64, ledger: Ledger, line: &[u8]) -> Sorter {
        Sorter {
            base,
            client,
            ledger,
            line: line.to_vec(),
            overlong: false,
        }
    }

    /// The number below which nothing is awaited. A damaged reply counts: the client must not wait
    /// for it for ever.
    pub(crate) fn settled(&self) -> u64 {
        self.ledger.next().max(self.base + self.ledger.seen())
    }

    /// Takes what was read; messages from `limit` on have not been sent.
    pub(crate) fn take(&mut self, mut bytes: &[u8], limit: u64, shape: &Shape) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.gather(&bytes[..end], shape);
            self.end_line(limit, shape);
            bytes = &bytes[end + 1..];
        }
        self.gather(bytes, shape);
    }

    fn gather(&mut self, part: &[u8], shape: &Shape) {
        let room = shape.size() - self.line.len();
        self.overlong |= part.len() > room;
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end_line(&mut self, limit: u64, shape: &Shape) {
        match parse(&self.line) {
            Parsed::Whole {
                run,
                client,
                seq,
                size,
            } if !self.overlong
                && run == shape.run().as_bytes()
                && client == self.client
                && size == shape.size() =>
            {
                self.ledger.note(seq, limit);
            }
            _ => self.ledger.note_damaged(),
        }
        self.line.clear();
        self.overlong = false;
    }

    /// The account of all messages.
    pub(crate) fn close(&self, tail: Tail) -> Account {
        let mut account = self.ledger.close(tail);
        // A message whose end is missing is missing, or cut off; anything else is damage.
        if !self.line.is_empty() && (self.overlong || parse(&self.line) == Parsed::Damaged) {
            account.damaged += 1;
            account.lost = account.lost.saturating_sub(1);
        }
        account
    }
}
