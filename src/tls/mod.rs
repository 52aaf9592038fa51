//! TLS: the only folder that names rustls.
//!
//! - [`Tls`]: the certificates of a server, as its options have them.
//! - [`Session`]: the session of one client. It encrypts and decrypts, and has no socket.
//! - `ClientTls`: the other end, for `poold client`.
//!
//! Without the feature `tls` none of them can be made.
//!
//! May import: `error`. Must not: `connection`, which has the sockets.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod buffers;
#[cfg(feature = "cli")]
mod client;
#[cfg(feature = "tls")]
mod config;
#[cfg(feature = "tls")]
mod describe;
mod failure;
#[cfg(feature = "tls")]
mod load;
#[cfg(feature = "tls")]
mod names;
#[cfg(feature = "tls")]
mod pieces;
#[cfg(feature = "tls")]
mod session;
#[cfg(all(test, feature = "tls"))]
mod tests;
#[cfg(feature = "tls")]
mod validity;

#[cfg(not(feature = "tls"))]
pub use absent::Tls;
#[cfg(feature = "tls")]
pub use config::{ClientCertificates, Tls, TlsFiles};

#[cfg(not(feature = "tls"))]
pub(crate) use absent::Session;
#[cfg(feature = "cli")]
pub(crate) use client::{ClientSession, ClientTls, Trust};
pub(crate) use failure::{Failure, FailureKind, KINDS};
#[cfg(feature = "cli")]
pub(crate) use names::is_host_name;
#[cfg(feature = "tls")]
pub(crate) use session::Session;

/// A fatal alert for a client that is refused: access_denied.
pub(crate) const REFUSAL: &[u8] = &[21, 3, 3, 0, 2, 2, 49];

/// Memory of a client's session: with the most that waits in it, encrypted.
pub(crate) const CLIENT_BYTES: usize = 4 * 1024 + 48 * 1024 + 48 * 1024;
/// Memory of a worker's buffers for sessions.
pub(crate) const WORKER_BYTES: usize = 96 * 1024;

/// The first byte of every TLS client: a record of the handshake.
pub(crate) const HELLO: u8 = 0x16;

/// What a plain client is told.
pub(crate) const PLAIN_LINE: &[u8] = b"this port speaks TLS; connect with TLS\n";

/// What a session took from its socket.
#[cfg_attr(
    not(feature = "tls"),
    allow(dead_code, reason = "no session makes one")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Bytes {
        /// The client's bytes, at the front of the buffer; none if a record is not complete.
        length: usize,
        /// Bytes that have left the socket.
        drained: usize,
        /// There may be more.
        more: bool,
    },
    /// The client sends no more.
    End(Ending),
}

/// How a client ended what it sends.
#[cfg_attr(
    not(feature = "tls"),
    allow(dead_code, reason = "no session makes one")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It said so within the session.
    Said,
    /// Its connection ended; anything between it and the server may have done that.
    Truncated,
}

/// The version of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl TlsVersion {
    /// Its number: "1.3".
    pub fn number(self) -> &'static str {
        match self {
            TlsVersion::V1_2 => "1.2",
            TlsVersion::V1_3 => "1.3",
        }
    }
}

/// How far a handshake has come.
#[cfg_attr(
    not(feature = "tls"),
    allow(dead_code, reason = "no session makes one")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shaken {
    /// The client's next bytes are awaited.
    Begun,
    /// The session is open; so many bytes of the client came with the end of the handshake.
    Done { length: usize },
}
