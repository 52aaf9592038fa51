//! `/status`: the server's state as JSON, which `poold status` reads as well.

use serde::{Deserialize, Serialize};

use super::history::{Sample, millis};
use super::response::Response;
use super::top_clients::{Board, ClientRow, HintRow};
use super::view::{View, phase_of, worker_name};
use crate::limits::limit::Limit;
use crate::scheduler::metrics::Histogram;
use crate::server::Stats;

/// Maximum workers that are listed, those that are busy longest.
const WORKERS_MAX: usize = 16;

/// The state of a server.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Status {
    pub(in crate::cli) service: String,
    pub(in crate::cli) address: String,
    /// In the syntax of `--framing`; `None` for a stream service.
    #[serde(default)]
    pub(in crate::cli) framing: Option<String>,
    pub(in crate::cli) version: String,
    pub(in crate::cli) pid: u32,
    pub(in crate::cli) uptime_s: f64,
    /// `running`, `leaving`, `draining` or `stopped`.
    pub(in crate::cli) phase: String,
    pub(in crate::cli) is_paused: bool,
    pub(in crate::cli) drain: Drain,
    pub(in crate::cli) clients: Clients,
    pub(in crate::cli) workers: Workers,
    pub(in crate::cli) traffic: Traffic,
    /// For a service that has one, such as `recv`.
    #[serde(default)]
    pub(in crate::cli) output: Option<OutputRow>,
    /// Over all turns so far.
    pub(in crate::cli) wait_ms: Quantiles,
    pub(in crate::cli) turn_ms: Quantiles,
    pub(in crate::cli) limits: Vec<LimitRow>,
    /// The last minutes, a sample a second.
    pub(in crate::cli) history: Vec<Sample>,
    pub(in crate::cli) busiest: Vec<ClientRow>,
    pub(in crate::cli) slowest: Vec<ClientRow>,
    /// Clients whose bytes do not fit the framing.
    #[serde(default)]
    pub(in crate::cli) hinted: Vec<HintRow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Drain {
    /// Until the drain's deadline, or its begin if it is announced.
    pub(in crate::cli) left_ms: Option<u64>,
    pub(in crate::cli) left: u64,
    pub(in crate::cli) cut_off: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Clients {
    pub(in crate::cli) open: usize,
    pub(in crate::cli) ready: usize,
    pub(in crate::cli) running: usize,
    pub(in crate::cli) max: usize,
    pub(in crate::cli) accepted: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Workers {
    pub(in crate::cli) total: usize,
    pub(in crate::cli) busy: usize,
    pub(in crate::cli) stuck: usize,
    pub(in crate::cli) panics: u64,
    pub(in crate::cli) list: Vec<WorkerRow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct WorkerRow {
    pub(in crate::cli) name: String,
    pub(in crate::cli) client: u64,
    pub(in crate::cli) peer: String,
    pub(in crate::cli) busy_ms: u64,
    pub(in crate::cli) is_stuck: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Traffic {
    pub(in crate::cli) messages_in: u64,
    pub(in crate::cli) messages_out: u64,
    pub(in crate::cli) bytes_in: u64,
    pub(in crate::cli) bytes_out: u64,
    pub(in crate::cli) partial: u64,
    pub(in crate::cli) truncated: u64,
    pub(in crate::cli) dropped: u64,
    #[serde(default)]
    pub(in crate::cli) stray_bytes: u64,
    pub(in crate::cli) accept_exhausted: u64,
    pub(in crate::cli) accept_client: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct OutputRow {
    pub(in crate::cli) waiting_bytes: u64,
    /// For how long the output has taken nothing.
    pub(in crate::cli) blocked_s: f64,
    pub(in crate::cli) blocked_total_s: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Quantiles {
    pub(in crate::cli) p50: f64,
    pub(in crate::cli) p99: f64,
    pub(in crate::cli) max: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct LimitRow {
    pub(in crate::cli) name: String,
    pub(in crate::cli) what: String,
    pub(in crate::cli) count: u64,
}

/// The answer, with the samples after this number.
pub(super) fn answer(view: &View, after: u64) -> Response {
    Response::json(&look(view, after))
}

/// The state now.
pub(super) fn look(view: &View, after: u64) -> Status {
    view.sample();
    let stats = view.handle.stats();
    let (busiest, slowest, hinted) = {
        let mut board = view.board.lock();
        board.look(view.handle.registry());
        let Board {
            busiest,
            slowest,
            hinted,
            ..
        } = &*board;
        (busiest.clone(), slowest.clone(), hinted.clone())
    };
    Status {
        service: view.service.to_owned(),
        address: view.address.clone(),
        framing: view.handle.framing().map(ToString::to_string),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_s: view.uptime().as_secs_f64(),
        phase: phase_of(&stats).to_owned(),
        is_paused: stats.is_paused,
        drain: Drain {
            left_ms: stats.drain_left.map(|left| left.as_millis() as u64),
            left: stats.left,
            cut_off: stats.cut_off,
        },
        clients: Clients {
            open: stats.clients,
            ready: stats.ready,
            running: stats.workers_busy,
            max: stats.clients_max,
            accepted: stats.accepted,
        },
        workers: workers(view, &stats),
        traffic: traffic(&stats),
        output: stats.outlet.map(|outlet| OutputRow {
            waiting_bytes: outlet.waiting_bytes,
            blocked_s: outlet.blocked.as_secs_f64(),
            blocked_total_s: outlet.blocked_total.as_secs_f64(),
        }),
        wait_ms: quantiles(&stats.waits),
        turn_ms: quantiles(&stats.turns),
        limits: limits(&stats),
        history: view.history.lock().after(after),
        busiest,
        slowest,
        hinted,
    }
}

fn workers(view: &View, stats: &Stats) -> Workers {
    let mut busy = view.handle.workers();
    busy.sort_unstable_by_key(|one| std::cmp::Reverse(one.busy_for));
    busy.truncate(WORKERS_MAX);
    let peer = |id| {
        let client = view.handle.registry().client(id);
        client.map(|client| client.peer().to_string())
    };
    let row = |one: crate::scheduler::worker_status::WorkerInfo| WorkerRow {
        name: worker_name(one.number),
        client: one.client,
        peer: peer(one.client).unwrap_or_default(),
        busy_ms: one.busy_for.as_millis() as u64,
        is_stuck: one.is_stuck,
    };
    Workers {
        total: stats.workers,
        busy: stats.workers_busy,
        stuck: stats.workers_stuck,
        panics: stats.panics,
        list: busy.into_iter().map(row).collect(),
    }
}

fn traffic(stats: &Stats) -> Traffic {
    Traffic {
        messages_in: stats.messages_in,
        messages_out: stats.messages_out,
        bytes_in: stats.bytes_in,
        bytes_out: stats.bytes_out,
        partial: stats.partial,
        truncated: stats.truncated,
        dropped: stats.dropped,
        stray_bytes: stats.stray_bytes,
        accept_exhausted: stats.accept_exhausted,
        accept_client: stats.accept_client,
    }
}

fn quantiles(of: &Histogram) -> Quantiles {
    Quantiles {
        p50: millis(of.quantile(0.5)),
        p99: millis(of.quantile(0.99)),
        max: millis(of.quantile(1.0)),
    }
}

fn limits(stats: &Stats) -> Vec<LimitRow> {
    let row = |(limit, count): &(Limit, u64)| LimitRow {
        name: limit.name().to_owned(),
        what: limit.describe().to_owned(),
        count: *count,
    };
    stats.limits.iter().map(row).collect()
}
