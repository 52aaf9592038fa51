//! The figures of `poold hub`: the feed as a whole, and each source.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::super::remote;
use crate::cli::admin::{Cell, OwnFigures, OwnMetric, Table, Unit, Values};
use crate::service::hub::{Hub, SourceInfo};
use crate::service::recv::RemoteFigures;

/// See the head of the file.
pub(super) struct Figures(pub(super) Hub, pub(super) Option<Arc<RemoteFigures>>);

impl OwnFigures for Figures {
    fn metrics(&self) -> Vec<OwnMetric> {
        let mut metrics = feed_metrics(&self.0);
        metrics.extend(source_metrics(&self.0.sources()));
        if let Some(to) = &self.1 {
            metrics.extend(sink_metrics(&self.0));
            metrics.extend(remote::Figures(Arc::clone(to)).metrics());
        }
        metrics
    }

    fn tables(&self) -> Vec<Table> {
        let sources = self.0.sources();
        let mut tables = vec![feed_table(&self.0)];
        tables.extend((!sources.is_empty()).then(|| source_table(&sources)));
        if let Some(to) = &self.1 {
            tables.extend(remote::Figures(Arc::clone(to)).tables());
        }
        tables
    }

    fn dropped_of(&self, client: u64) -> Option<u64> {
        self.0.dropped_of(client)
    }
}

fn feed_metrics(hub: &Hub) -> Vec<OwnMetric> {
    let stats = hub.stats();
    vec![
        OwnMetric::new(
            "poold_hub_readers_slow",
            "Readers that do not keep up now. poold clients shows what each has lost; make them \
             read faster, or send them less with --filter.",
            Values::Gauge(stats.slow as f64),
        ),
        OwnMetric::new(
            "poold_hub_published_total",
            "Messages of sources, and of clients that may send.",
            Values::Counter(stats.published as f64),
        ),
        OwnMetric::new(
            "poold_hub_filtered_total",
            "Messages that --filter kept back.",
            Values::Counter(stats.filtered as f64),
        ),
        OwnMetric::new(
            "poold_hub_ignored_total",
            "Messages of clients that may not send. Stop these clients, or allow it with \
             --clients-send.",
            Values::Counter(stats.ignored as f64),
        ),
        OwnMetric::new(
            "poold_hub_given_total",
            "Messages given to readers, counted for each reader.",
            Values::Counter(stats.given as f64),
        ),
        OwnMetric::new(
            "poold_hub_dropped_total",
            "Messages dropped for slow readers, counted for each reader. poold clients shows \
             them for each one; make it read faster, or raise --outbox-max.",
            Values::Counter(stats.dropped as f64),
        ),
        OwnMetric::new(
            "poold_hub_open_total",
            "With --framing json: values that were cut, by the end of their sender or at \
             --message-max. Readers of JSON do not get them, as they would take what follows for \
             a part of them.",
            Values::Counter(stats.open as f64),
        ),
    ]
}

fn source_metrics(sources: &[SourceInfo]) -> Vec<OwnMetric> {
    let counters = |name, help, of: fn(&SourceInfo) -> u64| {
        let values = sources.iter().map(|one| (one.name.clone(), of(one) as f64));
        OwnMetric::new(name, help, Values::Counters("source", values.collect()))
    };
    let mut metrics = source_states(sources);
    metrics.extend(stream_metrics(sources));
    metrics.extend([
        counters(
            "poold_source_messages_total",
            "Messages that came from the source.",
            |one| one.messages,
        ),
        counters(
            "poold_source_bytes_total",
            "Bytes that came from the source.",
            |one| one.bytes,
        ),
        counters(
            "poold_source_cut_total",
            "Of these messages, those that were cut: longer than --message-max, or unfinished at \
             the end of the source.",
            |one| one.cut,
        ),
        counters(
            "poold_source_dropped_total",
            "Messages of the source that were dropped: longer than --message-max, or unfinished \
             when it failed.",
            |one| one.dropped,
        ),
        counters(
            "poold_source_stray_bytes_total",
            "Bytes of the source that belong to no message. It grows: look at what it sends, and \
             at --framing.",
            |one| one.stray_bytes,
        ),
        counters(
            "poold_source_written_total",
            "With --write-back: messages of clients that the source was given.",
            |one| one.written,
        ),
        counters(
            "poold_source_unwritten_total",
            "With --write-back: messages of clients that the source did not take, or that came \
             while it was not connected. They are dropped; send fewer, or look at the device.",
            |one| one.unwritten,
        ),
        counters(
            "poold_source_losses_total",
            "How often the source was lost. It grows: check the cable, the network or the \
             program.",
            |one| one.losses,
        ),
    ]);
    metrics
}

