//! Restarts by take-over.

pub(crate) mod restart;
pub(crate) mod takeover;
pub(crate) mod takeover_fails;
