//! An entry of the stream, as it is printed. What others write to the stream is printed, too.

use std::borrow::Cow;

use crate::escape::escape;
use crate::framing::{Extent, Message};
use crate::redis::entry::Entry;
use crate::redis::follow::News;
use crate::service::recv::{Format, Printed, print};

/// Appends what is new of it.
pub(super) fn print_new(entry: &Entry<'_>, format: Format, news: &mut News<'_>, out: &mut Vec<u8>) {
    if let Some(lines) = entry.lines() {
        for (at, line) in lines.enumerate() {
            if news.has(at as u64) {
                print_line(line, format, out);
            }
        }
        return;
    }
    if !news.has(0) {
        return;
    }
    let text = |name| entry.field(name).map(String::from_utf8_lossy);
    let (peer, name) = (text(b"peer"), text(b"name"));
    let extent = match (entry.field(b"truncated"), entry.field(b"partial")) {
        (Some(_), _) => Extent::Truncated,
        (_, Some(_)) => Extent::Partial,
        _ => Extent::Whole,
    };
    let bytes = entry.message().map(Cow::Borrowed);
    let bytes = bytes.unwrap_or_else(|| entry.described().into());
    let printed = Printed {
        ms: entry.id.ms,
        number: entry.name().unwrap_or_default(),
        peer: peer.as_deref().unwrap_or_default(),
        name: name.as_deref(),
        message: Message {
            bytes: &bytes,
            extent,
        },
    };
    print(&printed, format, out);
}

/// Appends a line of a batch. It is safe for a terminal if `recv` wrote it; others may have.
fn print_line(line: &[u8], format: Format, out: &mut Vec<u8>) {
    match format {
        Format::Raw => out.extend_from_slice(line),
        _ => escape(line, out),
    }
    out.push(b'\n');
}
