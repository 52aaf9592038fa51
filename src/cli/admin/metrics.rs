//! `/metrics`: the server's figures as Prometheus reads them.
//!
//! No label's values grow with the number of clients. Each help says what to do about it.

use prometheus::{TEXT_FORMAT, TextEncoder};

use super::families::Families;
use super::response::Response;
use super::view::{View, phase_of, worker_name};
use crate::limits::limit::Limit;
use crate::server::Stats;

/// The text.
pub(super) fn answer(view: &View) -> Response {
    let stats = view.handle.stats();
    let mut to = Families::default();
    process(view, &stats, &mut to);
    clients(&stats, &mut to);
    limits(&stats, &mut to);
    workers(view, &stats, &mut to);
    traffic(&stats, &mut to);
    outlet(&stats, &mut to);
    match TextEncoder::new().encode_to_string(&to.0) {
        Ok(text) => Response::new(200, TEXT_FORMAT, text.into_bytes()),
        Err(error) => Response::text(500, error.to_string()),
    }
}

fn process(view: &View, stats: &Stats, to: &mut Families) {
    to.gauges(
        "poold_build_info",
        "Always 1; the label says which version runs.",
        "version",
        [(env!("CARGO_PKG_VERSION"), 1.0)],
    );
    to.gauge(
        "process_start_time_seconds",
        "When it was started, in seconds since 1970. Changes often: look into its log.",
        view.started_at(),
    );
    let now = phase_of(stats);
    let phases = ["running", "leaving", "draining", "stopped"];
    to.gauges(
        "poold_phase",
        "1 for the phase that it is in: leaving is announced and still accepts, draining ends. \
         Not running without anybody having asked for it: look into its log.",
        "phase",
        phases.map(|phase| (phase, f64::from(u8::from(phase == now)))),
    );
    to.gauge(
        "poold_accepting_paused",
        "1 while somebody has paused accepting. Go on with: poold resume.",
        f64::from(u8::from(stats.is_paused)),
    );
}

fn clients(stats: &Stats, to: &mut Families) {
    to.counter(
        "poold_clients_accepted_total",
        "Clients accepted. Grows much faster than clients stay: they connect for each message, \
         which costs more than staying.",
        stats.accepted,
    );
    let running = stats.workers_busy.min(stats.clients);
    let ready = stats.ready.min(stats.clients - running);
    let resting = stats.clients - running - ready;
    to.gauges(
        "poold_clients",
        "Clients connected: resting ones wait for nothing, ready ones for a worker, running ones \
         have one. Often ready: add workers, or make the handler quicker.",
        "state",
        [
            ("resting", resting as f64),
            ("ready", ready as f64),
            ("running", running as f64),
        ],
    );
    to.gauge(
        "poold_clients_lingering",
        "Of the resting clients, those that have all they were sent, and the end, and have not \
         closed. Many: mend the clients, or lower --write-stall. They make room when it is \
         needed.",
        stats.lingering as f64,
    );
    to.gauge(
        "poold_clients_max",
        "As many as there may be. Near it: raise --max-clients, and ulimit -n with it.",
        stats.clients_max as f64,
    );
    to.counters(
        "poold_accept_errors_total",
        "Failed accepts: exhausted for want of descriptors or memory (raise ulimit -n or lower \
         --max-clients), client when it had gone already (nothing to do).",
        "kind",
        [
            ("exhausted", stats.accept_exhausted),
            ("client", stats.accept_client),
        ],
    );
    let drained = [("left", stats.left), ("cut_off", stats.cut_off)];
    to.counters(
        "poold_drain_clients_total",
        "Clients gone since the drain began: by themselves or with all that they were to get, or \
         reset at its deadline. Cut off: raise --drain, or have clients close when they see the \
         end.",
        "how",
        drained,
    );
}

/// Limits of the family of closed clients; clients that don't read have a family of their own.
fn is_among_closed(limit: Limit) -> bool {
    limit.closes() && limit != Limit::WriteStall
}

fn limits(stats: &Stats, to: &mut Families) {
    let of = |wanted: fn(Limit) -> bool| {
        let limits = stats.limits.iter();
        let limits = limits.filter(move |(limit, _)| wanted(*limit));
        limits.map(|(limit, count)| (limit.name(), *count))
    };
    to.counters(
        "poold_clients_refused_total",
        "Clients kept out, or made to wait in the backlog with --when-full wait, by the limit. \
         clients: raise --max-clients; address_share, address_list: theirs; overload, queue, wait: \
         add workers.",
        "reason",
        of(Limit::refuses),
    );
    to.counters(
        "poold_clients_closed_total",
        "Clients closed by a limit. Devices that should stay: raise the flag of the same name. \
         shed: raise --max-clients. framing: mend the sender, or --framing. replaced: raise \
         --max-per-address. proxy_header: mend the balancer, or --proxy-from.",
        "reason",
        of(is_among_closed),
    );
    to.counter(
        "poold_slow_readers_disconnected_total",
        "Clients that took nothing of what they were owed for --write-stall, or for 30 s while \
         they were being closed. Mend the client.",
        stats.limit(Limit::WriteStall),
    );
    to.counter(
        "poold_accept_rate_limited_total",
        "How often clients had to wait in the backlog for --accept-rate. Raise it if they should \
         not.",
        stats.limit(Limit::AcceptRate),
    );
}

