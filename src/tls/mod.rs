//! TLS: the only folder that names rustls.
//!
//! - [`Tls`]: the certificates of a server, as its options have them.
//! - [`Session`]: the session of one client. It encrypts and decrypts, and has no socket.
//!
//! Without the feature `tls` neither can be made.
//!
//! May import: `error`. Must not: `connection`, which has the sockets.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod buffers;
#[cfg(feature = "tls")]
mod config;
#[cfg(feature = "tls")]
mod failure;
#[cfg(feature = "tls")]
mod session;

#[cfg(not(feature = "tls"))]
pub use absent::Tls;
#[cfg(feature = "tls")]
pub use config::Tls;

#[cfg(not(feature = "tls"))]
pub(crate) use absent::Session;
#[cfg(feature = "tls")]
pub(crate) use session::Session;

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
