//! The latencies of a run, for people and for programs.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::Value;

/// Maximum recorded latency, a quarter of an hour; longer ones are recorded as that.
const MAX: Duration = Duration::from_secs(900);
const PERCENTS: [(&str, f64); 5] = [
    ("p50", 50.0),
    ("p90", 90.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("max", 100.0),
];

/// In nanoseconds.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Latencies {
        let histogram = Histogram::new_with_bounds(1, MAX.as_nanos() as u64, 3);
        Latencies(histogram.expect("constant bounds are valid"))
    }
}

impl Latencies {
    /// Records a latency of `count` messages.
    pub(crate) fn record(&mut self, took: Duration, count: u64) {
        self.0.saturating_record_n(took.as_nanos() as u64, count);
    }

    pub(crate) fn add(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn at(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_percentile(percent))
    }

    /// By the names of the percentiles, in microseconds; null if there are none.
    pub(crate) fn json(&self) -> Value {
        let some = |percent| (self.len() > 0).then(|| self.micros(percent));
        let entries = PERCENTS.map(|(name, at)| (name.replace('.', ""), some(at).into()));
        Value::Object(entries.into_iter().collect())
    }

    /// A line of the table; `None` if there are none.
    pub(crate) fn row(&self) -> Option<String> {
        let texts = PERCENTS.map(|(name, at)| format!("{name} {:.1}", self.micros(at)));
        (self.len() > 0).then(|| texts.join("  "))
    }

    /// In microseconds, to a tenth.
    fn micros(&self, percent: f64) -> f64 {
        (self.at(percent).as_nanos() as f64 / 100.0).round() / 10.0
    }
}
