//! Messages with their length before them: octet counting, and lengths of a fixed width.

use super::length::Length;
use super::store::{Cutter, Ending, Found, Store, newline};
use super::{Extent, Fault};

/// Digits of the largest octet count that is read: enough for a GiB.
pub(super) const COUNT_DIGITS_MAX: u8 = 10;
/// A newline: octet counts may include one that is not part of the message.
const NEWLINE_MAX: usize = 2;

/// The bytes behind a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// The bytes that are missing of the message, and the unwanted bytes that follow.
    Wanted { missing: usize, then_skip: usize },
    /// The bytes to skip.
    Skip(usize),
}

impl Body {
    /// The header has announced `length`; a part of it is gathered.
    pub(super) fn begin(
        store: &mut Store,
        length: u64,
        has_newline: bool,
    ) -> Result<Option<Body>, Fault> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let came = store.gathered.len();
        let most = store.max + if has_newline { NEWLINE_MAX } else { 0 };
        if length <= most {
            let missing = length - came;
            let then_skip = 0;
            return Ok(Some(Body::Wanted { missing, then_skip }));
        }
        Ok(Some(match store.announce_overlong()? {
            0 => Body::Skip(length - came),
            wanted => Body::Wanted {
                missing: wanted.saturating_sub(came),
                then_skip: length - wanted.max(came),
            },
        }))
    }

    /// What another process needs to go on.
    pub(super) fn marks(self) -> [u64; 3] {
        match self {
            Body::Wanted { missing, then_skip } => [1, missing as u64, then_skip as u64],
            Body::Skip(left) => [2, left as u64, 0],
        }
    }

    /// The body with these marks; `None` if it would hold more than the bound, or hand out bytes
    /// that have not come.
    pub(super) fn of_marks(marks: &[u64], store: &Store) -> Option<Body> {
        let [kind, count, then_skip] = *marks else {
            return None;
        };
        let count = usize::try_from(count).ok()?;
        let then_skip = usize::try_from(then_skip).ok()?;
        let came = store.begun().len();
        let is_possible = match (kind, then_skip) {
            (1, 0) => came.saturating_add(count) <= store.max.saturating_add(NEWLINE_MAX),
            (1, _) => count == store.max.saturating_sub(came),
            (2, 0) => came == 0,
            _ => false,
        };
        let missing = count;
        let body = match kind {
            1 => Body::Wanted { missing, then_skip },
            _ => Body::Skip(count),
        };
        is_possible.then_some(body)
    }

    /// `None` if the body ends here.
    pub(super) fn step(
        self,
        store: &mut Store,
        piece: &[u8],
        has_newline: bool,
    ) -> (Option<Body>, Found) {
        match self {
            Body::Skip(left) => {
                let used = left.min(piece.len());
                let rest = (used < left).then_some(Body::Skip(left - used));
                (rest, Found::Taken(used))
            }
            Body::Wanted { missing, then_skip } if piece.len() < missing => {
                store.gathered.extend_from_slice(piece);
                let missing = missing - piece.len();
                let rest = Body::Wanted { missing, then_skip };
                (Some(rest), Found::Taken(piece.len()))
            }
            Body::Wanted {
                missing,
                then_skip: 0,
            } => {
                let strip = if has_newline {
                    newline(&store.gathered, &piece[..missing])
                } else {
                    0
                };
                let used = missing;
                (None, store.end(piece, Ending { used, strip }))
            }
            Body::Wanted { missing, then_skip } => {
                let found = store.truncate(piece, missing);
                (Some(Body::Skip(then_skip)), found)
            }
        }
    }
}

/// The header of a message.
#[derive(Debug)]
pub(super) enum Header {
    /// Decimal digits and a space.
    Octet,
    Length(Length),
}

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Counted {
    header: Header,
    /// Bytes of the header so far; kept until the message ends.
    seen: u8,
    /// The value so far.
    value: u64,
    body: Option<Body>,
}

