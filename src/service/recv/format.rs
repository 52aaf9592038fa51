//! A message as a line: as text, as JSON, or as its bytes.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::json;
use super::record;
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
    out.extend_from_slice(match message.extent {
        Extent::Whole => b"\"}\n",
        Extent::Truncated => b"\",\"truncated\":true}\n",
        Extent::Partial => b"\",\"partial\":true}\n",
    });
}
