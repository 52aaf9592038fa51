//! A message as a line: as text, as JSON, or as its bytes.

use std::io::Write;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::json;
use super::record;
use super::stamp::Stamp;
use crate::connection::client::Client;
use crate::escape::escape;
use crate::framing::{Extent, Message};

/// The format of a printed message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `Message from 127.0.0.1:51234: hello`. Control characters, bidirectional overrides and
    /// invalid UTF-8 are escaped, so that a client can't forge a line or control the terminal.
    #[default]
    Text,
    /// As text, with the time at which the message was read before each line.
    #[value(skip)]
    Timed,
    /// One JSON object per line, with all bytes.
    Json,
    /// The message and a newline; with --framing raw the bytes alone.
    Raw,
    /// The bytes.
    #[value(skip)]
    Bytes,
    /// Fields for an entry of a stream.
    #[value(skip)]
    Entry,
}

impl Format {
    /// Whether its lines have a time.
    pub(super) fn has_time(self) -> bool {
        matches!(self, Format::Timed | Format::Json)
    }
}

/// What stands before a JSON line's time.
const BEFORE_TIME: &str = "{\"time\":\"";

/// The beginning of a client's lines, all that stands before the message, made once. Empty where
/// lines have none.
pub(super) struct Label(Box<[u8]>);

impl Label {
    pub(super) fn new(format: Format, client: &Client) -> Label {
        let peer = || client.peer().to_string();
        // The certificate's name has no space: it can't pass for the end of the label.
        let sender = || match client.certified_name() {
            Some(name) => format!("{} {name}", client.peer()),
            None => peer(),
        };
        match format {
            Format::Text => Label::text(&sender()),
            Format::Timed => Label::timed(&sender()),
            Format::Json => {
                let id = format!("\"id\":{}", client.id());
                Label::json(&id, &peer(), client.certified_name().as_deref())
            }
            Format::Entry => {
                Label(record::label(&peer(), client.certified_name().as_deref()).into())
            }
            Format::Raw | Format::Bytes => Label(Box::default()),
        }
    }

    fn text(sender: &str) -> Label {
        Label::of(format!("Message from {sender}: "))
    }

    fn timed(sender: &str) -> Label {
        Label::of(format!("{} Message from {sender}: ", Stamp::ZERO))
    }

    fn json(id: &str, peer: &str, name: Option<&str>) -> Label {
        let name = name.map_or_else(String::new, |name| format!(",\"name\":{}", quoted(name)));
        let (time, peer) = (Stamp::ZERO, quoted(peer));
        Label::of(format!(
            "{BEFORE_TIME}{time}\",{id},\"peer\":{peer}{name},\"message\":\""
        ))
    }

    fn of(line: String) -> Label {
        Label(line.into_bytes().into())
    }

    /// Sets the time of the lines that follow.
    pub(super) fn set_time(&mut self, format: Format, now: &Stamp) {
        let at = match format {
            Format::Timed => 0,
            Format::Json => BEFORE_TIME.len(),
            Format::Text | Format::Raw | Format::Bytes | Format::Entry => return,
        };
        let time = now.text();
        self.0[at..][..time.len()].copy_from_slice(time);
    }

    /// Appends the message's line.
    pub(super) fn format(&self, format: Format, message: Message<'_>, out: &mut Vec<u8>) {
        match format {
            Format::Text | Format::Timed => text(&self.0, message, out),
            Format::Json => {
                out.extend_from_slice(&self.0);
                return finish_json(message, out);
            }
            Format::Raw => out.extend_from_slice(message.bytes),
            Format::Bytes => return out.extend_from_slice(message.bytes),
            Format::Entry => {
                let mark = match message.extent {
                    Extent::Whole => None,
                    Extent::Truncated => Some("truncated"),
                    Extent::Partial => Some("partial"),
                };
                return record::write(&self.0, message.bytes, mark, out);
            }
        }
        out.push(b'\n');
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = Vec::new();
    json::escape(text.as_bytes(), &mut quoted);
    format!("\"{}\"", String::from_utf8_lossy(&quoted))
}

/// A message that comes from a stream: all of it may be forged.
pub(crate) struct Printed<'a> {
    /// When it was added, in milliseconds after 1970.
    pub(crate) ms: u64,
    /// `RUN-NUMBER`
    pub(crate) number: &'a str,
    pub(crate) peer: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) message: Message<'a>,
}

/// Appends its line, as [`Recv`](super::Recv) prints it.
pub(crate) fn print(printed: &Printed<'_>, format: Format, out: &mut Vec<u8>) {
    let Printed { peer, name, .. } = *printed;
    let mut label = match format {
        Format::Json => {
            let number = format!("\"n\":{}", quoted(printed.number));
            Label::json(&number, peer, name)
        }
        Format::Raw => Label(Box::default()),
        _ => {
            let mut sender = Vec::new();
            escape(peer.as_bytes(), &mut sender);
            if let Some(name) = name {
                sender.push(b' ');
                escape(name.as_bytes(), &mut sender);
            }
            Label::text(&String::from_utf8_lossy(&sender))
        }
    };
    let mut time = Stamp::ZERO;
    time.set(SystemTime::UNIX_EPOCH + Duration::from_millis(printed.ms));
    label.set_time(format, &time);
    label.format(format, printed.message, out);
}

