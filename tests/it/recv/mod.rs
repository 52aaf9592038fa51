//! `recv`: what it prints, how it cuts, and where it writes.

pub(crate) mod every_byte;
pub(crate) mod format;
pub(crate) mod framings;
pub(crate) mod hints;
pub(crate) mod output;
pub(crate) mod output_blocked;
pub(crate) mod outputs;
pub(crate) mod outputs_wait;
pub(crate) mod remote;
pub(crate) mod remote_away;
pub(crate) mod remote_failover;
pub(crate) mod remote_more;
pub(crate) mod remote_refused;
pub(crate) mod remote_tail;
pub(crate) mod senders;
