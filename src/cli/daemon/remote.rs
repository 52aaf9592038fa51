//! The figures of an output, or of a feed, on a server.

use std::sync::Arc;

use crate::cli::admin::{OwnFigures, OwnMetric, Table, Unit, Values};
use crate::service::recv::RemoteFigures;

/// See the head of the file.
pub(super) struct Figures(pub(super) Arc<RemoteFigures>);

impl OwnFigures for Figures {
    fn metrics(&self) -> Vec<OwnMetric> {
        let figures = &self.0;
        vec![
            OwnMetric::new(
                "poold_remote_written_total",
                "Messages that the server of --output or --to has answered for.",
                Values::Counter(figures.written() as f64),
            ),
            OwnMetric::new(
                "poold_remote_resent_total",
                "Messages that were sent again, because no answer had come; their copies have the \
                 same number. It grows: the log says why connections end.",
                Values::Counter(figures.resent() as f64),
            ),
            OwnMetric::new(
                "poold_remote_unanswered",
                "Messages that are sent and have no answer yet. For long above 0: the server is \
                 slow or away.",
                Values::Gauge(figures.unanswered() as f64),
            ),
            OwnMetric::new(
                "poold_remote_reconnects_total",
                "Connections to the server after the first one. It grows: look into the server's \
                 log, and for what closes connections on the way.",
                Values::Counter(figures.reconnects() as f64),
            ),
            OwnMetric::new(
                "poold_remote_away_seconds_total",
                "Time without a connection to the server. Clients of recv are not read \
                 meanwhile.",
                Values::Counter(figures.away().as_secs_f64()),
            ),
        ]
    }

    fn tables(&self) -> Vec<Table> {
        let figures = &self.0;
        let figures = [
            ("written", Unit::Count, figures.written()),
            ("resent", Unit::Count, figures.resent()),
            ("unanswered", Unit::Count, figures.unanswered()),
            ("reconnects", Unit::Count, figures.reconnects()),
            ("away", Unit::Seconds, figures.away().as_secs()),
        ];
        vec![Table::of_one("remote", &figures)]
    }
}
