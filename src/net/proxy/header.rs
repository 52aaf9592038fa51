//! What a header announces, and why bytes are not a header.

use std::fmt;
use std::net::SocketAddr;

/// Longest valid header: the size of HAProxy's own buffers. Headers with client certificates fit.
pub(crate) const HEADER_MAX: usize = 16 * 1024;

/// The client at the other end of the balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// The balancer itself, or a client that it can't name: the connection's own addresses apply.
    Unnamed,
    /// A client over TCP, and the address that it connected to.
    Tcp { from: SocketAddr, to: SocketAddr },
    /// A client over a Unix socket of the balancer's machine.
    Unix,
}

/// The state of parsing a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// More bytes are needed.
    Begun,
    /// The header has this many bytes; the rest is the client's.
    Header { length: usize, announced: Announced },
}

/// Why the bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The beginning is another.
    NoHeader,
    Line(&'static str),
    Binary(&'static str),
    /// The header has this many bytes, which is too long.
    TooLong(usize),
    /// The checksum is wrong.
    Checksum,
}

/// Whether the bytes so far are a beginning of this.
pub(super) fn begins(bytes: &[u8], with: &[u8]) -> bool {
    let length = bytes.len().min(with.len());
    bytes[..length] == with[..length]
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::NoHeader => out.write_str("it begins with something else"),
            Wrong::Line(what) => write!(out, "version 1: {what}"),
            Wrong::Binary(what) => write!(out, "version 2: {what}"),
            Wrong::TooLong(length) => {
                write!(out, "version 2: {length} bytes, more than {HEADER_MAX}")
            }
            Wrong::Checksum => out.write_str("version 2: its checksum (CRC32C) is wrong"),
        }
    }
}
