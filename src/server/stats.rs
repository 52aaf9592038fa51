//! A server's own figures.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::connection::handshakes::TlsStats;
use crate::connection::held::Stays;
use crate::drain::ServerPhase;
use crate::limits::limit::{LIMITS, Limit};
use crate::scheduler::metrics::Histogram;
use crate::service::Outlet;

/// What a server has done so far, and what it does now.
///
/// ```
/// use poold::{Limit, Options, Server, service::Echo};
///
/// # fn main() -> poold::Result<()> {
/// let server = Server::bind("127.0.0.1:0", Options::default(), Echo)?;
/// let stats = server.handle().stats();
/// println!("{} of at most {} clients, {} wait", stats.clients, stats.clients_max, stats.ready);
/// for (limit, count) in stats.limits.iter().filter(|(_, count)| *count > 0) {
///     println!("{} times: {limit}", count);
/// }
/// assert_eq!(stats.limit(Limit::Idle), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Clients accepted, also those that were refused then. Grows with every connection.
    pub accepted: u64,
    /// Clients that came from another process, see [`Handle::adopt`](crate::Handle::adopt).
    pub arrived: u64,
    /// Clients that the other process kept, and why: it drains them.
    pub stayed: Vec<(Stays, u64)>,
    /// How long the other process took to move its clients.
    pub move_took: Duration,
    /// Clients connected now, including those that only receive a refusal.
    pub clients: usize,
    /// Of these, clients that have received all their data and the end, and have not closed. They
    /// are closed when a slot is needed.
    pub lingering: usize,
    /// The maximum number of clients.
    pub clients_max: usize,
    /// Connections that wait for a worker now. If often above zero, add workers.
    pub ready: usize,
    /// The number of workers.
    pub workers: usize,
    /// Workers on duty now, including the one that polls.
    pub workers_on_duty: usize,
    /// Workers that serve a client now.
    pub workers_busy: usize,
    /// Workers whose handler has not returned for `stuck_after`. The log names them.
    pub workers_stuck: usize,
    /// How often each limit has acted on a client. The limit's own words say what to do.
    pub limits: Vec<(Limit, u64)>,
    /// How long each ready client has waited for a worker. If often more than a few milliseconds,
    /// add workers or make the handler faster.
    pub waits: Histogram,
    /// How long turns took: reading, the handler, writing.
    pub turns: Histogram,
    /// Bytes that clients sent.
    pub bytes_in: u64,
    /// Bytes that clients were sent.
    pub bytes_out: u64,
    /// Messages given to clients: answers, and what was sent through a [`Client`](crate::Client).
    pub messages_out: u64,
    /// Messages read.
    pub messages_in: u64,
    /// Messages that ended with their connection, without a delimiter.
    pub partial: u64,
    /// Messages longer than the bound, delivered cut. Raise `message_max` or fix the sender.
    pub truncated: u64,
    /// Messages longer than the bound, skipped. As above.
    pub dropped: u64,
    /// Bytes that belong to no message: between two, or of a header whose message never came. Fix
    /// the sender or the framing.
    pub stray_bytes: u64,
    /// What waits for the service's own output, if it has one. If it is blocked, check its reader.
    pub outlet: Option<Outlet>,
    /// TLS sessions; `None` without [`Options::tls`](crate::Options).
    pub tls: Option<TlsStats>,
    /// Panics in handlers: each closed its client. The log says where.
    pub panics: u64,
    /// Accepts that failed for lack of a descriptor or memory. Raise the limit or lower
    /// `clients_max`.
    pub accept_exhausted: u64,
    /// Accepts that failed because the client had already left.
    pub accept_client: u64,
    /// Where the server is in its life.
    pub phase: ServerPhase,
    /// A drain was announced or has begun: send no new clients here.
    pub is_leaving: bool,
    /// Accepting is paused by request.
    pub is_paused: bool,
    /// Clients that have left since the drain began, or had received all their data.
    pub left: u64,
    /// Clients that were reset at the drain's deadline.
    pub cut_off: u64,
    /// Until the drain's deadline; until its begin, if it was only announced.
    pub drain_left: Option<Duration>,
}

impl Stats {
    /// How often one limit has acted on a client.
    pub fn limit(&self, limit: Limit) -> u64 {
        let found = self.limits.iter().find(|(one, _)| *one == limit);
        found.map_or(0, |(_, count)| *count)
    }

    pub(super) fn of(shared: &Shared) -> Stats {
        let totals = &shared.ctx.totals;
        let ctx = &shared.ctx;
        let sum = shared.worker_table.sum();
        let streamed = &ctx.streamed;
        let (left, cut_off, _) = ctx.drain.outcome();
        let kept = ctx.held.kept();
        let due = ctx.drain.begins().or_else(|| ctx.drain.deadline());
        let (workers_busy, workers_stuck) = shared.worker_table.load();
        let (ready, workers_on_duty) = shared.run_queue.load();
        Stats {
            accepted: shared.accepted.load(Ordering::Relaxed)
                + totals.turned_away.load(Ordering::Relaxed),
            arrived: ctx.held.arrived.load(Ordering::Relaxed),
            stayed: kept.stayed.into_iter().collect(),
            move_took: kept.took,
            clients: shared.ctx.registry.count(),
            lingering: ctx.lingering.count(),
            clients_max: ctx.knobs.clients_max.load(Ordering::Relaxed),
            ready: ready + ctx.wait_queue.waiting(),
            workers: ctx.knobs.workers.load(Ordering::Relaxed),
            workers_on_duty,
            workers_busy,
            workers_stuck,
            limits: LIMITS
                .map(|limit| (limit, shared.ctx.notices.count(limit)))
                .into(),
            waits: sum.waits,
            turns: sum.turns,
            bytes_in: sum.bytes_in + streamed.bytes_in.load(Ordering::Relaxed),
            bytes_out: sum.bytes_out + streamed.bytes_out.load(Ordering::Relaxed),
            messages_out: sum.messages_out,
            messages_in: totals.messages.load(Ordering::Relaxed),
            partial: totals.partial.load(Ordering::Relaxed),
            truncated: totals.truncated.load(Ordering::Relaxed),
            dropped: totals.dropped.load(Ordering::Relaxed),
            stray_bytes: totals.stray_bytes.load(Ordering::Relaxed),
            outlet: ctx.work.outlet(),
            tls: ctx.limits.options.tls.as_ref().map(|tls| TlsStats {
                certificates: tls.expiries(),
                ..ctx.handshakes.stats()
            }),
            panics: totals.panics.load(Ordering::Relaxed),
            accept_exhausted: shared.accept_errors.exhausted.load(Ordering::Relaxed),
            accept_client: shared.accept_errors.client.load(Ordering::Relaxed),
            phase: ctx.drain.phase(),
            is_leaving: ctx.drain.is_leaving(),
            is_paused: ctx.knobs.is_paused.load(Ordering::Relaxed),
            left,
            cut_off,
            drain_left: due.map(|due| due.saturating_duration_since(Instant::now())),
        }
    }
}
