//! A message as a line: for eyes, for machines, or as it is.

use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::client::Client;
use crate::escape::escape;
use crate::framing::{Extent, Message};

/// How a message is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `Message from 127.0.0.1:51234: hello`. Control characters, bidirectional overrides and
    /// invalid UTF-8 are escaped, so that nobody can forge a line or reach the terminal.
    #[default]
    Text,
    /// One JSON object on a line; nothing is lost.
    Json,
    /// The bytes and a newline.
    Raw,
}

/// What a client's lines have in common, made once.
pub(super) enum Label {
    Text(Box<[u8]>),
    Json { id: u64, peer: Box<str> },
    Raw,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    id: u64,
    peer: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// All the bytes in base64, when they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

impl Label {
    pub(super) fn new(format: Format, client: &Client) -> Label {
        match format {
            Format::Text => Label::Text(
                format!("Message from {}: ", client.peer())
                    .into_bytes()
                    .into(),
            ),
            Format::Json => Label::Json {
                id: client.id(),
                peer: client.peer().to_string().into(),
            },
            Format::Raw => Label::Raw,
        }
    }

    /// Appends the message's line.
    pub(super) fn format(&self, message: Message<'_>, now: SystemTime, out: &mut Vec<u8>) {
        match self {
            Label::Text(label) => {
                // "(partial)" stands before the colon, where no message can put it.
                let bare = &label[..label.len() - 2];
                match message.extent {
                    Extent::Whole => out.extend_from_slice(label),
                    Extent::Truncated => out.extend_from_slice(&[bare, b" (truncated): "].concat()),
                    Extent::Partial => out.extend_from_slice(&[bare, b" (partial): "].concat()),
                }
                escape(message.bytes, out);
            }
            Label::Json { id, peer } => {
                let text = String::from_utf8_lossy(message.bytes);
                let lossy = matches!(text, std::borrow::Cow::Owned(_));
                let line = Line {
                    time: humantime::format_rfc3339_millis(now).to_string(),
                    id: *id,
                    peer,
                    message: &text,
                    truncated: message.extent == Extent::Truncated,
                    partial: message.extent == Extent::Partial,
                    bytes: lossy.then(|| BASE64_STANDARD.encode(message.bytes)),
                };
                // Neither strings and numbers nor a vector's write can fail.
                let _ = serde_json::to_writer(&mut *out, &line);
            }
            Label::Raw => out.extend_from_slice(message.bytes),
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &Label, bytes: &[u8], extent: Extent) -> String {
        let mut out = Vec::new();
        label.format(Message { bytes, extent }, SystemTime::UNIX_EPOCH, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn marks_stand_where_no_message_can_put_them() {
        let label = Label::Text((*b"Message from 1.2.3.4:5: ").into());
        assert_eq!(
            line(&label, b"x", Extent::Whole),
            "Message from 1.2.3.4:5: x\n"
        );
        assert_eq!(
            line(&label, b"x", Extent::Partial),
            "Message from 1.2.3.4:5 (partial): x\n"
        );
        let cut = line(&label, b"x", Extent::Truncated);
        assert_eq!(cut, "Message from 1.2.3.4:5 (truncated): x\n");
    }

    #[test]
    fn json_loses_nothing() {
        let label = Label::Json {
            id: 7,
            peer: "1.2.3.4:5".into(),
        };
        let plain = line(&label, b"a\"b\n", Extent::Whole);
        let expected = r#"{"time":"1970-01-01T00:00:00.000Z","id":7,"peer":"1.2.3.4:5","#;
        assert_eq!(plain, format!("{expected}\"message\":\"a\\\"b\\n\"}}\n"));
        let bytes = line(&label, b"\xff!", Extent::Partial);
        assert!(
            bytes.ends_with("\"partial\":true,\"bytes\":\"/yE=\"}\n"),
            "{bytes}"
        );
    }
}
