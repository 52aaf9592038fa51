//! The figures of TLS, for `/metrics`, the page and `poold status`.

use super::families::Families;
use super::own::Table;
use crate::connection::handshakes::TlsStats;
use crate::server::Stats;

pub(super) fn metrics(stats: &Stats, to: &mut Families) {
    let Some(tls) = &stats.tls else {
        return;
    };
    certificates(tls, to);
    to.counter(
        "poold_tls_handshakes_started_total",
        "TLS handshakes that began. It grows much faster than the number of clients: clients \
         connect for each message, which costs a handshake each time.",
        tls.started,
    );
    to.counter(
        "poold_tls_handshakes_done_total",
        "TLS handshakes that were completed.",
        tls.done,
    );
    to.counters(
        "poold_tls_handshakes_failed_total",
        "TLS handshakes that failed. plain: the client has to speak TLS; invalid: it speaks \
         something else; nothing_in_common: it is too old; refused_by_client: give it the root of \
         the certificate, or renew that; client_certificate: the log says what is wrong with the \
         client's; timed_out: --handshake; left: often a health check.",
        "reason",
        tls.failed.iter().copied(),
    );
    to.seconds(
        "poold_tls_handshakes_computing_seconds_total",
        "Processor time of computing TLS handshakes, on all cores but one at most. Near one \
         second a second for each such core: have clients stay connected, or take a certificate \
         with an ECDSA key.",
        tls.computed.as_secs_f64(),
    );
    to.counter(
        "poold_tls_sessions_truncated_total",
        "Clients whose connection ended before their TLS session did. Some programs end so \
         (ncat); otherwise the last message may be cut.",
        tls.truncated,
    );
    to.counter(
        "poold_tls_plain_clients_total",
        "Clients that speak plainly (--tls optional). When it no longer grows, all clients speak \
         TLS: leave out --tls optional.",
        tls.plain,
    );
}

fn certificates(tls: &TlsStats, to: &mut Families) {
    to.gauges(
        "poold_tls_certificate_expiry_timestamp_seconds",
        "When the certificate, or one that leads to its root, expires, in seconds since 1970. \
         Renew it before; the files are read again.",
        "certificate",
        tls.certificates
            .iter()
            .map(|(file, until)| (file.as_str(), *until as f64)),
    );
}

pub(super) fn table(stats: &Stats) -> Option<Table> {
    let tls = stats.tls.as_ref()?;
    let first = [
        ("handshakes", tls.started),
        ("done", tls.done),
        ("truncated", tls.truncated),
        ("plain", tls.plain),
    ];
    let failed = tls.failed.iter().copied().filter(|(_, count)| *count > 0);
    let all: Vec<_> = first.into_iter().chain(failed).collect();
    Some(Table::of_counts("TLS", &all))
}
