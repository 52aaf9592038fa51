//! Makes untrusted text safe for a terminal and for one line of a log.

use std::io::Write;

/// Appends the text; characters that are not printable are escaped.
pub(crate) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        let mut plain = 0;
        for (at, character) in chunk.valid().char_indices() {
            if is_dangerous(character) {
                out.extend_from_slice(&chunk.valid().as_bytes()[plain..at]);
                // The debug form of a control character: \t, \r, \u{1b}.
                let _ = write!(out, "{}", character.escape_default());
                plain = at + character.len_utf8();
            }
        }
        out.extend_from_slice(&chunk.valid().as_bytes()[plain..]);
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// Whether all bytes are printable ASCII, as in nearly all lines.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    greatest(bytes, |byte| byte.wrapping_sub(b' ')) <= b'~' - b' '
}

/// As [`is_plain`], and without `"` and `\\`: text that stays as it is within quotes.
#[cfg(any(feature = "cli", test))]
pub(crate) fn is_plain_in_quotes(bytes: &[u8]) -> bool {
    let mask = |is: bool| if is { u8::MAX } else { 0 };
    greatest(bytes, |byte| {
        byte.wrapping_sub(b' ') | mask(byte == b'"') | mask(byte == b'\\')
    }) <= b'~' - b' '
}

/// The greatest value of any byte. (A maximum of numbers becomes vector instructions; an "any" of
/// conditions stays a loop over bytes, of three to ten times as many instructions.)
#[inline]
fn greatest(bytes: &[u8], value: impl Fn(u8) -> u8) -> u8 {
    const WIDTH: usize = 16;
    let Some(last) = bytes.last_chunk::<WIDTH>() else {
        return bytes.iter().fold(0, |most, &byte| most.max(value(byte)));
    };
    // The last chunk overlaps the one before it instead of going byte by byte.
    let mut most = last.map(&value);
    for chunk in bytes.as_chunks::<WIDTH>().0 {
        for (most, &byte) in most.iter_mut().zip(chunk) {
            *most = (*most).max(value(byte));
        }
    }
    most.into_iter().fold(0, u8::max)
}

/// C0, C1 and delete; line and paragraph separators; marks that change the text's direction.
pub(crate) fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        escape(bytes, &mut out);
        String::from_utf8(out).expect("escaped text is UTF-8")
    }

    #[test]
    fn one_odd_byte_anywhere_is_seen() {
        for length in 0..70 {
            let mut line = vec![b'x'; length];
            assert!(is_plain(&line), "{length}");
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    line[at] = byte;
                    let is_printable = (b' '..=b'~').contains(&byte);
                    assert_eq!(is_plain(&line), is_printable, "{byte} at {at} of {length}");
                    let stays = is_printable && byte != b'"' && byte != b'\\';
                    assert_eq!(
                        is_plain_in_quotes(&line),
                        stays,
                        "{byte} at {at} of {length}"
                    );
                }
                line[at] = b'~';
            }
        }
    }

    #[test]
    fn text_keeps_what_is_printable_and_escapes_the_rest() {
        assert_eq!(
            text("Grüße, 世界 🦀 C:\\x".as_bytes()),
            "Grüße, 世界 🦀 C:\\x"
        );
        assert_eq!(
            text(b"a\x1b[2Jb\r\0\t\x7f"),
            "a\\u{1b}[2Jb\\r\\u{0}\\t\\u{7f}"
        );
        assert_eq!(
            text("x\u{202e}y\u{85}\u{2028}".as_bytes()),
            "x\\u{202e}y\\u{85}\\u{2028}"
        );
        assert_eq!(text(b"\xff\xc3"), "\\xff\\xc3");
        assert_eq!(text(b"ok \xe4\xb8"), "ok \\xe4\\xb8");
    }
}
