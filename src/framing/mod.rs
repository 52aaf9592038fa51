//! Bytes in, messages out: the framings, their names, their decoders, guesses at other protocols.
//!
//! A [`Decoder`] takes the bytes in the pieces in which they arrive. A message that lies whole in
//! one piece is handed on from there; only a message that spans pieces is copied into the decoder.
//! Each byte is examined once and copied at most once, so a message that comes byte by byte costs
//! no more than one that comes at once. A decoder holds at most one message of `message_max`, and
//! a few bytes that may end it. May import: outside crates. Must not: other folders; no sockets,
//! no clock.

mod auto;
mod between;
mod counted;
mod decoder;
mod delimited;
mod delimiter;
mod encode;
mod ended;
pub(crate) mod guess;
pub(crate) mod hint;
mod json;
mod language;
mod length;
mod place;
mod pri;
mod problem;
mod raw;
mod signature;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod typed;

pub(crate) use auto::begins_with_count;
pub(crate) use decoder::Decoder;
pub use delimiter::Delimiter;
pub use length::Length;
pub(crate) use place::Place;
pub(crate) use pri::begins_with_priority;
pub use problem::FramingError;
#[cfg(feature = "cli")]
pub(crate) use table::FORMS;

/// How bytes are cut into messages, and messages put on the wire.
///
/// A framing prints and parses as the command's `--framing` takes it. The manual's page
/// [`senders`](crate::manual::senders) says which framing a sender needs.
/// [`Reply::send`](crate::Reply::send) frames messages. [`Client::send`](crate::Client::send) and
/// the like send bytes as they are: frame them with [`encode`](Framing::encode) or
/// [`encode_to_bytes`](Framing::encode_to_bytes).
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
    /// Lines from terminals and telnet: a line feed ends a message, or a carriage return, alone or
    /// followed by a line feed or a zero byte (RFC 854, RFC 1123). `typed`.
    Typed,
    /// Each message as its sender ends it: a line, a zero byte, or an octet count before a syslog
    /// priority (`95 <13>1 …`). Empty messages are skipped. `auto`.
    Auto,
    /// The length in decimal digits, a space, the message (RFC 6587, octet counting). A newline at
    /// the end of a message or after it is not part of it. A malformed or zero count ends the
    /// connection. `octet`.
    Octet,
    /// A zero byte ends a message. `nul`.
    Nul,
    /// A carriage return ends a message. `cr`.
    Cr,
    /// These bytes end a message. `delimited:\r\n`.
    Delimited(Delimiter),
    /// A message lies between these bytes; bytes outside are counted and skipped.
    /// `between:START,END`, `mllp`, `stx-etx`.
    Between {
        /// What begins a message.
        start: Delimiter,
        /// What ends it.
        end: Delimiter,
    },
    /// A length of fixed width, then the message. `length:u16be`, `len16`, `len32`.
    Length(Length),
    /// A zero byte, a line feed or both end a message, as GELF senders do. Empty messages are
    /// skipped. `gelf`.
    Gelf,
    /// JSON values one after another. White space and zero bytes between them are skipped. `json`.
    Json,
    /// A syslog message begins with its priority (`<13>`) and ends where the next one begins, after
    /// half a second of silence, or with the connection. Empty messages are skipped. `pri`.
    Pri,
    /// Bytes as they arrive: a message is what one read returned. `raw`.
    Raw,
}

/// What happens to a message that is longer than the bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum Overlong {
    /// Deliver the beginning, marked as truncated; skip the rest; stay connected.
    #[default]
    Truncate,
    /// Skip the message and count it; stay connected.
    Drop,
    /// Close the connection.
    Close,
}

/// How much of a message this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extent {
    /// The whole message.
    Whole,
    /// The beginning of a message that is longer than `message_max`.
    Truncated,
    /// The beginning of a message whose end had not arrived when the connection ended.
    Partial,
}

/// One message, without its delimiter or header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// The bytes; they need not be text.
    pub bytes: &'a [u8],
    /// Whether these bytes are the whole message.
    pub extent: Extent,
}

/// Why the decoder can't continue; the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("message over the bound")]
    Overlong,
    #[error("malformed octet count")]
    BadCount,
    #[error("malformed length")]
    BadLength,
}
