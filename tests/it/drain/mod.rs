//! The drain, and the end of a connection.

pub(crate) mod backlog;
pub(crate) mod closing;
pub(crate) mod owed;
pub(crate) mod phases;
pub(crate) mod reports;
pub(crate) mod signals;
pub(crate) mod whole_answers;
