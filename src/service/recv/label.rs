//! What a client's lines have before their messages.
//!
//! A session keeps what differs from client to client, without an allocation of its own where that
//! is short: there may be ten thousand that are silent.

use super::format::Format;
use super::json;
use super::record;
use super::stamp::Stamp;
use crate::connection::client::Client;

/// Enough for the text of each IPv4 address, and for JSON if the client's number has at most eight
/// digits. A session then fills a block of the C library, which has 56 bytes.
const SHORT_MAX: usize = 38;

/// See the head of the file. Empty where lines have nothing before their message.
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
