//! Metric families as the Prometheus library encodes them.

use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
};

use super::own::{OwnMetric, Values};
use crate::scheduler::metrics::Histogram;

/// Families in the order in which they are written.
#[derive(Default)]
pub(super) struct Families(pub(super) Vec<MetricFamily>);

impl Families {
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.seconds(name, help, value as f64);
    }

    /// A counter of time.
    pub(super) fn seconds(&mut self, name: &str, help: &str, value: f64) {
        let kind = MetricType::COUNTER;
        self.add(name, help, kind, vec![metric(kind, value)]);
    }

    /// One counter for each value of a label.
    pub(super) fn counters<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        let values = values.into_iter().map(|(of, value)| (of, value as f64));
        self.each(name, help, MetricType::COUNTER, label, values);
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        let kind = MetricType::GAUGE;
        self.add(name, help, kind, vec![metric(kind, value)]);
    }

    /// One gauge for each value of a label.
    pub(super) fn gauges<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) {
        self.each(name, help, MetricType::GAUGE, label, values);
    }

    /// A family of a service.
    pub(super) fn own(&mut self, own: &OwnMetric) {
        let OwnMetric { name, help, values } = own;
        let kind = match values {
            Values::Counter(_) | Values::Counters(..) => MetricType::COUNTER,
            Values::Gauge(_) | Values::Gauges(..) => MetricType::GAUGE,
        };
        match values {
            Values::Counter(value) | Values::Gauge(value) => {
                self.add(name, help, kind, vec![metric(kind, *value)]);
            }
            Values::Counters(label, values) | Values::Gauges(label, values) => {
                let values = values.iter().map(|(of, value)| (of.as_str(), *value));
                self.each(name, help, kind, label, values);
            }
        }
    }

    /// One metric for each value of a label.
    fn each<'a>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) {
        let metrics = values.into_iter();
        let metrics = metrics.map(|(of, value)| labelled(metric(kind, value), label, of));
        self.add(name, help, kind, metrics.collect());
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, of: &Histogram) {
        let mut count = 0;
        let mut buckets = Vec::new();
        for (end, more) in of.buckets() {
            count += more;
            let Some(end) = end else {
                // The encoder adds the last bucket.
                break;
            };
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(end.as_secs_f64());
            bucket.set_cumulative_count(count);
            buckets.push(bucket);
        }
        let mut histogram = Buckets::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(count);
        histogram.set_sample_sum(of.sum().as_secs_f64());
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        self.add(name, help, MetricType::HISTOGRAM, vec![metric]);
    }

    fn add(&mut self, name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) {
        // The format has no family without a metric.
        if metrics.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics);
        self.0.push(family);
    }
}

fn metric(kind: MetricType, value: f64) -> Metric {
    let mut metric = Metric::default();
    if kind == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}

fn labelled(mut metric: Metric, label: &str, value: &str) -> Metric {
    let mut pair = LabelPair::default();
    pair.set_name(label.to_owned());
    pair.set_value(value.to_owned());
    metric.set_label(vec![pair]);
    metric
}
