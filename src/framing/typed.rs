//! Lines as people type them: a line feed ends a line, or a carriage return, alone or followed by a
//! line feed or a zero byte (RFC 854, RFC 1123).

use memchr::memchr2;

use super::store::{Cutter, Ending, Found, Store};

/// See the head of the file.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// A carriage return has ended a message: a line feed or a zero byte now belongs to that end.
    is_returned: bool,
}

impl Cutter for Typed {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        if std::mem::take(&mut self.is_returned) && matches!(piece[0], b'\n' | 0) {
            return Found::Taken(1);
        }
        let end = memchr2(b'\n', b'\r', piece);
        self.is_returned = end.is_some_and(|end| piece[end] == b'\r');
        let used = end.map(|end| end + 1);
        store.cut(piece, used.map(|used| Ending { used, strip: 1 }), 0)
    }

    fn marks(&self) -> Vec<u64> {
        if self.is_returned { vec![1] } else { vec![] }
    }

    fn resume(&mut self, marks: &[u64], store: &Store) -> Option<()> {
        self.is_returned = match marks {
            [] => false,
            [1] if store.is_empty() => true,
            _ => return None,
        };
        Some(())
    }

    fn reset(&mut self, _: bool) -> u64 {
        self.is_returned = false;
        0
    }
}