/// Of those that are streams.
fn stream_metrics(sources: &[SourceInfo]) -> Vec<OwnMetric> {
    let streams = || sources.iter().filter_map(|one| Some((one, one.lag?)));
    if streams().next().is_none() {
        return Vec::new();
    }
    let lags = streams().map(|(one, lag)| (one.name.clone(), lag.as_secs_f64()));
    let missing = streams().map(|(one, _)| (one.name.clone(), one.missing as f64));
    vec![
        OwnMetric::new(
            "poold_source_lag_seconds",
            "Of a stream: how old its last message was when it came, by the clocks of both \
             machines. It grows: the hub reads slower than the others write, or a clock is wrong.",
            Values::Gauges("source", lags.collect()),
        ),
        OwnMetric::new(
            "poold_source_missing_total",
            "Of a stream: messages that were trimmed before they were read, as their numbers \
             tell. Keep more of the stream (keep=), or find out why the hub was late.",
            Values::Counters("source", missing.collect()),
        ),
    ]
}

fn sink_metrics(hub: &Hub) -> Vec<OwnMetric> {
    let dropped: u64 = hub.sinks().iter().map(|one| one.unwritten).sum();
    vec![OwnMetric::new(
        "poold_hub_to_dropped_total",
        "Messages of the feed that --to did not take: its queue was full. The log says why; raise \
         --outbox-max for what a server that is away for a moment does not take.",
        Values::Counter(dropped as f64),
    )]
}

/// Whether each source is there, when it last sent bytes, and for how long it was not there.
fn source_states(sources: &[SourceInfo]) -> Vec<OwnMetric> {
    let of = |value: fn(&SourceInfo) -> Option<f64>| {
        let values = sources.iter();
        let values = values.filter_map(|one| Some((one.name.clone(), value(one)?)));
        values.collect()
    };
    let heard = |one: &SourceInfo| {
        let at = SystemTime::now() - one.last_heard?;
        let since = at.duration_since(SystemTime::UNIX_EPOCH);
        Some(since.unwrap_or_default().as_secs_f64())
    };
    let up = of(|one| Some(f64::from(u8::from(one.is_up))));
    let gaps = of(|one| Some(one.gap.as_secs_f64()));
    vec![
        OwnMetric::new(
            "poold_source_up",
            "1 while the source is connected. 0: the log says why.",
            Values::Gauges("source", up),
        ),
        OwnMetric::new(
            "poold_source_last_heard_timestamp_seconds",
            "When the last bytes came from the source, in seconds since 1970; missing if none \
             did. Long ago while it is up: the device or program is silent.",
            Values::Gauges("source", of(heard)),
        ),
        OwnMetric::new(
            "poold_source_gap_seconds_total",
            "Time in which the source was not connected, since poold was started. What it sent \
             meanwhile is lost unless its own system keeps it.",
            Values::Counters("source", gaps),
        ),
    ]
}

fn feed_table(hub: &Hub) -> Table {
    let stats = hub.stats();
    let figures = [
        ("readers", stats.readers as u64),
        ("slow", stats.slow as u64),
        ("published", stats.published),
        ("filtered", stats.filtered),
        ("ignored", stats.ignored),
        ("given", stats.given),
        ("dropped", stats.dropped),
        ("cut json", stats.open),
    ];
    Table::of_counts("feed", &figures)
}

fn source_table(sources: &[SourceInfo]) -> Table {
    let mut table = Table::new(
        "sources",
        &[
            ("source", Unit::Text),
            ("state", Unit::Text),
            ("last heard", Unit::Seconds),
            ("messages", Unit::Count),
            ("bytes", Unit::Bytes),
            ("cut", Unit::Count),
            ("dropped", Unit::Count),
            ("written", Unit::Count),
            ("unwritten", Unit::Count),
            ("lost", Unit::Count),
            ("gap", Unit::Seconds),
        ],
    );
    let heard = |heard: Option<Duration>| match heard {
        Some(heard) => Cell::Number(heard.as_secs()),
        None => "never".into(),
    };
    table.rows.extend(sources.iter().map(|one| {
        vec![
            one.name.as_str().into(),
            if one.is_up { "up" } else { "down" }.into(),
            heard(one.last_heard),
            one.messages.into(),
            one.bytes.into(),
            one.cut.into(),
            one.dropped.into(),
            one.written.into(),
            one.unwritten.into(),
            one.losses.into(),
            one.gap.as_secs().into(),
        ]
    }));
    table
}
