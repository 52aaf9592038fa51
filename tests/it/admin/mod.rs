//! The admin endpoint.

pub(crate) mod answers;
pub(crate) mod change;
pub(crate) mod crowd;
pub(crate) mod hosts;
pub(crate) mod http;
pub(crate) mod page;