/// The label, which ends in a colon and a space, and the message.
fn text(label: &[u8], message: Message<'_>, out: &mut Vec<u8>) {
    // "(partial)" stands before the colon, where no message can put it.
    let bare = &label[..label.len() - 2];
    match message.extent {
        Extent::Whole => out.extend_from_slice(label),
        Extent::Truncated => out.extend_from_slice(&[bare, b" (truncated): "].concat()),
        Extent::Partial => out.extend_from_slice(&[bare, b" (partial): "].concat()),
    }
    escape(message.bytes, out);
}

/// The message, whose opening quote is written, its marks and the end of the line.
fn finish_json(message: Message<'_>, out: &mut Vec<u8>) {
    if !json::escape(message.bytes, out) {
        // Not UTF-8: all the bytes, in base64.
        let bytes = BASE64_STANDARD.encode(message.bytes);
        let _ = write!(out, "\",\"bytes\":\"{bytes}");
    }
    out.extend_from_slice(match message.extent {
        Extent::Whole => b"\"}\n",
        Extent::Truncated => b"\",\"truncated\":true}\n",
        Extent::Partial => b"\",\"partial\":true}\n",
    });
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::escape::is_dangerous;

    fn line(format: Format, bytes: &[u8], extent: Extent) -> String {
        let label = match format {
            Format::Text => Label::text("1.2.3.4:5"),
            Format::Timed => Label::timed("1.2.3.4:5"),
            _ => Label::json("\"id\":7", "1.2.3.4:5", None),
        };
        let mut out = Vec::new();
        label.format(format, Message { bytes, extent }, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn marks_stand_where_no_message_can_put_them() {
        let whole = line(Format::Text, b"x", Extent::Whole);
        assert_eq!(whole, "Message from 1.2.3.4:5: x\n");
        let partial = line(Format::Text, b"x", Extent::Partial);
        assert_eq!(partial, "Message from 1.2.3.4:5 (partial): x\n");
        let cut = line(Format::Text, b"x", Extent::Truncated);
        assert_eq!(cut, "Message from 1.2.3.4:5 (truncated): x\n");
    }

    #[test]
    fn a_time_stands_before_the_label() {
        let expected = "1970-01-01T00:00:00.000Z Message from 1.2.3.4:5";
        let whole = line(Format::Timed, b"x", Extent::Whole);
        assert_eq!(whole, format!("{expected}: x\n"));
        let partial = line(Format::Timed, b"x", Extent::Partial);
        assert_eq!(partial, format!("{expected} (partial): x\n"));
    }

    #[test]
    fn json_loses_nothing() {
        let plain = line(Format::Json, b"a\"b\n", Extent::Whole);
        let expected = r#"{"time":"1970-01-01T00:00:00.000Z","id":7,"peer":"1.2.3.4:5","#;
        assert_eq!(plain, format!("{expected}\"message\":\"a\\\"b\\n\"}}\n"));
        let bytes = line(Format::Json, b"\xff!", Extent::Partial);
        assert!(
            bytes.ends_with(",\"bytes\":\"/yE=\",\"partial\":true}\n"),
            "{bytes}"
        );
    }

    #[test]
    fn json_has_nothing_that_ends_a_line_or_moves_a_cursor() {
        for character in ('\0'..='\u{ffff}').chain(['🦀']) {
            let text = format!("a{character}b");
            let json = line(Format::Json, text.as_bytes(), Extent::Whole);
            let read: serde_json::Value = serde_json::from_str(&json).expect("one object");
            assert_eq!(read["message"], *text);
            let inner = json.trim_end_matches('\n');
            assert!(!inner.chars().any(is_dangerous), "{inner:?}");
        }
    }

    /// Plain and quoted characters, and some to escape.
    const SOME: &str = "[ -~\"\\\\é\u{1b}\u{7f}-\u{9f}\u{2028}-\u{202e}\u{2066}]{0,40}";

    proptest::proptest! {
        #[test]
        fn every_json_line_is_read_back(bytes in SOME, odd: Option<u8>) {
            let mut bytes = bytes.into_bytes();
            bytes.extend(odd);
                let json = line(Format::Json, &bytes, Extent::Whole);
            let read: serde_json::Value = serde_json::from_str(&json).expect("one object");
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(read["message"], *text);
            let whole = read["bytes"].as_str().map(|text| BASE64_STANDARD.decode(text));
            assert_eq!(whole, matches!(text, Cow::Owned(_)).then_some(Ok(bytes.clone())));
        }
    }
}
