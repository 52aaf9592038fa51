//! An entry of the stream, as it is printed. What others write to the stream is printed, too.

use super::args::Id;
use super::seen::Seen;
use crate::escape::escape;
use crate::framing::{Extent, Message};
use crate::redis::resp::Reply;
use crate::service::recv::{Format, Printed, print};

/// Names of the field with the message, ours and those of other programs.
const MESSAGE: [&[u8]; 3] = [b"message", b"msg", b"body"];

/// Above all numbers.
const NUMBERS: u64 = 1 << 62;

/// See the head of the file.
pub(super) struct Entry<'a> {
    pub(super) id: Id,
    fields: Vec<Reply<'a>>,
}

impl<'a> Entry<'a> {
    /// Entries of a reply to XRANGE, or of one stream in a reply to XREAD.
    pub(super) fn all(reply: Reply<'a>) -> Option<Vec<Entry<'a>>> {
        reply.array()?.into_iter().map(Entry::read).collect()
    }

    fn read(reply: Reply<'a>) -> Option<Entry<'a>> {
        let mut both = reply.array()?.into_iter();
        let id = Id::read(str::from_utf8(both.next()?.text()?).ok()?)?;
        // An entry that was trimmed meanwhile has none.
        let fields = both.next()?.array().unwrap_or_default();
        Some(Entry { id, fields })
    }

    fn field(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut pairs = self.fields.as_chunks::<2>().0.iter();
        pairs.find_map(|[key, value]| value.text().filter(|_| key.text() == Some(name)))
    }

    /// Appends what is new of it. An entry without a number is new if it stands `after` the last.
    pub(super) fn print(&self, format: Format, seen: &mut Seen, after: bool, out: &mut Vec<u8>) {
        let name = self.field(b"n").and_then(|name| str::from_utf8(name).ok());
        let number = name.and_then(|name| {
            let (run, number) = name.rsplit_once('-')?;
            // No run comes as far; others may write what they like.
            let number = number
                .parse::<u64>()
                .ok()
                .filter(|number| *number < NUMBERS)?;
            Some((run, number))
        });
        let mut is_new = |at: u64| match number {
            Some((run, first)) => seen.is_new(run, first + at),
            None => after,
        };
        if let Some(lines) = self.field(b"lines") {
            for (at, line) in lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
                if is_new(at as u64) {
                    print_line(line, format, out);
                }
            }
            return;
        }
        if !is_new(0) {
            return;
        }
        let text = |name| self.field(name).map(String::from_utf8_lossy);
        let (peer, name_of) = (text(b"peer"), text(b"name"));
        let bytes = MESSAGE.iter().find_map(|name| self.field(name));
        let extent = match (self.field(b"truncated"), self.field(b"partial")) {
            (Some(_), _) => Extent::Truncated,
            (_, Some(_)) => Extent::Partial,
            _ => Extent::Whole,
        };
        let printed = Printed {
            ms: self.id.ms,
            number: name.unwrap_or_default(),
            peer: peer.as_deref().unwrap_or_default(),
            name: name_of.as_deref(),
            message: Message {
                bytes: bytes.unwrap_or_default(),
                extent,
            },
        };
        print(&printed, format, out);
    }
}

/// Appends a line of a batch. It is safe for a terminal if `recv` wrote it; others may have.
fn print_line(line: &[u8], format: Format, out: &mut Vec<u8>) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    match format {
        Format::Raw => out.extend_from_slice(line),
        _ => escape(line, out),
    }
    out.push(b'\n');
}
