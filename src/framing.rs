//! Bytes in, messages out; no sockets.
//!
//! A [`Decoder`] is given whatever arrived, in whatever pieces, and cuts it into messages. A
//! message that lies whole in the piece is handed on where it lies; only one that was cut by a
//! piece's edge is gathered in the decoder. Each byte is looked at once and copied at most once,
//! so a message that comes byte by byte costs no more than the same message at once, and a
//! decoder never holds more than one message's bound.

mod decoder;
#[cfg(test)]
mod tests;

pub(crate) use decoder::Decoder;

/// How bytes are cut into messages, and answers put on the wire.
///
/// [`Reply::send`](crate::Reply::send) frames what it is given. Bytes for
/// [`Client::send`](crate::Client::send) and the like are sent as they are: frame them with
/// [`encode`](Framing::encode).
///
/// ```
/// use poold::Framing;
///
/// let mut wire = Vec::new();
/// Framing::Len16.encode(b"hello", &mut wire);
/// assert_eq!(wire, b"\0\x05hello");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum Framing {
    /// A line feed ends a message; one carriage return before it is not part of it.
    #[default]
    Lines,
    /// As people type lines: a line feed ends a message, or a carriage return, alone or with a
    /// line feed or a zero byte after it (RFC 854, RFC 1123).
    #[cfg_attr(feature = "cli", value(skip))]
    Typed,
    /// A zero byte ends a message.
    Nul,
    /// The length in decimal digits, a space, the message (RFC 6587, octet counting). Strict: a
    /// count that is malformed, zero or over the bound ends the connection.
    Octet,
    /// Two bytes of length, big-endian, then the message.
    Len16,
    /// Four bytes of length, big-endian, then the message.
    Len32,
    /// What arrived, as it arrived: a message is what one read returned.
    Raw,
}

/// What happens to a message that is longer than the bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum Overlong {
    /// Deliver what fits, marked; skip the rest; stay connected.
    #[default]
    Truncate,
    /// Skip it all, counted; stay connected.
    Drop,
    /// Close the connection.
    Close,
}

/// How much of a message this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extent {
    /// All of it.
    Whole,
    /// The beginning: it was longer than the bound.
    Truncated,
    /// What came before the connection ended: its end never arrived.
    Partial,
}

/// One message, without its delimiter or header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// The bytes, any bytes.
    pub bytes: &'a [u8],
    /// Whether they are all that the client meant.
    pub extent: Extent,
}

/// Why the bytes can't be cut any further; the connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("message over the bound")]
    Overlong,
    #[error("malformed octet count")]
    BadCount,
}

impl Framing {
    /// Appends a message as this framing puts it on the wire.
    ///
    /// A message that is too long for the header's width (65 535 bytes with `Len16`) is cut to
    /// what fits it; with `Octet` an empty one is left out, as that has no way to say it. A
    /// delimiter in a message is not escaped: the other end sees two.
    pub fn encode(self, message: &[u8], wire: &mut Vec<u8>) {
        match self {
            Framing::Lines | Framing::Typed => {
                wire.extend_from_slice(message);
                wire.push(b'\n');
            }
            Framing::Nul => {
                wire.extend_from_slice(message);
                wire.push(0);
            }
            // RFC 6587 has no count of zero: nothing can be sent instead of an empty message.
            Framing::Octet if message.is_empty() => {}
            Framing::Octet => {
                wire.extend_from_slice(message.len().to_string().as_bytes());
                wire.push(b' ');
                wire.extend_from_slice(message);
            }
            Framing::Len16 => {
                let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
                wire.extend_from_slice(&length.to_be_bytes());
                wire.extend_from_slice(&message[..usize::from(length)]);
            }
            Framing::Len32 => {
                let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
                wire.extend_from_slice(&length.to_be_bytes());
                wire.extend_from_slice(&message[..length as usize]);
            }
            Framing::Raw => wire.extend_from_slice(message),
        }
    }
}
