//! Bytes in, messages out; no sockets.
//!
//! A [`Decoder`] is given whatever arrived, in whatever pieces, and cuts it into messages. A
//! message that lies whole in the piece is handed on where it lies; only one that was cut by a
//! piece's edge is gathered in the decoder. Each byte is looked at once and copied at most once,
//! so a message that comes byte by byte costs no more than the same message at once, and a
//! decoder never holds more than one message's bound, and a few bytes that may end it.

mod auto;
mod between;
mod counted;
mod decoder;
mod delimited;
mod delimiter;
mod encode;
mod ended;
pub(crate) mod hint;
mod json;
mod language;
mod length;
mod pri;
mod problem;
mod raw;
mod store;
#[cfg(test)]
mod tests;
mod typed;

pub(crate) use auto::begins_with_count;
pub(crate) use decoder::Decoder;
pub use delimiter::Delimiter;
pub use length::Length;
pub(crate) use pri::begins_with_priority;
pub use problem::FramingError;

/// How bytes are cut into messages, and answers put on the wire.
///
/// It is written as the command's `--framing` takes it, and parsed from that; the manual's page
/// [`senders`](crate::manual::senders) says which one a sender wants.
/// [`Reply::send`](crate::Reply::send) frames what it is given. Bytes for
/// [`Client::send`](crate::Client::send) and the like are sent as they are: frame them with
/// [`encode`](Framing::encode).
///
/// ```
/// use poold::Framing;
///
/// let mllp: Framing = "mllp".parse()?;
/// let mut wire = Vec::new();
/// mllp.encode(b"MSH|^~", &mut wire);
/// assert_eq!(wire, b"\x0bMSH|^~\x1c\r");
/// assert_eq!("between:\\x0b,\\x1c\\r".parse(), Ok(mllp));
/// # Ok::<(), poold::FramingError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// A line feed ends a message; one carriage return before it is not part of it. `lines`.
    #[default]
    Lines,
    /// As people type lines: a line feed ends a message, or a carriage return, alone or with a
    /// line feed or a zero byte behind it (RFC 854, RFC 1123). `typed`.
    Typed,
    /// Each message as its sender ends it: a line, a zero byte, or an octet count before a syslog
    /// priority (`95 <13>1 …`). Empty messages are none. `auto`.
    Auto,
    /// The length in decimal digits, a space, the message (RFC 6587, octet counting). A newline at
    /// the end of a message or behind it is not part of it. A count that is malformed or zero ends
    /// the connection. `octet`.
    Octet,
    /// A zero byte ends a message. `nul`.
    Nul,
    /// A carriage return ends a message. `cr`.
    Cr,
    /// These bytes end a message. `delimited:\r\n`.
    Delimited(Delimiter),
    /// A message lies between these bytes; what is not between them is counted and skipped.
    /// `between:START,END`, `mllp`, `stx-etx`.
    Between {
        /// What begins a message.
        start: Delimiter,
        /// What ends it.
        end: Delimiter,
    },
    /// A length of fixed width, then the message. `length:u16be`, `len16`, `len32`.
    Length(Length),
    /// A zero byte, a line feed or both end a message, as GELF's senders do. Empty messages are
    /// none. `gelf`.
    Gelf,
    /// JSON values one after another. White space and zero bytes between them belong to none.
    /// `json`.
    Json,
    /// A syslog message begins with its priority (`<13>`) and ends where the next one begins, after
    /// half a second of silence, or with the connection. Empty messages are none. `pri`.
    Pri,
    /// What arrived, as it arrived: a message is what one read returned. `raw`.
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
    #[error("malformed length")]
    BadLength,
}
