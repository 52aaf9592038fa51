//! Messages that end with a string.

use super::Delimiter;
use super::place::matched;
use super::store::{Cutter, Ending, Found, Store};

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Delimited {
    end: Delimiter,
    /// How many of its bytes came last.
    matched: u8,
}

impl Delimited {
    pub(super) fn new(end: &Delimiter) -> Delimited {
        Delimited {
            end: end.clone(),
            matched: 0,
        }
    }

    /// A whole message at the front of the piece, when no message is under way: its length, and the
    /// bytes used up with it.
    #[inline]
    pub(super) fn here<'a>(&self, piece: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let end = self.end.find_whole(piece)?;
        Some((end + self.end.len(), &piece[..end]))
    }
}

impl Cutter for Delimited {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        let strip = self.end.len();
        let ending = self.end.find(&mut self.matched, piece);
        let ending = ending.map(|used| Ending { used, strip });
        store.cut(piece, ending, self.matched.into())
    }

    fn tail(&self, _: &[u8]) -> usize {
        self.end.left_out(self.matched)
    }

    fn marks(&self) -> Vec<u64> {
        match self.matched {
            0 => Vec::new(),
            matched => vec![matched.into()],
        }
    }

    fn resume(&mut self, marks: &[u64], store: &Store) -> Option<()> {
        if let [mark] = marks {
            self.matched = matched(*mark, &self.end, store.begun(), store.skipping)?;
        }
        (marks.len() <= 1).then_some(())
    }

    fn reset(&mut self, _: bool) -> u64 {
        self.matched = 0;
        0
    }
}
