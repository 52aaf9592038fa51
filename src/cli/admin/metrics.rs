//! `/metrics`: the server's figures as Prometheus reads them.
//!
//! No label's values grow with the number of clients. Each help says what to do about it.

use prometheus::{TEXT_FORMAT, TextEncoder};

use super::families::Families;
use super::faults;
use super::response::Response;
use super::tls;
use super::view::{View, phase_of, worker_name};
use crate::limits::limit::Limit;
use crate::server::Stats;

/// The text.
pub(super) fn answer(view: &View) -> Response {
    let stats = view.handle.stats();
    let mut to = Families::default();
    process(view, &stats, &mut to);
    clients(&stats, &mut to);
    moves(&stats, &mut to);
    limits(&stats, &mut to);
    workers(view, &stats, &mut to);
    traffic(&stats, &mut to);
    faults::metrics(&stats, &mut to);
    outlet(&stats, &mut to);
    tls::metrics(&stats, &mut to);
    let own = view.own.iter().flat_map(|own| own.metrics());
    own.for_each(|metric| to.own(&metric));
    match TextEncoder::new().encode_to_string(&to.0) {
        Ok(text) => Response::new(200, TEXT_FORMAT, text.into_bytes()),
        Err(error) => Response::text(500, error.to_string()),
    }
}

fn process(view: &View, stats: &Stats, to: &mut Families) {
    to.gauges(
        "poold_build_info",
        "Always 1; the label is the running version.",
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
        "1 for the current phase. leaving: the drain is announced, and poold still accepts \
         clients; draining: poold is ending. Another phase than running without a request for it: \
         read the log.",
        "phase",
        phases.map(|phase| (phase, f64::from(u8::from(phase == now)))),
    );
    to.gauge(
        "poold_accepting_paused",
        "1 while an operator has paused accepting. Resume with: poold resume.",
        f64::from(u8::from(stats.is_paused)),
    );
}

fn clients(stats: &Stats, to: &mut Families) {
    to.counter(
        "poold_clients_accepted_total",
        "Clients accepted, also those that were refused then. It grows much faster than the \
         number of connected clients: clients connect for each message, which costs more than \
         keeping the connection.",
        stats.accepted,
    );
    let running = stats.workers_busy.min(stats.clients);
    let ready = stats.ready.min(stats.clients - running);
    let resting = stats.clients - running - ready;
    to.gauges(
        "poold_clients",
        "Clients connected. resting: has nothing to do; ready: waits for a worker; running: a \
         worker serves it. Often ready: add workers, or make the handler faster.",
        "state",
        [
            ("resting", resting as f64),
            ("ready", ready as f64),
            ("running", running as f64),
        ],
    );
    to.gauge(
        "poold_clients_lingering",
        "Resting clients that have received all their data and its end, but have not closed. \
         Many: fix the clients, or lower --write-stall. poold closes them when it needs their \
         places.",
        stats.lingering as f64,
    );
    to.gauge(
        "poold_clients_max",
        "Maximum number of clients. poold_clients is near it: raise --max-clients, and ulimit -n \
         with it.",
        stats.clients_max as f64,
    );
    let drained = [("left", stats.left), ("cut_off", stats.cut_off)];
    to.counters(
        "poold_drain_clients_total",
        "Clients gone since the drain began. left: closed by themselves or had received \
         everything; cut_off: reset at the deadline. Often cut_off: raise --drain, or have \
         clients close when they see the end.",
        "how",
        drained,
    );
}

/// Of the take-over that began this process.
fn moves(stats: &Stats, to: &mut Families) {
    to.counter(
        "poold_clients_moved_total",
        "Clients that came from the process before, at a take-over.",
        stats.arrived,
    );
    to.counters(
        "poold_clients_stayed_total",
        "Clients that the process before drained at the take-over, by reason. The manual's page \
         operating says what each means.",
        "reason",
        stats.stayed.iter().map(|(why, count)| (why.name(), *count)),
    );
    to.gauge(
        "poold_move_seconds",
        "How long the process before took to move its clients to this one.",
        stats.move_took.as_secs_f64(),
    );
}

