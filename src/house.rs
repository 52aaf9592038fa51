//! What every turn needs of the server, and what the server has done.

use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::acceptor::Doorbell;
use crate::admission::Admission;
use crate::deadlines::Deadlines;
use crate::drain::Drain;
use crate::limits::Limits;
use crate::lobby::Lobby;
use crate::notices::Notices;
use crate::registry::Registry;
use crate::service::Work;

/// What every turn needs of the server.
pub(crate) struct House {
    pub(crate) limits: Limits,
    pub(crate) work: Work,
    pub(crate) registry: Registry,
    pub(crate) drain: Drain,
    pub(crate) admission: Admission,
    pub(crate) notices: Notices,
    pub(crate) deadlines: Deadlines,
    pub(crate) lobby: Lobby,
    pub(crate) totals: Totals,
    /// Rung when there is room again for those who wait outside.
    pub(crate) doorbell: Doorbell,
    /// Somebody waits outside, or no descriptor can be had: ring whenever one leaves.
    pub(crate) crowded: AtomicBool,
}

/// What the server has done in its life.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) messages: AtomicU64,
    pub(crate) undelivered: AtomicU64,
    pub(crate) partial: AtomicU64,
    pub(crate) truncated: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) panics: AtomicU64,
}