impl Counted {
    pub(super) fn new(header: Header) -> Counted {
        Counted {
            header,
            seen: 0,
            value: 0,
            body: None,
        }
    }

    fn has_newline(&self) -> bool {
        matches!(self.header, Header::Octet)
    }

    /// Takes a byte of the header; answers the length of what follows when it is complete.
    fn read(&mut self, byte: u8) -> Result<Option<u64>, Fault> {
        let seen = self.seen;
        self.seen += 1;
        match &self.header {
            Header::Octet => match byte {
                // A newline after the last message.
                b'\r' | b'\n' if seen == 0 => self.seen = 0,
                b'0'..=b'9' if seen < COUNT_DIGITS_MAX && (seen > 0 || byte != b'0') => {
                    self.value = self.value * 10 + u64::from(byte - b'0');
                }
                b' ' if seen > 0 => return Ok(Some(self.value)),
                _ => return Err(Fault::BadCount),
            },
            Header::Length(length) => {
                self.value = length.read(self.value, seen, byte)?;
                if usize::from(self.seen) == length.width() {
                    return length.body(self.value).map(Some);
                }
            }
        }
        Ok(None)
    }

    /// The header is complete.
    fn begin(&mut self, store: &mut Store, length: u64) -> Found {
        self.value = 0;
        if let Header::Length(header) = &self.header
            && header.is_keepalive(length)
        {
            self.body = (length > 0).then_some(Body::Skip(length as usize));
            self.seen = 0;
            return Found::Taken(1);
        }
        if length == 0 {
            self.seen = 0;
            return Found::Here {
                length: 0,
                used: 1,
                extent: Extent::Whole,
            };
        }
        match Body::begin(store, length, self.has_newline()) {
            Ok(body) => self.body = body,
            Err(fault) => return Found::Fault(fault),
        }
        Found::Taken(1)
    }
}

impl Cutter for Counted {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        if let Some(body) = self.body {
            let (body, found) = body.step(store, piece, self.has_newline());
            self.body = body;
            if body.is_none() {
                self.seen = 0;
            }
            return found;
        }
        match self.read(piece[0]) {
            Ok(Some(length)) => self.begin(store, length),
            Ok(None) => Found::Taken(1),
            Err(fault) => Found::Fault(fault),
        }
    }

    fn is_inside(&self) -> bool {
        self.seen > 0 || self.body.is_some()
    }

    fn marks(&self) -> Vec<u64> {
        let body = self.body.map_or([0; 3], Body::marks);
        match self.is_inside() {
            true => [&[self.seen.into(), self.value][..], &body].concat(),
            false => Vec::new(),
        }
    }

    fn resume(&mut self, marks: &[u64], store: &Store) -> Option<()> {
        let [seen, value, body @ ..] = marks else {
            return (marks.is_empty() && store.is_empty()).then_some(());
        };
        self.seen = u8::try_from(*seen).ok()?;
        self.value = *value;
        let (most, value_max) = match &self.header {
            Header::Octet => (
                COUNT_DIGITS_MAX.into(),
                10_u64.checked_pow(self.seen.into())?,
            ),
            Header::Length(length) => (length.width(), length.value_max(self.seen)?),
        };
        self.body = match body {
            [0, 0, 0] => None,
            _ => Some(Body::of_marks(body, store)?),
        };
        let is_possible = match self.body {
            Some(_) => self.value == 0 && usize::from(self.seen) <= most + 1,
            None => store.is_empty() && self.value < value_max && self.seen > 0,
        };
        let is_header = usize::from(self.seen) < most || matches!(self.header, Header::Octet);
        (is_possible && !store.skipping && (self.body.is_some() || is_header)).then_some(())
    }

    fn reset(&mut self, is_begun: bool) -> u64 {
        self.value = 0;
        let seen = u64::from(std::mem::take(&mut self.seen));
        match self.body.take() {
            Some(Body::Skip(_)) => 0,
            _ if is_begun => 0,
            _ => seen,
        }
    }
}
