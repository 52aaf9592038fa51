//! Messages that end with a line feed, a zero byte, or both, as the sender chooses; with `auto`,
//! also messages with an octet count before them.
//!
//! A number at the head of a line is a count only if a space, a syslog priority (`<13>`) and a
//! message of that length can follow: `2026-11-28 alpha` is a line. Empty messages are skipped,
//! because they are what is left between two ends.

use memchr::memchr2;

use super::counted::{Body, COUNT_DIGITS_MAX};
use super::store::{Cutter, Ending, Found, Store, carriage_return, newline};

/// The largest number that is taken for a count, unless messages may be longer.
const COUNT_MAX: u64 = 1 << 20;
/// A head that may be a count and a priority: ten digits, a space, `<191>`.
const HEAD_MAX: usize = COUNT_DIGITS_MAX as usize + 6;

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Auto {
    counts: bool,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// At the head of a message, which may be a count; only the head is gathered.
    Head,
    Line,
    Body(Body),
}

/// The head of a message.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    Line,
    /// More bytes are needed.
    Open,
    /// A count, and its own length with its space.
    Count {
        length: u64,
        width: usize,
    },
}

impl Auto {
    pub(super) const AUTO: Auto = Auto::new(true);
    pub(super) const GELF: Auto = Auto::new(false);

    const fn new(counts: bool) -> Auto {
        let part = if counts { Part::Head } else { Part::Line };
        Auto { counts, part }
    }

    /// A whole message at the front of the piece, when no message is under way: the bytes used up
    /// with it, and the message.
    #[inline]
    pub(super) fn here<'a>(&self, piece: &'a [u8], max: usize) -> Option<(usize, &'a [u8])> {
        if self.part != Auto::new(self.counts).part {
            return None;
        }
        if self.counts && piece.first()?.is_ascii_digit() {
            match head(piece, max) {
                Head::Line => {}
                Head::Open => return None,
                Head::Count { length, width } => {
                    let used = width + length as usize;
                    let body = piece.get(width..used)?;
                    return Some((used, &body[..body.len() - newline(&[], body)]));
                }
            }
        }
        let at = memchr2(b'\n', 0, piece)?;
        let Ending { used, strip } = ending(&[], piece, at);
        (used > strip).then(|| (used, &piece[..used - strip]))
    }

    fn look_at_head(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        let came = store.gathered.len();
        let seen = match came {
            0 => head(piece, store.max),
            _ => {
                let more = &piece[..piece.len().min(HEAD_MAX - came)];
                head(&[&store.gathered[..], more].concat(), store.max)
            }
        };
        match seen {
            Head::Line => {
                self.part = Part::Line;
                self.line(store, piece)
            }
            Head::Open => {
                store.gathered.extend_from_slice(piece);
                Found::Taken(piece.len())
            }
            Head::Count { length, width } => {
                store.gathered.drain(..width.min(came));
                match Body::begin(store, length, true) {
                    Ok(body) => self.part = body.map_or(Part::Head, Part::Body),
                    Err(fault) => return Found::Fault(fault),
                }
                Found::Taken(width.saturating_sub(came))
            }
        }
    }

    fn line(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        let ending = memchr2(b'\n', 0, piece).map(|at| ending(&store.gathered, piece, at));
        let tail = carriage_return(&store.gathered, piece);
        if ending.is_some() {
            self.part = Auto::new(self.counts).part;
        }
        store.cut(piece, ending, tail)
    }
}

impl Cutter for Auto {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        match self.part {
            Part::Head => self.look_at_head(store, piece),
            Part::Line => self.line(store, piece),
            Part::Body(body) => {
                let (body, found) = body.step(store, piece, true);
                self.part = body.map_or(Part::Head, Part::Body);
                found
            }
        }
    }

    fn tail(&self, gathered: &[u8]) -> usize {
        match self.part {
            Part::Body(_) => 0,
            Part::Head | Part::Line => carriage_return(gathered, &[]),
        }
    }

    fn is_inside(&self) -> bool {
        matches!(self.part, Part::Body(_))
    }

    fn skips_empty(&self) -> bool {
        true
    }

    fn marks(&self) -> Vec<u64> {
        match self.part {
            part if part == Auto::new(self.counts).part => Vec::new(),
            Part::Head | Part::Line => vec![0; 3],
            Part::Body(body) => body.marks().into(),
        }
    }

    fn resume(&mut self, marks: &[u64], store: &Store) -> Option<()> {
        self.part = match marks {
            [] => self.part,
            [0, 0, 0] if self.counts => Part::Line,
            body if self.counts && !store.skipping => Part::Body(Body::of_marks(body, store)?),
            _ => return None,
        };
        let begun = store.begun();
        let is_possible = self.part != Part::Head
            || begun.len() <= HEAD_MAX && !store.skipping && head(begun, store.max) == Head::Open;
        is_possible.then_some(())
    }

    fn reset(&mut self, _: bool) -> u64 {
        *self = Auto::new(self.counts);
        0
    }
}

/// The end at `at`, of a line or of a message with a zero byte.
fn ending(gathered: &[u8], piece: &[u8], at: usize) -> Ending {
    let returned = match piece[at] {
        b'\n' => carriage_return(gathered, &piece[..at]),
        _ => 0,
    };
    Ending {
        used: at + 1,
        strip: 1 + returned,
    }
}

/// Whether an octet count and a syslog message stand at the head.
pub(crate) fn begins_with_count(bytes: &[u8]) -> bool {
    matches!(head(bytes, 0), Head::Count { .. })
}

#[inline]
fn head(bytes: &[u8], message_max: usize) -> Head {
    let (mut length, mut digits) = (0, 0);
    loop {
        match bytes.get(digits) {
            None => return Head::Open,
            Some(b'1'..=b'9') if digits == 0 => {}
            Some(b'0'..=b'9') if (1..COUNT_DIGITS_MAX.into()).contains(&digits) => {}
            Some(b' ') if digits > 0 => break,
            Some(_) => return Head::Line,
        }
        length = length * 10 + u64::from(bytes[digits] - b'0');
        digits += 1;
    }
    if length > COUNT_MAX.max(message_max as u64) {
        return Head::Line;
    }
    match super::pri::priority(&bytes[digits + 1..]) {
        Some(Some(width)) if width as u64 <= length => Head::Count {
            length,
            width: digits + 1,
        },
        Some(_) => Head::Line,
        None => Head::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_one_only_where_a_priority_follows() {
        let count = |length, width| Head::Count { length, width };
        for (bytes, expected) in [
            (&b"95 <13>1 "[..], count(95, 3)),
            (b"1048576 <0>", count(1 << 20, 8)),
            (b"3 <0>", count(3, 2)),
            (b"2 <0>", Head::Line),
            (b"95", Head::Open),
            (b"95 <19", Head::Open),
            (b"2026-11-28 alpha", Head::Line),
            (b"2026 <b>", Head::Line),
            (b"99999999 x", Head::Line),
            (b"99999999 <13>", Head::Line),
            (b"09 <13>", Head::Line),
            (b"9 <192>", Head::Line),
            (b"12345678901", Head::Line),
            (b"<13>", Head::Line),
        ] {
            assert_eq!(head(bytes, 1000), expected, "{}", bytes.escape_ascii());
        }
    }
}
