//! Cuts received bytes into lines that are safe to show.

use crate::escape::escape;

const TAB: &[u8] = b"    ";
/// Longer lines are shown in pieces, so that memory is bounded.
const LINE_MAX: usize = 64 << 10;

/// Takes bytes, gives safe lines. Keeps an unfinished line.
#[derive(Default)]
pub(crate) struct SafeLines {
    unfinished: Vec<u8>,
}

impl SafeLines {
    /// Takes bytes, and passes on each line that they complete.
    pub(crate) fn take(&mut self, bytes: &[u8], mut each: impl FnMut(String)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.add(&rest[..end], &mut each);
            let line = &self.unfinished;
            each(safe(line.strip_suffix(b"\r").unwrap_or(line)));
            self.unfinished.clear();
            rest = &rest[end + 1..];
        }
        self.add(rest, &mut each);
    }

    /// The last line, if the server ended in the middle of it.
    pub(crate) fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.unfinished);
        (!rest.is_empty()).then(|| safe(&rest))
    }

    fn add(&mut self, mut bytes: &[u8], each: &mut impl FnMut(String)) {
        while self.unfinished.len() + bytes.len() > LINE_MAX {
            let (piece, rest) = bytes.split_at(LINE_MAX - self.unfinished.len());
            self.unfinished.extend_from_slice(piece);
            each(safe(&self.unfinished));
            self.unfinished.clear();
            bytes = rest;
        }
        self.unfinished.extend_from_slice(bytes);
    }
}

/// Escapes everything that is not printable, because the server is not trusted. Expands tabs.
pub(crate) fn safe(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    for (number, part) in bytes.split(|byte| *byte == b'\t').enumerate() {
        if number > 0 {
            text.extend_from_slice(TAB);
        }
        escape(part, &mut text);
    }
    String::from_utf8(text).expect("what is escaped is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut found) = (SafeLines::default(), Vec::new());
        for piece in pieces {
            lines.take(piece, |line| found.push(line));
        }
        found.extend(lines.rest());
        found
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        assert_eq!(lines(&[b"a\r\nb", b"c\n\nd"]), ["a", "bc", "", "d"]);
        assert_eq!(lines(&[b"\xc3", b"\xa4\n"]), ["\u{e4}"]);
    }

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        let hostile = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{7f}\ta";
        let shown = lines(&[hostile.as_bytes(), b"\xff\n"]);
        assert_eq!(
            shown,
            ["\\u{1b}]0;x\\u{7}\\u{9b}2J\\u{202e}\\u{7f}    a\\xff"]
        );
    }

    #[test]
    fn an_endless_line_is_shown_in_pieces() {
        let endless = vec![b'x'; 3 * LINE_MAX + 5];
        let found = lines(&[&endless]);
        assert_eq!(found.concat().len(), endless.len());
        assert!(found.iter().all(|line| line.len() <= LINE_MAX));
    }
}
