//! Syslog messages without a delimiter: each begins with a priority, `<0>` to `<191>`, and ends
//! where the next begins, or after silence.

use std::ops::ControlFlow::{self, Break, Continue};

use memchr::memchr;

use super::store::{Cutter, Ending, Found, Store};

const PRIORITY_MAX: u16 = 191;
/// Line feeds, carriage returns and zero bytes at the end of a message, which are not part of it.
const NEWLINE_MAX: usize = 2;

/// See the head of the file.
#[derive(Debug, Default)]
pub(super) struct Pri {
    partial: Partial,
}

/// A partial priority: its length and number so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Partial {
    seen: u8,
    number: u16,
}

impl Partial {
    /// Takes a byte. `Break` after the last one.
    fn take(&mut self, byte: u8) -> ControlFlow<()> {
        let Partial { seen, number } = *self;
        *self = match byte {
            b'<' => Partial { seen: 1, number: 0 },
            b'0'..=b'9' if seen == 1 || (seen > 1 && number > 0) => Partial {
                seen: seen + 1,
                number: number * 10 + u16::from(byte - b'0'),
            },
            b'>' if seen > 1 => return Break(()),
            _ => Partial::default(),
        };
        if self.number > PRIORITY_MAX {
            *self = Partial::default();
        }
        Continue(())
    }

    fn bytes(self) -> Vec<u8> {
        match self.seen {
            0 => Vec::new(),
            1 => b"<".into(),
            _ => format!("<{}", self.number).into_bytes(),
        }
    }
}

/// The length of the priority at the head, `Some(None)` if there is none; `None` if more bytes are
/// needed.
pub(super) fn priority(bytes: &[u8]) -> Option<Option<usize>> {
    let mut partial = Partial::default();
    for (at, byte) in bytes.iter().enumerate() {
        if partial.take(*byte).is_break() {
            return Some(Some(at + 1));
        }
        if usize::from(partial.seen) != at + 1 {
            return Some(None);
        }
    }
    None
}

/// Whether a syslog message is at the head.
pub(crate) fn begins_with_priority(bytes: &[u8]) -> bool {
    matches!(priority(bytes), Some(Some(_)))
}

impl Pri {
    /// Where the next priority begins, counted from the beginning of the message under way, of
    /// which `came` bytes lie before the piece.
    fn find(&mut self, came: usize, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < piece.len() {
            if self.partial.seen == 0 {
                at += memchr(b'<', &piece[at..])?;
            }
            let seen = self.partial.seen;
            if self.partial.take(piece[at]).is_break() {
                self.partial = Partial::default();
                let begin = came + at - usize::from(seen);
                if begin > 0 {
                    return Some(begin);
                }
            }
            at += 1;
        }
        None
    }

    /// A skipped message ends where the next begins.
    fn skip(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        let before = self.partial;
        let came = usize::from(before.seen);
        // A priority at the very beginning is the next message's.
        let Some(begin) = self.find(came + 1, piece) else {
            return Found::Taken(piece.len());
        };
        // Where it ends, the next one has begun.
        (store.skipping, store.ended) = (false, true);
        let begin = begin - 1;
        if begin < came {
            store.gathered.extend(before.bytes());
            self.partial = before;
        }
        Found::Taken(begin.saturating_sub(came))
    }
}

impl Cutter for Pri {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        if store.skipping {
            return self.skip(store, piece);
        }
        let (came, before) = (store.gathered.len(), self.partial);
        let Some(begin) = self.find(came, piece) else {
            let seen = usize::from(self.partial.seen);
            let is_own = seen == came + piece.len();
            let tail = if is_own {
                0
            } else {
                seen + newline(&store.gathered, piece, seen)
            };
            let found = store.cut(piece, None, tail);
            if is_own && store.skipping {
                self.partial = Partial::default();
            }
            return found;
        };
        store.ended = true;
        if begin >= came {
            let used = begin - came;
            let strip = newline(&store.gathered, &piece[..used], 0);
            return store.end(piece, Ending { used, strip });
        }
        // It begins in the gathered bytes, which become the next message.
        self.partial = before;
        let next = store.gathered.split_off(begin);
        let strip = newline(&store.gathered, &[], 0);
        let found = store.end(&[], Ending { used: 0, strip });
        store.keep(&next, &found);
        found
    }

    fn tail(&self, gathered: &[u8]) -> usize {
        newline(gathered, &[], 0)
    }

    fn skips_empty(&self) -> bool {
        true
    }

    fn marks(&self) -> Vec<u64> {
        match self.partial.seen {
            0 => Vec::new(),
            seen => vec![seen.into(), self.partial.number.into()],
        }
    }

    fn resume(&mut self, marks: &[u64], store: &Store) -> Option<()> {
        let [seen, number] = *marks else {
            return marks.is_empty().then_some(());
        };
        self.partial = Partial {
            seen: u8::try_from(seen).ok()?,
            number: u16::try_from(number).ok()?,
        };
        let came = self.partial.bytes();
        let is_possible =
            number <= PRIORITY_MAX.into() && came.len() == usize::from(self.partial.seen);
        (is_possible && (store.skipping || store.begun().ends_with(&came))).then_some(())
    }

    fn reset(&mut self, _: bool) -> u64 {
        self.partial = Partial::default();
        0
    }
}

/// Length of the bytes that end a message, before the last `behind` bytes.
fn newline(gathered: &[u8], piece: &[u8], behind: usize) -> usize {
    let last = piece.iter().rev().chain(gathered.iter().rev()).skip(behind);
    last.take(NEWLINE_MAX)
        .take_while(|byte| matches!(byte, b'\n' | b'\r' | 0))
        .count()
}
