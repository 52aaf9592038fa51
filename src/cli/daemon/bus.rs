//! The figures of a chat that is one house with those of other daemons.

use std::time::Duration;

use crate::cli::admin::{OwnFigures, OwnMetric, Table, Unit, Values};
use crate::service::chat::{BusFigures, Chat};

/// A balancer sends people elsewhere after this.
const UNREADY_AFTER: Duration = Duration::from_secs(60);

/// See the head of the file.
pub(super) struct Figures(pub(super) Chat);

impl Figures {
    fn now(&self) -> BusFigures {
        self.0.bus_figures().unwrap_or_default()
    }
}

impl OwnFigures for Figures {
    fn metrics(&self) -> Vec<OwnMetric> {
        let now = self.now();
        let mut all = gauges(&now);
        all.extend(counters(&now));
        all
    }

    fn tables(&self) -> Vec<Table> {
        let now = self.now();
        let figures = [
            ("daemons", Unit::Count, now.daemons),
            ("people", Unit::Count, now.people),
            ("lag", Unit::Seconds, now.lag.as_secs()),
            ("unread", Unit::Count, now.unread),
            ("written", Unit::Count, now.written),
            ("read", Unit::Count, now.read),
            ("resent", Unit::Count, now.resent),
            ("reconnects", Unit::Count, now.reconnects),
            ("missing", Unit::Count, now.missing),
            ("rejoined", Unit::Count, now.rejoined),
            ("passed over", Unit::Count, now.passed_over),
            ("away", Unit::Seconds, now.away.as_secs()),
        ];
        vec![Table::of_one("bus", &figures)]
    }

    fn unready(&self) -> Option<String> {
        let away = self.now().away_now;
        let seconds = away.as_secs();
        (away >= UNREADY_AFTER)
            .then(|| format!("the other machines can't be reached for {seconds} s"))
    }
}

fn gauges(now: &BusFigures) -> Vec<OwnMetric> {
    vec![
        OwnMetric::new(
            "poold_bus_daemons",
            "Daemons of the house, this one included.",
            Values::Gauge(now.daemons as f64),
        ),
        OwnMetric::new(
            "poold_bus_people",
            "People of the house, on all daemons.",
            Values::Gauge(now.people as f64),
        ),
        OwnMetric::new(
            "poold_bus_lag_seconds",
            "From the time of the last entry to its reading here, by the clocks of both \
                 machines. It grows: this daemon reads slower than all of them write.",
            Values::Gauge(now.lag.as_secs_f64()),
        ),
        OwnMetric::new(
            "poold_bus_unread",
            "Acts of this daemon's people that were not read back yet; they wait for them.",
            Values::Gauge(now.unread as f64),
        ),
    ]
}

fn counters(now: &BusFigures) -> Vec<OwnMetric> {
    let counter =
        |name, help, value: u64| OwnMetric::new(name, help, Values::Counter(value as f64));
    vec![
        counter(
            "poold_bus_written_total",
            "Entries that this daemon has written.",
            now.written,
        ),
        counter(
            "poold_bus_read_total",
            "Entries that it has read.",
            now.read,
        ),
        counter(
            "poold_bus_resent_total",
            "Entries that were sent again under the same number, because they had not come \
                 back; readers drop copies.",
            now.resent,
        ),
        counter(
            "poold_bus_reconnects_total",
            "Connections to the server after the first ones. It grows: the log says why they \
                 end.",
            now.reconnects,
        ),
        counter(
            "poold_bus_missing_total",
            "Entries that were trimmed or lost before they were read, as their numbers show. \
                 After that the daemon joins the others again: raise keep=, or look at what the \
                 server loses.",
            now.missing,
        ),
        counter(
            "poold_bus_rejoined_total",
            "How often the daemon had to join the others again, and its people came in again.",
            now.rejoined,
        ),
        counter(
            "poold_bus_passed_over_total",
            "Entries and acts that say nothing to this daemon: others write to the stream.",
            now.passed_over,
        ),
        OwnMetric::new(
            "poold_bus_away_seconds_total",
            "Time in which the others could not be reached. People wait meanwhile.",
            Values::Counter(now.away.as_secs_f64()),
        ),
    ]
}
