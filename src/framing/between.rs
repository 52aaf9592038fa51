//! Messages between a string that begins them and one that ends them. Bytes outside are counted.

use super::Delimiter;
use super::place::{flag, matched};
use super::store::{Cutter, Ending, Found, Store};

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Between {
    start: Delimiter,
    end: Delimiter,
    is_inside: bool,
    /// How many of the last bytes may begin the string that comes next.
    matched: u8,
}

impl Between {
    pub(super) fn new(start: &Delimiter, end: &Delimiter) -> Between {
        Between {
            start: start.clone(),
            end: end.clone(),
            is_inside: false,
            matched: 0,
        }
    }

    /// A whole message at the front of the piece, when no message is under way: the bytes used up
    /// with it, and the message.
    #[inline]
    pub(super) fn here<'a>(&self, piece: &'a [u8]) -> Option<(usize, &'a [u8])> {
        if self.is_inside || self.matched > 0 {
            return None;
        }
        if !self.start.begins(piece) {
            return None;
        }
        let body = &piece[self.start.len()..];
        let end = self.end.find_whole(body)?;
        let used = self.start.len() + end + self.end.len();
        Some((used, &body[..end]))
    }

    fn look_for_start(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        let came = u64::from(self.matched);
        let start = self.start.find(&mut self.matched, piece);
        self.is_inside = start.is_some();
        let used = start.unwrap_or(piece.len());
        let ours = start.map_or(self.matched.into(), |_| self.start.len());
        store.stray += came + used as u64 - ours as u64;
        Found::Taken(used)
    }
}

impl Cutter for Between {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        if !self.is_inside {
            return self.look_for_start(store, piece);
        }
        let strip = self.end.len();
        let ending = self.end.find(&mut self.matched, piece);
        self.is_inside = ending.is_none();
        let ending = ending.map(|used| Ending { used, strip });
        store.cut(piece, ending, self.matched.into())
    }

    fn tail(&self, _: &[u8]) -> usize {
        match self.is_inside {
            true => self.end.left_out(self.matched),
            false => 0,
        }
    }

    fn is_inside(&self) -> bool {
        self.is_inside || self.matched > 0
    }

    fn marks(&self) -> Vec<u64> {
        match Cutter::is_inside(self) {
            true => vec![u64::from(self.is_inside), self.matched.into()],
            false => Vec::new(),
        }
    }

    fn resume(&mut self, marks: &[u64], store: &Store) -> Option<()> {
        let [is_inside, mark] = *marks else {
            return (marks.is_empty() && store.is_empty()).then_some(());
        };
        self.is_inside = flag(is_inside)?;
        self.matched = match self.is_inside {
            true => matched(mark, &self.end, store.begun(), store.skipping)?,
            false if store.is_empty() => matched(mark, &self.start, &[], true)?,
            false => return None,
        };
        Some(())
    }

    fn reset(&mut self, is_begun: bool) -> u64 {
        let matched = std::mem::take(&mut self.matched);
        match std::mem::take(&mut self.is_inside) {
            false => matched.into(),
            true if is_begun => 0,
            true => self.start.len() as u64,
        }
    }
}
