//! `/metrics`: the server's figures as Prometheus reads them.

use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};
use prometheus::{TEXT_FORMAT, TextEncoder};

use super::response::Response;
use crate::server::Stats;

/// The text.
pub(super) fn answer(stats: &Stats) -> Response {
    let families = [
        counter(
            "poold_clients_accepted_total",
            "Clients accepted.",
            stats.accepted,
        ),
        gauge(
            "poold_clients",
            "Clients connected now.",
            stats.clients as f64,
        ),
        counter(
            "poold_messages_received_total",
            "Messages read.",
            stats.messages,
        ),
    ];
    match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => Response::new(200, TEXT_FORMAT, text.into_bytes()),
        Err(error) => Response::text(500, error.to_string()),
    }
}

fn family(name: &str, help: &str, kind: MetricType, metric: Metric) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(vec![metric]);
    family
}

fn counter(name: &str, help: &str, value: u64) -> MetricFamily {
    let mut counter = Counter::default();
    counter.set_value(value as f64);
    let mut metric = Metric::default();
    metric.set_counter(counter);
    family(name, help, MetricType::COUNTER, metric)
}

fn gauge(name: &str, help: &str, value: f64) -> MetricFamily {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    family(name, help, MetricType::GAUGE, Metric::from_gauge(gauge))
}
