//! Where a decoder is, and what a step of it finds.

use crate::framing::{Extent, Fault};

/// Where the cutting is in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Start,
    /// A carriage return has ended a message: a line feed or a zero byte now belongs to that end.
    AfterReturn,
    /// Inside a header: how many of its bytes came, and their value.
    Header {
        seen: u8,
        value: u64,
    },
    /// Inside a message of known length: how many bytes are missing, and of what extent it is.
    Body {
        missing: usize,
        then_skip: usize,
    },
    SkipToDelimiter,
    SkipCount(usize),
}

/// What one step of the cutting found.
pub(super) enum Found {
    /// A message in the piece: its first `length` bytes; `used` go with it.
    Here {
        length: usize,
        used: usize,
        extent: Extent,
    },
    /// The message that was gathered; `used` more bytes go with it.
    Gathered {
        length: usize,
        used: usize,
        extent: Extent,
    },
    /// No message yet, `used` bytes taken.
    Taken(usize),
    /// This can't go on.
    Fault(Fault),
}
