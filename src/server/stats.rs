//! A server's own figures.

use std::sync::atomic::Ordering;

use super::shared::Shared;
use crate::notices::{LIMITS, Limit};

/// What a server has done so far, and what it does now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Clients accepted. Grows with every connection.
    pub accepted: u64,
    /// Clients connected now.
    pub clients: usize,
    /// Connections that wait for a worker now. Often above zero: add workers.
    pub ready: usize,
    /// Workers called in now, the one that polls included.
    pub workers_on_duty: usize,
    /// Workers that serve a client now.
    pub workers_busy: usize,
    /// Workers that have not come back from a handler for `stuck_after`. The log names them.
    pub workers_stuck: usize,
    /// How often each limit has acted on a client. The limit's own words say what to do.
    pub limits: Vec<(Limit, u64)>,
    /// Messages read.
    pub messages: u64,
    /// Messages that ended with their connection, not with a delimiter.
    pub partial: u64,
    /// Messages longer than the bound, delivered cut. Raise `message_max` or mend the sender.
    pub truncated: u64,
    /// Messages longer than the bound, skipped. As above.
    pub dropped: u64,
    /// Panics in handlers: each closed its client. The log says where.
    pub panics: u64,
    /// Failed accepts for want of a descriptor or memory. Raise the limit or lower `clients_max`.
    pub accept_exhausted: u64,
    /// Failed accepts of clients that had already gone.
    pub accept_client: u64,
}

impl Stats {
    pub(super) fn of(shared: &Shared) -> Stats {
        let totals = &shared.house.totals;
        let (workers_busy, workers_stuck) = shared.posts.load();
        let (ready, workers_on_duty) = shared.ready.load();
        Stats {
            accepted: shared.accepted.load(Ordering::Relaxed),
            clients: shared.house.registry.count(),
            ready: ready + shared.house.lobby.waiting(),
            workers_on_duty,
            workers_busy,
            workers_stuck,
            limits: LIMITS
                .map(|limit| (limit, shared.house.notices.count(limit)))
                .into(),
            messages: totals.messages.load(Ordering::Relaxed),
            partial: totals.partial.load(Ordering::Relaxed),
            truncated: totals.truncated.load(Ordering::Relaxed),
            dropped: totals.dropped.load(Ordering::Relaxed),
            panics: totals.panics.load(Ordering::Relaxed),
            accept_exhausted: shared.accept_errors.exhausted.load(Ordering::Relaxed),
            accept_client: shared.accept_errors.client.load(Ordering::Relaxed),
        }
    }
}
