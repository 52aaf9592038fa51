//! The result, for people and for programs.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::latencies::Latencies;
use super::super::report::{cpu_row, lines, per_second, time_row};
use super::plan::ChatPlan;

/// The counts.
#[derive(Debug, Default)]
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
    /// From the time when lines were sent (or should have been) until the last reader had them.
    pub(crate) latency: Latencies,
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
    /// Whether all readers saw everything in one order.
    pub(crate) fn is_good(&self) -> bool {
        let faults = self.different + self.misplaced + self.damaged + self.closed;
        faults == 0 && self.deliveries == self.expected && !self.timed_out
    }

    /// The whole result.
    pub(crate) fn json(&self, plan: &ChatPlan) -> Value {
        json!({
            "run": plan.run.shape.run(),
            "clients": plan.run.clients,
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
            "latency_us": self.latency.json(),
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
        let (clients, rooms, senders) = (plan.run.clients, plan.rooms, plan.senders);
        let mut rows = vec![
            ("run", plan.run.shape.run().to_owned()),
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
        rows.extend(self.latency.row().map(|row| ("to all (µs)", row)));
        if plan.stalled > 0 {
            let (closed, told) = (self.stalled_closed, self.stalled_told);
            let text = format!("{}, {closed} sent away, {told} told why", plan.stalled);
            rows.push(("stalled", text));
        }
        rows.extend(cpu_row(self.cpu));
        rows.push(("faults", self.faults()));
        lines(rows)
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
        per_second(count, self.elapsed)
    }
}
