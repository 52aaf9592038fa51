//! The text of a JSON string.
//!
//! One pass: runs of bytes that need no escape are copied whole. Nearly all lines are one run.

use std::io::Write;

use crate::escape::{is_dangerous, is_plain_in_quotes};

/// Appends the bytes as the text of a JSON string, without the quotes. Answers whether they are
/// UTF-8; what is not is replaced, as in `String::from_utf8_lossy`.
///
/// Also escapes each character that some readers take for the end of a line or that controls a
/// terminal; JSON itself requires that only below the space.
pub(super) fn escape(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    if is_plain_in_quotes(bytes) {
        out.extend_from_slice(bytes);
        return true;
    }
    match str::from_utf8(bytes) {
        Ok(text) => {
            escape_text(text, out);
            true
        }
        Err(_) => {
            for chunk in bytes.utf8_chunks() {
                escape_text(chunk.valid(), out);
                if !chunk.invalid().is_empty() {
                    out.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
            false
        }
    }
}

fn escape_text(mut text: &str, out: &mut Vec<u8>) {
    loop {
        let (run, rest) = text.split_at(run(text.as_bytes()));
        out.extend_from_slice(run.as_bytes());
        let mut characters = rest.chars();
        let Some(character) = characters.next() else {
            return;
        };
        escape_character(character, out);
        text = characters.as_str();
    }
}

/// The length of the bytes at the front that need no escape.
fn run(bytes: &[u8]) -> usize {
    let chunks = bytes.as_chunks::<16>().0;
    let clear = chunks.iter().take_while(|chunk| is_plain_in_quotes(*chunk));
    let begin = clear.count() * 16;
    let stop = bytes[begin..]
        .iter()
        .position(|&byte| may_need_escape(byte));
    stop.map_or(bytes.len(), |at| begin + at)
}

/// Whether a character that begins with this byte may need an escape.
fn may_need_escape(byte: u8) -> bool {
    match byte {
        ..b' ' | b'"' | b'\\' | 0x7f => true,
        // U+0080 to U+00BF, U+0600 to U+063F, U+2000 to U+2FFF.
        0xc2 | 0xd8 | 0xe2 => true,
        _ => false,
    }
}

fn escape_character(character: char, out: &mut Vec<u8>) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\t' => b't',
        '\n' => b'n',
        '\u{c}' => b'f',
        '\r' => b'r',
        _ if is_dangerous(character) => {
            // Each of them is below U+10000, so one escape is enough. A write to a vector can't
            // fail.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
            return;
        }
        _ => {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(bytes: &[u8]) -> String {
        let mut out = vec![b'"'];
        let is_utf8 = escape(bytes, &mut out);
        assert_eq!(is_utf8, str::from_utf8(bytes).is_ok());
        out.push(b'"');
        String::from_utf8(out).expect("UTF-8")
    }

    /// What serde_json writes, with dangerous characters escaped.
    fn expected(bytes: &[u8]) -> String {
        let json = serde_json::to_string(&String::from_utf8_lossy(bytes)).expect("a string");
        let escape = |character: char| match is_dangerous(character) {
            true => format!("\\u{:04x}", u32::from(character)),
            false => character.into(),
        };
        json.chars().map(escape).collect()
    }

    #[test]
    fn every_character_that_needs_an_escape_begins_with_a_byte_that_may() {
        let begins = |character: char| character.encode_utf8(&mut [0; 4]).as_bytes()[0];
        let mut dangerous = ('\0'..=char::MAX).filter(|&character| is_dangerous(character));
        assert!(dangerous.all(|character| may_need_escape(begins(character))));
    }

    #[test]
    fn every_character_is_escaped_as_expected_wherever_it_stands() {
        for character in ('\0'..='\u{ffff}').chain(['🦀', char::MAX]) {
            let alone = String::from(character);
            let among = format!("{:17}{character}{:30}{character}", "", "");
            for text in [alone, among] {
                assert_eq!(escaped(text.as_bytes()), expected(text.as_bytes()));
            }
        }
    }

    /// Plain and quoted characters, and some to escape.
    const SOME: &str = "[ -~\"\\\\é世🦀\u{1b}\u{7f}-\u{9f}\u{2028}-\u{202e}\u{2066}]{0,40}";

    proptest! {
        #[test]
        fn text_is_escaped_as_expected(text in SOME) {
            prop_assert_eq!(escaped(text.as_bytes()), expected(text.as_bytes()));
        }

        #[test]
        fn any_bytes_are_escaped_as_expected(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(escaped(&bytes), expected(&bytes));
        }

        #[test]
        fn text_with_odd_bytes_is_escaped_as_expected(text in SOME, odd: [u8; 2], at: [usize; 2]) {
            let mut bytes = text.into_bytes();
            for (odd, at) in odd.into_iter().zip(at) {
                bytes.insert(at % (bytes.len() + 1), odd);
            }
            prop_assert_eq!(escaped(&bytes), expected(&bytes));
        }
    }
}
