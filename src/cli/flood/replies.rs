//! Checks that the replies are the expected ones.
//!
//! While they are, the bytes are compared in place, and a client costs two numbers. From the first
//! wrong byte on, the client's lines are checked one by one, to find the exact fault.

use super::acks::Acks;
use super::ledger::{Account, Ledger, Tail};
use super::message::Shape;
use super::sorter::Sorter;

/// The expected replies of a client, and its position in them.
#[derive(Debug)]
pub(crate) enum Replies {
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
    /// No reply, so every line is a fault.
    Nothing { unexpected: u64 },
}

/// A thread's state to check replies, shared by its clients.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    shape: &'a Shape,
    /// The reply that is expected, rendered.
    slot: Vec<u8>,
}

impl<'a> Judge<'a> {
    /// Checks messages of this shape.
    pub(crate) fn new(shape: &'a Shape) -> Judge<'a> {
        Judge {
            shape,
            slot: shape.slots(1),
        }
    }
}

impl Replies {
    /// Every reply is the message, from number `base` on.
    pub(crate) fn echo(base: u64) -> Replies {
        Replies::Exact {
            base,
            answered: base,
            partial: 0,
        }
    }

    /// Cumulative `ack N` lines; the first of them counts from `base`.
    pub(crate) fn acks(base: u64) -> Replies {
        Replies::Acks(Acks::from(base))
    }

    /// No reply.
    pub(crate) fn nothing() -> Replies {
        Replies::Nothing { unexpected: 0 }
    }

    /// The number below which nothing is awaited. It may be above what was sent.
    pub(crate) fn settled(&self) -> u64 {
        match self {
            Replies::Exact { answered, .. } => *answered,
            Replies::Sorted(sorter) => sorter.settled(),
            Replies::Acks(acks) => acks.settled(),
            Replies::Nothing { .. } => u64::MAX,
        }
    }

    /// Takes what was read; messages from `limit` on have not been sent.
    pub(crate) fn take(&mut self, bytes: &[u8], client: u64, limit: u64, judge: &mut Judge<'_>) {
        match self {
            Replies::Exact {
                base,
                answered,
                partial,
            } => {
                let right = matching(bytes, client, answered, partial, judge);
                if right < bytes.len() {
                    let ledger = Ledger::resume(*base, *answered);
                    let line = &judge.slot[..*partial];
                    let mut sorter = Sorter::resume(*base, client, ledger, line);
                    sorter.take(&bytes[right..], limit, judge.shape);
                    *self = Replies::Sorted(Box::new(sorter));
                }
            }
            Replies::Sorted(sorter) => sorter.take(bytes, limit, judge.shape),
            Replies::Acks(acks) => acks.take(bytes, limit),
            Replies::Nothing { unexpected } => {
                *unexpected += memchr::memchr_iter(b'\n', bytes).count().max(1) as u64;
            }
        }
    }

    /// The connection is over, and its messages from `base` to below `sent` were sent.
    /// `confirmed` says that the server has read all of them and closed.
    pub(crate) fn close(&self, sent: u64, base: u64, tail: Tail, confirmed: bool) -> Account {
        match self {
            Replies::Exact { answered, .. } => Ledger::resume(base, *answered).close(tail),
            Replies::Sorted(sorter) => sorter.close(tail),
            Replies::Acks(acks) => acks.close(sent, tail),
            Replies::Nothing { unexpected } => {
                let ledger = Ledger::resume(base, if confirmed { sent } else { base });
                Account {
                    damaged: *unexpected,
                    ..ledger.close(tail)
                }
            }
        }
    }
}

/// How many of the bytes are right. If not all are, leaves the expected reply in the slot.
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