fn limits(stats: &Stats, to: &mut Families) {
    let of = |wanted: fn(Limit) -> bool| {
        let limits = stats.limits.iter();
        let limits = limits.filter(move |(limit, _)| wanted(*limit));
        limits.map(|(limit, count)| (limit.name(), *count))
    };
    to.counters(
        "poold_clients_refused_total",
        "Clients refused by each limit, or held in the backlog with --when-full wait. clients: \
         raise --max-clients; address_share, address_list: --max-per-address, --allow, --deny; \
         overload, queue, wait: add workers.",
        "reason",
        of(Limit::refuses),
    );
    to.counters(
        "poold_clients_closed_total",
        "Clients closed by each limit. Devices that should stay connected: raise the flag of the \
         same name. shed: raise --max-clients. framing: fix the sender or --framing. replaced: \
         raise --max-per-address. proxy_header: fix the balancer or --proxy-from. handshake: \
         the log says why.",
        "reason",
        // Clients that don't read have a family of their own.
        of(|limit| limit.closes() && limit != Limit::WriteStall),
    );
    to.counter(
        "poold_slow_readers_disconnected_total",
        "Clients that read none of their waiting data for --write-stall, or for 30 s while poold \
         was closing them. Fix the client.",
        stats.limit(Limit::WriteStall),
    );
    to.counter(
        "poold_accept_rate_limited_total",
        "How often clients waited in the backlog because of --accept-rate. Raise the rate if they \
         should not wait.",
        stats.limit(Limit::AcceptRate),
    );
}

fn workers(view: &View, stats: &Stats, to: &mut Families) {
    to.gauge(
        "poold_workers",
        "Number of workers. Change it with: poold set workers N.",
        stats.workers as f64,
    );
    to.gauge(
        "poold_workers_on_duty",
        "Workers in use now, including the one that waits for clients.",
        stats.workers_on_duty as f64,
    );
    to.gauge(
        "poold_workers_busy",
        "Workers that serve a client now. All of them for a long time: add workers.",
        stats.workers_busy as f64,
    );
    to.gauge(
        "poold_workers_stuck",
        "Workers whose handler has not returned for --stuck-after. poold status and the log name \
         their clients; find out what the handler waits for.",
        stats.workers_stuck as f64,
    );
    let stuck: Vec<_> = view.handle.workers();
    let stuck: Vec<_> = stuck.iter().filter(|worker| worker.is_stuck).collect();
    let names: Vec<_> = stuck.iter().map(|one| worker_name(one.number)).collect();
    let times = stuck.iter().map(|one| one.busy_for.as_secs_f64());
    to.gauges(
        "poold_worker_stuck_seconds",
        "How long each stuck worker has been stuck. poold status and the log name the client.",
        "worker",
        names.iter().map(String::as_str).zip(times),
    );
    to.counter(
        "poold_handler_panics_total",
        "Panics in handlers; each closed its client. The log says where; fix the handler.",
        stats.panics,
    );
    to.histogram(
        "poold_ready_wait_seconds",
        "How long a ready client waited for a worker, one value a turn. Often above 0.01: add \
         workers, or make the handler faster.",
        &stats.waits,
    );
    to.histogram(
        "poold_turn_seconds",
        "How long a turn took: reading, the handler, writing. Longer than expected: the handler \
         waits for something.",
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
        "Messages given to clients: answers, and messages from other clients.",
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
}

/// For a service with an output of its own, such as recv.
fn outlet(stats: &Stats, to: &mut Families) {
    let Some(outlet) = &stats.outlet else {
        return;
    };
    to.gauge(
        "poold_output_waiting_bytes",
        "Bytes that wait for the output of recv. Often above a megabyte: the output is slower \
         than the clients; check its reader or the disk.",
        outlet.waiting_bytes as f64,
    );
    to.gauge(
        "poold_output_blocked_seconds",
        "For how long the output has been blocked; 0 while it accepts data. poold does not read \
         from clients meanwhile: check the output's reader or the disk.",
        outlet.blocked.as_secs_f64(),
    );
    to.seconds(
        "poold_output_blocked_seconds_total",
        "Total time for which the output was blocked, without waits under a second. As above.",
        outlet.blocked_total.as_secs_f64(),
    );
}
