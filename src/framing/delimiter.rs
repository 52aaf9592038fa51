//! A string of bytes that ends a message, or begins one, found across the edges of pieces.

use std::fmt;
use std::sync::Arc;

use memchr::memchr;
use memchr::memmem::Finder;

use super::problem::{FramingError, escape};

/// Maximum length in bytes.
const LENGTH_MAX: usize = 64;

/// A string that begins or ends a message: 1 to 64 bytes of any value.
#[derive(Clone)]
pub struct Delimiter(Arc<Needle>);

struct Needle {
    first: u8,
    finder: Finder<'static>,
    /// For each number of matched bytes: how many of them still match if the next byte does not
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
            first: bytes[0],
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
        match self.len() {
            1 => memchr(self.0.first, bytes),
            _ => self.0.finder.find(bytes),
        }
    }

    /// Whether these bytes begin with it.
    #[inline]
    pub(super) fn begins(&self, bytes: &[u8]) -> bool {
        let own = self.as_bytes();
        bytes.first() == Some(&self.0.first) && (own.len() == 1 || bytes.starts_with(own))
    }

    /// The number of bytes of `piece` up to the end of the first occurrence. `matched` is how many
    /// bytes before the piece may begin the delimiter, and afterwards how many at its end may.
    /// Each byte is examined a bounded number of times, however small the pieces are.
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
                // The only possible match now begins in this piece.
                at -= usize::from(std::mem::take(matched));
            }
        }
        if let Some(start) = self.find_whole(&piece[at..]) {
            return Some(at + start + self.len());
        }
        let from = at.max((piece.len() + 1).saturating_sub(self.len()));
        for byte in &piece[from..] {
            *matched = self.advance(*matched, *byte);
        }
        None
    }

    /// How many of the `matched` bytes at the end of a stream are not part of the last message:
    /// control characters are the beginning of a delimiter, and text may belong to the message.
    pub(super) fn left_out(&self, matched: u8) -> usize {
        let begun = &self.as_bytes()[..matched.into()];
        if begun.iter().all(u8::is_ascii_control) {
            matched.into()
        } else {
            0
        }
    }

    /// How many bytes match after one more byte. `matched` is less than all of them.
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