fn workers(view: &View, stats: &Stats, to: &mut Families) {
    to.gauge(
        "poold_workers",
        "Workers that there are. Change it: poold set workers N.",
        stats.workers as f64,
    );
    to.gauge(
        "poold_workers_on_duty",
        "Workers called in now, the one that waits for clients included.",
        stats.workers_on_duty as f64,
    );
    to.gauge(
        "poold_workers_busy",
        "Workers that serve a client now. All of them, for long: add workers.",
        stats.workers_busy as f64,
    );
    to.gauge(
        "poold_workers_stuck",
        "Workers that have not come back from a handler for --stuck-after. See poold status and \
         the log for their clients; find out what the handler waits for.",
        stats.workers_stuck as f64,
    );
    let stuck: Vec<_> = view.handle.workers();
    let stuck: Vec<_> = stuck.iter().filter(|worker| worker.is_stuck).collect();
    let names: Vec<_> = stuck.iter().map(|one| worker_name(one.number)).collect();
    let times = stuck.iter().map(|one| one.busy_for.as_secs_f64());
    to.gauges(
        "poold_worker_stuck_seconds",
        "For each stuck worker, since when. As above.",
        "worker",
        names.iter().map(String::as_str).zip(times),
    );
    to.counter(
        "poold_handler_panics_total",
        "Panics in handlers: each has closed its client. The log says where; mend the handler.",
        stats.panics,
    );
    to.histogram(
        "poold_ready_wait_seconds",
        "How long a ready client has waited for a worker, for each turn. Often above 0.01: add \
         workers, or make the handler quicker.",
        &stats.waits,
    );
    to.histogram(
        "poold_turn_seconds",
        "How long a turn has taken: reading, the handler, writing. Longer than you expect: the \
         handler waits for something.",
        &stats.turns,
    );
}

fn traffic(stats: &Stats, to: &mut Families) {
    to.counter(
        "poold_messages_received_total",
        "Messages read.",
        stats.messages_in,
    );
    to.counter(
        "poold_messages_sent_total",
        "Messages given to clients: answers, and what others have sent to them.",
        stats.messages_out,
    );
    to.counter(
        "poold_received_bytes_total",
        "Bytes read from clients.",
        stats.bytes_in,
    );
    to.counter(
        "poold_sent_bytes_total",
        "Bytes written to clients.",
        stats.bytes_out,
    );
    to.counter(
        "poold_messages_truncated_total",
        "Messages cut at --message-max. Raise it, or mend the sender.",
        stats.truncated,
    );
    to.counter(
        "poold_messages_partial_total",
        "Messages that ended with their connection, not with a delimiter. Many: clients are cut \
         off in the midst of a message.",
        stats.partial,
    );
    to.counters(
        "poold_messages_dropped_total",
        "Messages read and not delivered. overlong: over --message-max with --overlong drop; \
         raise it, or mend the sender.",
        "reason",
        [("overlong", stats.dropped)],
    );
    to.counter(
        "poold_stray_bytes_total",
        "Bytes read that belong to no message: between two, or of a header whose message never \
         came. Mend the sender, or --framing.",
        stats.stray_bytes,
    );
}

/// Of a service that has an output of its own, as recv has.
fn outlet(stats: &Stats, to: &mut Families) {
    let Some(outlet) = &stats.outlet else {
        return;
    };
    to.gauge(
        "poold_output_waiting_bytes",
        "Bytes that wait for the output to take them. Often above a megabyte: the output is slower \
         than the clients; see to whoever reads it, or the disk.",
        outlet.waiting_bytes as f64,
    );
    to.gauge(
        "poold_output_blocked_seconds",
        "For how long the output has taken nothing; 0 while it takes what it is given. Clients are \
         not read meanwhile: see to whoever reads it, or the disk.",
        outlet.blocked.as_secs_f64(),
    );
    to.seconds(
        "poold_output_blocked_seconds_total",
        "For how long the output has taken nothing in all, waits under a second not counted. As \
         above.",
        outlet.blocked_total.as_secs_f64(),
    );
}
