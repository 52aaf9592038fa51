//! The PROXY protocol: what a balancer announces before the bytes of its client.
//!
//! <https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt>, read strictly. Version 1 is a
//! line of text, version 2 is binary. Bytes that can't become a header fail at once, and a header
//! has a maximum length, so no connection waits without end.

mod crc32c;
mod header;
mod v1;
mod v2;

pub(crate) use header::{Announced, HEADER_MAX, Seen, Wrong};

use header::begins;

/// Parses all bytes that a connection has sent so far.
///
/// # Errors
/// The bytes are no header, and no further bytes can make them one.
pub(crate) fn look(bytes: &[u8]) -> Result<Seen, Wrong> {
    if begins(bytes, v2::SIGNATURE) {
        return v2::look(bytes);
    }
    if begins(bytes, v1::WORD) {
        return v1::look(bytes);
    }
    Err(Wrong::NoHeader)
}

#[cfg(test)]
mod tests;
