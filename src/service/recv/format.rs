//! A message as a line: what stands before it, and the message as text, as JSON, or as its bytes.
//!
//! A session keeps what differs from client to client, without an allocation of its own where that
//! is short: there may be ten thousand silent clients.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::json;
use super::record;
use super::stamp::Stamp;
use crate::connection::client::Client;
use crate::escape::escape;
use crate::framing::{Extent, Message};

/// Enough for the text of each IPv4 address, and for JSON if the client's number has at most eight
/// digits. A session then fills a block of the C library, which has 56 bytes.
const SHORT_MAX: usize = 38;

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

/// Appends a message's line; `before` stands before the message.
pub(super) fn line(format: Format, before: &[u8], message: Message<'_>, out: &mut Vec<u8>) {
    match format {
        Format::Text | Format::Timed => text(before, message, out),
        Format::Json => {
            out.extend_from_slice(before);
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
            return record::write(before, message.bytes, mark, out);
        }
    }
    out.push(b'\n');
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
    match message.extent {
        Extent::Whole => out.extend_from_slice(b"\"}\n"),
        Extent::Truncated => out.extend_from_slice(b"\",\"truncated\":true}\n"),
        Extent::Partial => out.extend_from_slice(b"\",\"partial\":true}\n"),
    }
}

/// What stands before the messages in a client's lines; empty for a format without that.
pub(super) enum Label {
    Short { length: u8, text: [u8; SHORT_MAX] },
    Long(Box<[u8]>),
}

impl Label {
    pub(super) fn new(format: Format, client: &Client) -> Label {
        let peer = client.peer().to_string();
        let name = client.certified_name();
        match format {
            Format::Text | Format::Timed => {
                // The certificate's name has no space: it can't pass for the end of the label.
                Label::text(&match name {
                    Some(name) => format!("{peer} {name}"),
                    None => peer,
                })
            }
            Format::Json => Label::json(&client.id().to_string(), &peer, name.as_deref()),
            Format::Entry => Label::of(&record::label(&peer, name.as_deref())),
            Format::Raw | Format::Bytes => Label::of(b""),
        }
    }

    pub(super) fn text(sender: &str) -> Label {
        Label::of(format!("Message from {sender}: ").as_bytes())
    }

    /// From the value of the line's number to its peer or name, without the last quote.
    pub(super) fn json(number: &str, peer: &str, name: Option<&str>) -> Label {
        let mut text = format!("{number},\"peer\":\"").into_bytes();
        json::escape(peer.as_bytes(), &mut text);
        if let Some(name) = name {
            text.extend_from_slice(b"\",\"name\":\"");
            json::escape(name.as_bytes(), &mut text);
        }
        Label::of(&text)
    }

    pub(super) fn of(text: &[u8]) -> Label {
        match u8::try_from(text.len()) {
            Ok(length) if text.len() <= SHORT_MAX => {
                let mut short = [0; SHORT_MAX];
                short[..text.len()].copy_from_slice(text);
                Label::Short {
                    length,
                    text: short,
                }
            }
            _ => Label::Long(text.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Label::Short { length, text } => &text[..usize::from(*length)],
            Label::Long(text) => text,
        }
    }

    /// All that stands before the messages of one time; `key` is the name of a JSON line's number.
    /// What has a time is put together in `room`.
    pub(super) fn before<'a>(
        &'a self,
        format: Format,
        key: &str,
        now: &Stamp,
        room: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        let label = self.bytes();
        let parts: &[&[u8]] = match format {
            Format::Text | Format::Raw | Format::Bytes | Format::Entry => return label,
            Format::Timed => &[now.text(), b" ", label],
            Format::Json => &[
                b"{\"time\":\"",
                now.text(),
                b"\",\"",
                key.as_bytes(),
                b"\":",
                label,
                b"\",\"message\":\"",
            ],
        };
        room.clear();
        for part in parts {
            room.extend_from_slice(part);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_ipv4_addresses_are_short() {
        let longest = "255.255.255.255:65535";
        let all = [
            Label::text(longest),
            Label::json("99999999", longest, None),
            Label::json("9", longest, Some("")),
        ];
        let is_short = all.map(|label| matches!(label, Label::Short { .. }));
        assert_eq!(is_short, [true, true, false]);
        assert_eq!(size_of::<Label>(), SHORT_MAX + 2);
    }

    #[test]
    fn a_text_of_any_length_stays_whole() {
        for length in 0..2 * SHORT_MAX {
            let text = vec![b'x'; length];
            assert_eq!(Label::of(&text).bytes(), text);
        }
    }
}
