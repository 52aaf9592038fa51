//! A message of a stream, printed as [`Recv`](super::Recv) prints one of a client.

use std::time::{Duration, SystemTime};

use super::format::{self, Format, Label};
use super::json;
use super::stamp::Stamp;
use crate::escape::escape;
use crate::framing::Message;

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
    let label = match format {
        Format::Json => Label::json(&quoted(printed.number), peer, name),
        Format::Raw => Label::of(b""),
        // What is fed to a hub has no sender, nor has what most other programs write.
        _ if peer.is_empty() => Label::of(b"Message: "),
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
    let mut room = Vec::new();
    let before = label.before(format, "n", &time, &mut room);
    format::line(format, before, printed.message, out);
}

fn quoted(text: &str) -> String {
    let mut quoted = Vec::new();
    json::escape(text.as_bytes(), &mut quoted);
    format!("\"{}\"", String::from_utf8_lossy(&quoted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::Extent;

    fn line(format: Format, bytes: &[u8], extent: Extent) -> String {
        let label = match format {
            Format::Text | Format::Timed => Label::text("1.2.3.4:5"),
            _ => Label::json("7", "1.2.3.4:5", None),
        };
        let (mut room, mut out) = (Vec::new(), Vec::new());
        let before = label.before(format, "id", &Stamp::ZERO, &mut room);
        format::line(format, before, Message { bytes, extent }, &mut out);
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
}
