//! The result, for people and for programs.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::super::report::time_row;
use super::plan::ChatPlan;

/// The counts.
#[derive(Debug)]
pub(crate) struct ChatTally {
    /// Clients that read to the end.
    pub(crate) readers: u64,
    /// Lines sent.
    pub(crate) sent: u64,
    /// Lines that all readers have seen.
    pub(crate) seen: u64,
    /// The deliveries that should have happened: each line times its readers.
    pub(crate) expected: u64,
    /// The deliveries that happened.
    pub(crate) deliveries: u64,
    /// From the first line sent to the last one seen.
    pub(crate) elapsed: Duration,
    /// From the time when lines were sent (or should have been) until the last reader had them, in
    /// nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// Readers that saw other bytes than the others in the room.
    pub(crate) different: u64,
    /// Lines whose number was not the next one.
    pub(crate) misplaced: u64,
    /// Lines that no sender sent.
    pub(crate) damaged: u64,
    /// Readers whose connection ended.
    pub(crate) closed: u64,
    /// There was no progress, or not all came soon after the end of the sending.
    pub(crate) timed_out: bool,
    /// Stalled clients that the server has disconnected.
    pub(crate) stalled_closed: u64,
    /// Of these, clients that were told why.
    pub(crate) stalled_told: u64,
    /// Processor time of this thread.
    pub(crate) cpu: Option<Duration>,
    /// The run was interrupted.
    pub(crate) interrupted: bool,
}

impl ChatTally {
    pub(crate) fn new() -> ChatTally {
        ChatTally {
            readers: 0,
            sent: 0,
            seen: 0,
            expected: 0,
            deliveries: 0,
            elapsed: Duration::ZERO,
            latency: histogram(),
            different: 0,
            misplaced: 0,
            damaged: 0,
            closed: 0,
            timed_out: false,
            stalled_closed: 0,
            stalled_told: 0,
            cpu: None,
            interrupted: false,
        }
    }

    /// Whether all readers saw everything in one order.
    pub(crate) fn is_good(&self) -> bool {
        let faults = self.different + self.misplaced + self.damaged + self.closed;
        faults == 0 && self.deliveries == self.expected && !self.timed_out
    }

    /// The whole result.
    pub(crate) fn json(&self, plan: &ChatPlan) -> Value {
        json!({
            "run": plan.shape.run(),
            "clients": plan.clients,
            "senders": plan.senders,
            "rooms": plan.rooms,
            "stalled": plan.stalled,
            "readers": self.readers,
            "sent": self.sent,
            "seen_by_all": self.seen,
            "deliveries": self.deliveries,
            "missing": self.missing(),
            "seconds": self.elapsed.as_secs_f64(),
            "interrupted": self.interrupted,
            "lines_per_second": self.per_second(self.seen),
            "deliveries_per_second": self.per_second(self.deliveries),
            "latency_us": {
                "p50": self.latency(50.0),
                "p90": self.latency(90.0),
                "p99": self.latency(99.0),
                "max": self.latency(100.0),
            },
            "different": self.different,
            "misplaced": self.misplaced,
            "damaged": self.damaged,
            "closed": self.closed,
            "timed_out": self.timed_out,
            "stalled_closed": self.stalled_closed,
            "stalled_told": self.stalled_told,
            "cpu_seconds": self.cpu.map(|cpu| cpu.as_secs_f64()),
        })
    }

    /// The result as lines with a caption each.
    pub(crate) fn table(&self, plan: &ChatPlan) -> String {
        let (clients, rooms, senders) = (plan.clients, plan.rooms, plan.senders);
        let mut rows = vec![
            ("run", plan.shape.run().to_owned()),
            (
                "clients",
                format!("{clients} in {rooms} rooms, {senders} speak"),
            ),
            (
                "lines",
                format!("{} sent, {} seen by all", self.sent, self.seen),
            ),
            ("time", time_row(self.elapsed, self.interrupted)),
            (
                "rate",
                format!("{:.0} deliveries/s", self.per_second(self.deliveries)),
            ),
        ];
        if !self.latency.is_empty() {
            let percents = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("max", 100.0)];
            let texts = percents.map(|(name, at)| format!("{name} {:.1}", self.latency(at)));
            rows.push(("to all (µs)", texts.join("  ")));
        }
        if plan.stalled > 0 {
            let (closed, told) = (self.stalled_closed, self.stalled_told);
            let text = format!("{}, {closed} sent away, {told} told why", plan.stalled);
            rows.push(("stalled", text));
        }
        if let Some(cpu) = self.cpu {
            rows.push(("own CPU", format!("{:.3} s", cpu.as_secs_f64())));
        }
        rows.push(("faults", self.faults()));
        let line = |(caption, text): (&str, String)| format!("{caption:<13} {text}\n");
        rows.into_iter().map(line).collect()
    }

    fn faults(&self) -> String {
        let mut text = format!(
            "{} missing, {} misplaced, {} damaged, {} saw it otherwise, {} closed",
            self.missing(),
            self.misplaced,
            self.damaged,
            self.different,
            self.closed
        );
        if self.timed_out {
            text += ", not all came in time";
        }
        text
    }

    fn missing(&self) -> u64 {
        self.expected.saturating_sub(self.deliveries)
    }

    fn per_second(&self, count: u64) -> f64 {
        match self.elapsed.as_secs_f64() {
            seconds if seconds > 0.0 => count as f64 / seconds,
            _ => 0.0,
        }
    }

    /// In microseconds, to a tenth.
    fn latency(&self, percent: f64) -> f64 {
        let nanos = self.latency.value_at_percentile(percent);
        (nanos as f64 / 100.0).round() / 10.0
    }
}

/// Up to a quarter of an hour; longer times are recorded as that.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 900_000_000_000, 3).expect("constant bounds are valid")
}
