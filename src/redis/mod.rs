//! A client of Redis and Valkey: blocking, one connection, with deadlines of its own.
//!
//! ```text
//! recv ── records ──▶ pipeline of XADD ──▶ Link ──▶ server ──▶ Link ──▶ entries ──▶ tail
//! ```
//!
//! - [`url`]: what a URL says, without a password in it
//! - [`place`]: which server that is
//! - [`primary`]: connects to it, or to the primary that sentinels know
//! - [`resp`]: commands and replies as bytes
//! - [`link`]: a connection; each error or timeout is its end
//! - [`entry`], [`follow`], [`seen`]: the entries of a stream, read on through failovers, each once
//! - [`failure`]: what went wrong, and what to do about it
//!
//! Written by hand: the crate `redis` takes more than twice the processor time for each line, and
//! its timeout counts for each reply of a pipeline.
//!
//! May import: `error`, `escape`, `net`, `tls`. Must not: connections of clients, services.

mod dial;
pub(crate) mod entry;
pub(crate) mod failure;
pub(crate) mod follow;
pub(crate) mod link;
pub(crate) mod place;
pub(crate) mod primary;
pub(crate) mod resp;
pub(crate) mod seen;
pub(crate) mod url;
