//! SIGUSR1: the server's state, as a few lines of the log.

use tracing::info;

use super::own::{Cell, Column, Table};
use super::status::{Status, WorkerRow, look};
use super::view::View;
use crate::cli::figures::{at_most, span};

/// Maximum workers that are named, those that are busy longest.
const WORKERS_MAX: usize = 8;
/// Minimum time for which a named worker is busy.
const BUSY_MS: u64 = 1000;

pub(super) fn dump(view: &View) {
    let status = look(view);
    let (service, address, drain) = (&status.service, &status.address, &status.drain);
    let (clients, workers, traffic) = (&status.clients, &status.workers, &status.traffic);
    let phase = match status.is_paused {
        true => "accepting is paused",
        false => &status.phase,
    };
    let up = span(status.uptime_s);
    info!(service, address, up, "state: {phase}");
    let (left, cut_off) = match status.phase.as_str() {
        "running" => (None, None),
        _ => (Some(drain.left), Some(drain.cut_off)),
    };
    let (open, max, ready, accepted) = (clients.open, clients.max, clients.ready, clients.accepted);
    info!(open, max, ready, accepted, left, cut_off, "state: clients");
    let (busy, total, stuck, panics) = (workers.busy, workers.total, workers.stuck, workers.panics);
    let wait_p99 = at_most(status.wait_ms.p99);
    let turn_p99 = at_most(status.turn_ms.p99);
    info!(
        busy,
        total, stuck, panics, wait_p99, turn_p99, "state: workers"
    );
    info!(
        messages_in = traffic.messages_in,
        messages_out = traffic.messages_out,
        bytes_in = traffic.bytes_in,
        bytes_out = traffic.bytes_out,
        "state: traffic"
    );
    if let Some(output) = &status.output {
        let (waiting_bytes, blocked) = (output.waiting_bytes, span(output.blocked_s));
        let blocked_in_all = span(output.blocked_total_s);
        info!(waiting_bytes, blocked, blocked_in_all, "state: output");
    }
    status.tables.iter().for_each(rows);
    if let Some(acted) = acted(&status) {
        info!("state: so far {acted}");
    }
    let is_long = |one: &&WorkerRow| one.is_stuck || one.busy_ms >= BUSY_MS;
    for one in workers.list.iter().filter(is_long).take(WORKERS_MAX) {
        let (worker, id, peer, ms) = (&one.name, one.client, &one.peer, one.busy_ms);
        info!(worker, id, peer, ms, "state: a worker is busy");
    }
}

/// A service's own figures: a line for each row.
fn rows(table: &Table) {
    for row in &table.rows {
        let cell = |(column, cell): (&Column, &Cell)| match cell {
            Cell::Number(number) => format!("{} {number}", column.name),
            Cell::Text(text) => format!("{} {text}", column.name),
        };
        let cells: Vec<_> = table.columns.iter().zip(row).map(cell).collect();
        info!("state: {}: {}", table.name, cells.join(", "));
    }
}

/// What limits have done, and what was cut or lost.
fn acted(status: &Status) -> Option<String> {
    let acted: Vec<_> = status
        .acted()
        .map(|row| format!("{} {}", row.name, row.count))
        .collect();
    (!acted.is_empty()).then(|| acted.join(", "))
}
