//! Messages as a framing puts them on the wire.

use super::Framing;

impl Framing {
    /// Appends a message as this framing puts it on the wire.
    ///
    /// A message that is too long for the header's width (65 535 bytes with `length:u16be`) is cut
    /// to what fits it; one that can't be said is left out: an empty one with `octet`. A delimiter
    /// in a message is not escaped: the other end sees two. With `auto` a message is a line, with
    /// `gelf` a zero byte ends it; `json`, `pri` and `raw` put nothing between messages.
    pub fn encode(&self, message: &[u8], wire: &mut Vec<u8>) {
        let (start, end): (&[u8], &[u8]) = match self {
            Framing::Lines | Framing::Typed | Framing::Auto => (b"", b"\n"),
            Framing::Nul | Framing::Gelf => (b"", b"\0"),
            Framing::Cr => (b"", b"\r"),
            Framing::Delimited(end) => (b"", end.as_bytes()),
            Framing::Between { start, end } => (start.as_bytes(), end.as_bytes()),
            Framing::Json | Framing::Pri | Framing::Raw => (b"", b""),
            Framing::Length(length) => return length.encode(message, wire),
            Framing::Octet => return encode_octet(message, wire),
        };
        wire.extend_from_slice(start);
        wire.extend_from_slice(message);
        wire.extend_from_slice(end);
    }
}

/// RFC 6587 has no count of zero: nothing can be sent instead of an empty message.
fn encode_octet(message: &[u8], wire: &mut Vec<u8>) {
    if !message.is_empty() {
        wire.extend_from_slice(message.len().to_string().as_bytes());
        wire.push(b' ');
        wire.extend_from_slice(message);
    }
}
