//! The figures of `poold exec`: its programs.

use crate::cli::admin::{OwnFigures, OwnMetric, Table, Values};
use crate::service::exec::Runner;

/// See the head of the file.
pub(super) struct Figures(pub(super) Runner);

impl OwnFigures for Figures {
    fn metrics(&self) -> Vec<OwnMetric> {
        let stats = self.0.stats();
        let ended = stats.ended.iter();
        let ended = ended.map(|(status, count)| ((*status).to_owned(), *count as f64));
        vec![
            OwnMetric::new(
                "poold_programs_running",
                "Programs that run or are about to start. As many as --workers for a long \
                       time: clients wait; add workers, or bound the programs with --timeout.",
                Values::Gauge(stats.running as f64),
            ),
            OwnMetric::new(
                "poold_programs_started_total",
                "Programs that were started.",
                Values::Counter(stats.started as f64),
            ),
            OwnMetric::new(
                "poold_programs_not_started_total",
                "Programs that could not be started; their clients got no answer. The log \
                       says why.",
                Values::Counter(stats.not_started as f64),
            ),
            OwnMetric::new(
                "poold_programs_ended_total",
                "Programs that ended. failed: another exit status than 0; signal: a signal \
                       ended them; timeout, reply_max: stopped at the limit of that name; closed: \
                       poold had closed the client; client_gone: told so; drain: stopped in the \
                       drain. Often failed or signal: the log names the client and the status.",
                Values::Counters("status", ended.collect()),
            ),
        ]
    }

    fn tables(&self) -> Vec<Table> {
        let stats = self.0.stats();
        let first = [
            ("running", stats.running as u64),
            ("started", stats.started),
            ("not started", stats.not_started),
        ];
        let ended = stats.ended.into_iter().filter(|(_, count)| *count > 0);
        let all: Vec<_> = first.into_iter().chain(ended).collect();
        vec![Table::of_counts("programs", &all)]
    }
}
