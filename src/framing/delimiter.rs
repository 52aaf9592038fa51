//! A string of bytes that ends a message, or begins one, found across the edges of pieces.

use std::fmt;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::problem::{FramingError, escape};

/// Most bytes of one.
const LENGTH_MAX: usize = 64;

/// A string that begins or ends a message: 1 to 64 bytes of any value.
#[derive(Clone)]
pub struct Delimiter(Arc<Needle>);

struct Needle {
    finder: Finder<'static>,
    /// For each number of bytes that match: how many still do when the next one does not
    /// (Knuth, Morris, Pratt).
    fallback: Box<[u8]>,
}

impl Delimiter {
    /// A delimiter of these bytes.
    ///
    /// # Errors
    /// `bytes` is empty or longer than 64 bytes.
    pub fn new(bytes: &[u8]) -> Result<Delimiter, FramingError> {
        if bytes.is_empty() || bytes.len() > LENGTH_MAX {
            let length = bytes.len();
            return Err(FramingError::new(format!(
                "a delimiter of {length} bytes; write 1 to {LENGTH_MAX}"
            )));
        }
        let mut fallback = vec![0; bytes.len()];
        let mut matched = 0;
        for at in 1..bytes.len() {
            while matched > 0 && bytes[matched] != bytes[at] {
                matched = fallback[matched - 1].into();
            }
            matched += usize::from(bytes[matched] == bytes[at]);
            fallback[at] = matched as u8;
        }
        Ok(Delimiter(Arc::new(Needle {
            finder: Finder::new(bytes).into_owned(),
            fallback: fallback.into(),
        })))
    }

    /// The bytes of the delimiter.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.finder.needle()
    }

    pub(super) fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Where the first occurrence in these bytes begins.
    #[inline]
    pub(super) fn find_whole(&self, bytes: &[u8]) -> Option<usize> {
        self.0.finder.find(bytes)
    }

    /// Bytes of `piece` up to the end of the first occurrence. `matched` are the bytes before the
    /// piece that may begin it, and then those at the piece's end. Each byte is looked at a bounded
    /// number of times, however small the pieces are.
    pub(super) fn find(&self, matched: &mut u8, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while *matched > 0 {
            *matched = self.advance(*matched, *piece.get(at)?);
            at += 1;
            if usize::from(*matched) == self.len() {
                *matched = 0;
                return Some(at);
            }
            if usize::from(*matched) <= at {
                // What may be one now begins in this piece.
                at -= usize::from(std::mem::take(matched));
            }
        }
        if let Some(start) = self.0.finder.find(&piece[at..]) {
            return Some(at + start + self.len());
        }
        let from = at.max((piece.len() + 1).saturating_sub(self.len()));
        for byte in &piece[from..] {
            *matched = self.advance(*matched, *byte);
        }
        None
    }

    /// How many of the `matched` bytes that a stream ends in are left out: text may be the
    /// message's own, and control characters begin what ends it.
    pub(super) fn left_out(&self, matched: u8) -> usize {
        let begun = &self.as_bytes()[..matched.into()];
        if begun.iter().all(u8::is_ascii_control) {
            matched.into()
        } else {
            0
        }
    }

    /// How many bytes match after one more, when fewer than all did.
    fn advance(&self, matched: u8, byte: u8) -> u8 {
        let bytes = self.as_bytes();
        let mut matched = usize::from(matched);
        while matched > 0 && bytes[matched] != byte {
            matched = self.0.fallback[matched - 1].into();
        }
        (matched + usize::from(bytes[matched] == byte)) as u8
    }
}

impl PartialEq for Delimiter {
    fn eq(&self, other: &Delimiter) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Delimiter {}

/// As `--framing` writes it: `\r\n`, `\x03`.
impl fmt::Display for Delimiter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&escape(self.as_bytes()))
    }
}

impl fmt::Debug for Delimiter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Delimiter(\"{self}\")")
    }
}
