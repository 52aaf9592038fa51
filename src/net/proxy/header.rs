//! What a header announces, and why it may be none.

use std::fmt;
use std::net::SocketAddr;

/// Longest header that is taken: what HAProxy's own buffers hold. Longer than any that was seen,
/// with client certificates in it.
pub(crate) const HEADER_MAX: usize = 16 * 1024;

/// Who is at the other end of the balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// The balancer itself, or a client that it can't name: the connection's own ends hold.
    Nobody,
    /// A client over TCP, and the address that it connected to.
    Tcp { from: SocketAddr, to: SocketAddr },
    /// A client over a Unix socket of the balancer's machine.
    Unix,
}

/// How far a header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It may become one.
    Begun,
    /// It takes so many bytes, and what follows is the client's.
    Header { length: usize, announced: Announced },
}

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It begins otherwise.
    NoHeader,
    Line(&'static str),
    Binary(&'static str),
    /// Of so many bytes.
    TooLong(usize),
    /// Its checksum is another.
    Checksum,
}

/// Whether it begins so, as far as it has come.
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
