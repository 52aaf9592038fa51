//! JSON values one after another, with no required delimiter.
//!
//! White space, zero bytes and record separators (RFC 7464) between values are skipped. A value
//! that is not an object, array or string ends where the next value may begin.

use memchr::memchr2;

use super::place::flag;
use super::store::{Cutter, Ending, Found, Store};

/// Open objects and arrays that another process may have counted.
const DEPTH_MAX: u64 = 1 << 62;

/// See the head of the file.
#[derive(Debug, Default)]
pub(super) struct Json {
    value: Value,
    /// The number of open objects and arrays.
    depth: u64,
    is_in_string: bool,
    is_escaped: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Value {
    #[default]
    None,
    /// In an object, array or string.
    Closed,
    /// In another value, such as a number.
    Bare,
}

impl Json {
    fn find_end(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < piece.len() {
            if std::mem::take(&mut self.is_escaped) {
                at += 1;
                continue;
            }
            if self.is_in_string {
                at += memchr2(b'"', b'\\', &piece[at..])?;
            }
            match piece[at] {
                b'\\' if self.is_in_string => self.is_escaped = true,
                b'"' => self.is_in_string = !self.is_in_string,
                b'{' | b'[' if !self.is_in_string => self.depth += 1,
                b'}' | b']' if !self.is_in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
            if self.depth == 0 && !self.is_in_string {
                return Some(at);
            }
        }
        None
    }
}

impl Cutter for Json {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        if self.value == Value::None {
            let between = piece.iter().position(|byte| !is_between(*byte));
            match between {
                Some(0) => {}
                _ => return Found::Taken(between.unwrap_or(piece.len())),
            }
            self.value = if begins(piece[0]) {
                Value::Closed
            } else {
                Value::Bare
            };
        }
        let end = match self.value {
            Value::Bare => piece
                .iter()
                .position(|byte| is_between(*byte) || begins(*byte)),
            _ => self.find_end(piece),
        };
        if end.is_some() {
            self.value = Value::None;
        }
        store.cut(piece, end.map(|used| Ending { used, strip: 0 }), 0)
    }

    fn marks(&self) -> Vec<u64> {
        let kind = match self.value {
            Value::None => return Vec::new(),
            Value::Closed => 0,
            Value::Bare => 1,
        };
        let [is_in_string, is_escaped] = [self.is_in_string, self.is_escaped].map(u64::from);
        vec![kind, self.depth, is_in_string, is_escaped]
    }

    fn resume(&mut self, marks: &[u64], store: &Store) -> Option<()> {
        let [is_bare, depth, is_in_string, is_escaped] = *marks else {
            return (marks.is_empty() && store.is_empty()).then_some(());
        };
        *self = Json {
            value: if flag(is_bare)? {
                Value::Bare
            } else {
                Value::Closed
            },
            depth,
            is_in_string: flag(is_in_string)?,
            is_escaped: flag(is_escaped)?,
        };
        // No stream is so long.
        (depth < DEPTH_MAX).then_some(())
    }

    fn reset(&mut self, _: bool) -> u64 {
        *self = Json::default();
        0
    }
}

fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0x1e)
}

fn begins(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'"')
}
