//! Is what comes back what had to come back?
//!
//! As long as it is, it is compared where it lies, and a client costs two numbers. From the
//! first wrong byte on the client's lines are sorted one by one, to say what exactly is wrong.

use super::ledger::{Account, Ledger, Tail};
use super::message::{Line, Shape, parse};

/// What a client expects, and what it has got of it.
#[derive(Debug)]
pub enum Replies {
    /// Echo, and every byte so far was right: whole replies, and bytes of the next one.
    Exact {
        base: u64,
        answered: u64,
        partial: usize,
    },
    /// Echo, and some byte was not right.
    Sorted(Box<Sorter>),
    /// `ack N` lines.
    Acks(Acks),
    /// Nothing, so every line is one too many.
    Nothing { unexpected: u64 },
}

/// What a thread needs to judge replies, shared by its clients.
#[derive(Debug)]
pub struct Judge<'a> {
    shape: &'a Shape,
    /// The reply that is expected, rendered.
    slot: Vec<u8>,
}

impl<'a> Judge<'a> {
    /// A judge of messages of this shape.
    pub fn new(shape: &'a Shape) -> Self {
        Self {
            shape,
            slot: shape.slots(1),
        }
    }
}

impl Replies {
    /// Every reply is the message, from number `base` on.
    pub fn echo(base: u64) -> Self {
        Self::Exact {
            base,
            answered: base,
            partial: 0,
        }
    }

    /// Cumulative `ack N` lines; the first of them counts from `base`.
    pub fn acks(base: u64) -> Self {
        Self::Acks(Acks {
            base,
            ..Acks::default()
        })
    }

    /// No reply.
    pub fn nothing() -> Self {
        Self::Nothing { unexpected: 0 }
    }

    /// The number below which all that will come has come. It may run ahead of what was sent.
    pub fn settled(&self) -> u64 {
        match self {
            Self::Exact { answered, .. } => *answered,
            // A client with a damaged reply must not wait for it for ever.
            Self::Sorted(s) => s.ledger.next().max(s.base + s.ledger.seen()),
            Self::Acks(acks) => acks.base + acks.acked,
            Self::Nothing { .. } => u64::MAX,
        }
    }

    /// Takes what was read; messages from `limit` on have not been sent.
    pub fn take(&mut self, bytes: &[u8], client: u64, limit: u64, judge: &mut Judge<'_>) {
        match self {
            Self::Exact {
                base,
                answered,
                partial,
            } => {
                let right = matching(bytes, client, answered, partial, judge);
                if right < bytes.len() {
                    let ledger = Ledger::resume(*base, *answered);
                    let line = judge.slot[..*partial].to_vec();
                    let mut sorter = Sorter {
                        base: *base,
                        client,
                        ledger,
                        line,
                        overlong: false,
                    };
                    sorter.take(&bytes[right..], limit, judge.shape);
                    *self = Self::Sorted(Box::new(sorter));
                }
            }
            Self::Sorted(sorter) => sorter.take(bytes, limit, judge.shape),
            Self::Acks(acks) => acks.take(bytes, limit),
            Self::Nothing { unexpected } => {
                *unexpected += memchr::memchr_iter(b'\n', bytes).count().max(1) as u64;
            }
        }
    }

    /// The connection is over, and its messages from `base` to below `sent` were sent.
    /// `confirmed` says that the server has read all of them and closed.
    pub fn close(&self, sent: u64, base: u64, tail: Tail, confirmed: bool) -> Account {
        let missing = |got: u64| match tail {
            Tail::Due(_) => sent.saturating_sub(got),
            Tail::CutOff => 0,
        };
        match self {
            Self::Exact { answered, .. } => {
                let (received, lost) = (answered - base, missing(*answered));
                Account {
                    received,
                    lost,
                    ..Account::default()
                }
            }
            Self::Sorted(sorter) => sorter.close(tail),
            Self::Acks(acks) => {
                let (received, lost) = (acks.acked, missing(base + acks.acked));
                Account {
                    received,
                    lost,
                    damaged: acks.damaged,
                    ..Account::default()
                }
            }
            Self::Nothing { unexpected } => {
                let (received, lost) = if confirmed {
                    (sent - base, 0)
                } else {
                    (0, missing(base))
                };
                Account {
                    received,
                    lost,
                    damaged: *unexpected,
                    ..Account::default()
                }
            }
        }
    }
}

/// How many of the bytes are what they must be. When not all are, the slot is left with the
/// reply that was expected there.
fn matching(
    bytes: &[u8],
    client: u64,
    answered: &mut u64,
    partial: &mut usize,
    judge: &mut Judge<'_>,
) -> usize {
    let size = judge.shape.size();
    let mut at = 0;
    while at < bytes.len() {
        judge.shape.render(client, *answered, &mut judge.slot);
        let len = (size - *partial).min(bytes.len() - at);
        if bytes[at..at + len] != judge.slot[*partial..*partial + len] {
            break;
        }
        at += len;
        *partial += len;
        if *partial == size {
            *answered += 1;
            *partial = 0;
        }
    }
    at
}

/// Looks at a client's replies line by line.
#[derive(Debug)]
pub struct Sorter {
    base: u64,
    client: u64,
    ledger: Ledger,
    /// A line that has no end yet; never longer than a message.
    line: Vec<u8>,
    /// Whether the line in hand is longer than any message, so that only its end matters.
    overlong: bool,
}

impl Sorter {
    fn take(&mut self, mut bytes: &[u8], limit: u64, shape: &Shape) {
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
            Line::Whole {
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

    fn close(&self, tail: Tail) -> Account {
        let mut account = self.ledger.close(tail);
        // A message whose end is missing is missing, or cut off; anything else is damage.
        if !self.line.is_empty() && (self.overlong || parse(&self.line) == Line::Damaged) {
            account.damaged += 1;
            account.lost = account.lost.saturating_sub(1);
        }
        account
    }
}

/// Reads `ack N` lines.
#[derive(Debug, Default)]
pub struct Acks {
    base: u64,
    acked: u64,
    damaged: u64,
    /// A line that has no end yet.
    line: Vec<u8>,
}

const ACK_LINE_MAX: usize = 32;

impl Acks {
    fn take(&mut self, mut bytes: &[u8], limit: u64) {
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
