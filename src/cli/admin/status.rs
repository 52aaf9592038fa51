//! `/status`: the server's state as JSON, which `poold status` reads as well.

use serde::{Deserialize, Serialize};

use super::faults::{self, CountRow};
use super::history::{Sample, millis};
use super::own::Table;
use super::response::Response;
use super::tls;
use super::top_clients::{ClientRow, HintRow};
use super::view::{View, phase_of, worker_name};
use crate::limits::limit::Limit;
use crate::scheduler::metrics::Histogram;
use crate::server::Stats;

/// Maximum workers that are listed, those that are busy longest.
const WORKERS_MAX: usize = 16;

/// The state of a server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) service: String,
    pub(crate) address: String,
    /// In the syntax of `--framing`; `None` for a stream service.
    #[serde(default)]
    pub(crate) framing: Option<String>,
    pub(crate) version: String,
    pub(crate) pid: u32,
    pub(crate) uptime_s: f64,
    /// `running`, `leaving`, `draining` or `stopped`.
    pub(crate) phase: String,
    pub(crate) is_paused: bool,
    pub(crate) drain: DrainRow,
    pub(crate) clients: ClientCounts,
    pub(crate) workers: Workers,
    pub(crate) traffic: Traffic,
    /// For a service that has one, such as `recv`.
    #[serde(default)]
    pub(crate) output: Option<OutputRow>,
    /// The service's own figures.
    #[serde(default)]
    pub(crate) tables: Vec<Table>,
    /// Over all turns so far.
    pub(crate) wait_ms: Quantiles,
    pub(crate) turn_ms: Quantiles,
    pub(crate) limits: Vec<CountRow>,
    /// What should not happen.
    #[serde(default)]
    pub(crate) faults: Vec<CountRow>,
    /// The last minutes, a sample a second.
    pub(crate) history: Vec<Sample>,
    pub(crate) busiest: Vec<ClientRow>,
    pub(crate) slowest: Vec<ClientRow>,
    /// Clients whose bytes do not fit the framing.
    #[serde(default)]
    pub(crate) hinted: Vec<HintRow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DrainRow {
    /// Until the drain's deadline, or its begin if it is announced.
    pub(crate) left_ms: Option<u64>,
    pub(crate) left: u64,
    pub(crate) cut_off: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClientCounts {
    pub(crate) open: usize,
    pub(crate) ready: usize,
    pub(crate) running: usize,
    pub(crate) max: usize,
    pub(crate) accepted: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Workers {
    pub(crate) total: usize,
    pub(crate) busy: usize,
    pub(crate) stuck: usize,
    pub(crate) panics: u64,
    pub(crate) list: Vec<WorkerRow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkerRow {
    pub(crate) name: String,
    pub(crate) client: u64,
    pub(crate) peer: String,
    pub(crate) busy_ms: u64,
    pub(crate) is_stuck: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Traffic {
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OutputRow {
    pub(crate) waiting_bytes: u64,
    /// For how long the output has taken nothing.
    pub(crate) blocked_s: f64,
    pub(crate) blocked_total_s: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Status {
    /// What limits have done, and what should not have happened, where it has.
    pub(crate) fn acted(&self) -> impl Iterator<Item = &CountRow> {
        let all = self.limits.iter().chain(&self.faults);
        all.filter(|row| row.count > 0)
    }
}

/// The answer, with the samples after this number.
pub(super) fn answer(view: &View, after: u64) -> Response {
    let mut status = look(view);
    status.history = view.history.lock().after(after);
    Response::json(&status)
}

/// The state now, without samples of the past.
pub(super) fn look(view: &View) -> Status {
    view.sample();
    let stats = view.handle.stats();
    let (busiest, mut slowest, hinted) = view.board.lock().look(view.handle.registry());
    for row in &mut slowest {
        row.dropped = view.dropped_of(row.id);
    }
    Status {
        service: view.service.to_owned(),
        address: view.address.clone(),
        framing: view.handle.framing().map(ToString::to_string),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_s: view.uptime().as_secs_f64(),
        phase: phase_of(&stats).to_owned(),
        is_paused: stats.is_paused,
        drain: DrainRow {
            left_ms: stats.drain_left.map(|left| left.as_millis() as u64),
            left: stats.left,
            cut_off: stats.cut_off,
        },
        clients: ClientCounts {
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
        tables: tables(view, &stats),
        wait_ms: quantiles(&stats.waits),
        turn_ms: quantiles(&stats.turns),
        limits: limits(&stats),
        faults: faults::rows(&stats),
        history: Vec::new(),
        busiest,
        slowest,
        hinted,
    }
}

/// What the service and TLS have of their own.
fn tables(view: &View, stats: &Stats) -> Vec<Table> {
    let own = view.own.iter().flat_map(|own| own.tables());
    own.chain(tls::table(stats)).collect()
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
    }
}

fn quantiles(of: &Histogram) -> Quantiles {
    Quantiles {
        p50: millis(of.quantile(0.5)),
        p99: millis(of.quantile(0.99)),
        max: millis(of.quantile(1.0)),
    }
}

fn limits(stats: &Stats) -> Vec<CountRow> {
    let row = |(limit, count): &(Limit, u64)| CountRow {
        name: limit.name().to_owned(),
        what: limit.describe().to_owned(),
        count: *count,
    };
    stats.limits.iter().map(row).collect()
}
