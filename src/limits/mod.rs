//! What a server allows: its options, time limits and rates, counters, overload, admission.
//!
//! Decides and counts; a client is closed by its turn. May import: `framing`, `net`, `scheduler`.
//! Must not: connections.

pub(crate) mod admission;
pub(crate) mod counters;
pub(crate) mod limit;
pub(crate) mod options;
pub(crate) mod overload;
pub(crate) mod times;
pub(crate) mod user_file;
