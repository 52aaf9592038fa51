//! The text form of a framing: `lines`, `delimited:\r\n`, `length:u16be,inclusive`.

use std::fmt;
use std::str::FromStr;

use super::problem::FramingError;
use super::table::{FORMS, PLAIN};
use super::{Delimiter, Framing};

/// Framings with a name.
const NAMES: [(&str, &str); 4] = [
    ("len16", "length:u16be"),
    ("len32", "length:u32be"),
    ("mllp", r"between:\x0b,\x1c\r"),
    ("stx-etx", r"between:\x02,\x03"),
];

impl FromStr for Framing {
    type Err = FramingError;

    fn from_str(text: &str) -> Result<Framing, FramingError> {
        if let Some((_, form)) = NAMES.iter().find(|(name, _)| *name == text) {
            return form.parse();
        }
        if let Some(plain) = PLAIN.iter().find(|framing| framing.form() == text) {
            return Ok(plain.clone());
        }
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        Ok(match (kind, rest) {
            ("delimited", Some(end)) => Framing::Delimited(Delimiter::new(&unescape(end)?)?),
            ("between", Some(both)) => {
                let (start, end) = split_at_comma(both).ok_or_else(|| {
                    FramingError(format!(
                        "\"{text}\"; write between:START,END, with \\, for a comma"
                    ))
                })?;
                let [start, end] = [start, end].map(|part| Delimiter::new(&unescape(part)?));
                let (start, end) = (start?, end?);
                Framing::Between { start, end }
            }
            ("length", Some(form)) => Framing::Length(form.parse()?),
            _ => {
                return Err(FramingError(format!(
                    "no framing \"{text}\"; write {FORMS}"
                )));
            }
        })
    }
}

/// As [`Framing::from_str`] takes it; by name, if the framing has one.
impl fmt::Display for Framing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = self.form();
        let name = NAMES.iter().find(|(_, named)| *named == form);
        out.write_str(name.map_or(&form, |(name, _)| name))
    }
}

/// Splits at the first comma without a backslash before it.
fn split_at_comma(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let comma = text.bytes().position(|byte| {
        let is_comma = byte == b',' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_comma
    })?;
    Some((&text[..comma], &text[comma + 1..]))
}

fn unescape(text: &str) -> Result<Vec<u8>, FramingError> {
    let wrong = || {
        let all = r"\r, \n, \t, \0, \\, \, and \x0b";
        FramingError(format!(
            "\"{text}\"; of what begins with a backslash there are {all}"
        ))
    };
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().ok_or_else(wrong)? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => 0,
            b'x' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = digit().zip(digit()).ok_or_else(wrong)?;
                (high * 16 + low) as u8
            }
            byte @ (b'\\' | b',' | b':' | b' ') => byte,
            _ => return Err(wrong()),
        });
    }
    Ok(bytes)
}
