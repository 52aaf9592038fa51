//! The result of a run, for people and for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::Expect;
use super::plan::{Connections, Pace, Plan, ServerEnd};
use super::tally::{ConnectionFault, Errors, Tally};

/// A finished run.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    plan: &'a Plan,
    tally: &'a Tally,
}

impl<'a> Report<'a> {
    /// What `tally` says about `plan`.
    pub(crate) fn new(plan: &'a Plan, tally: &'a Tally) -> Report<'a> {
        Report { plan, tally }
    }

    /// Whether the run came to its end and nothing was lost.
    pub(crate) fn is_good(&self) -> bool {
        let errors = &self.tally.errors;
        let broken = ended_early(errors) + self.tally.abandoned;
        let excused = broken == 0 || self.plan.server_end == ServerEnd::Awaited;
        self.tally.account.is_clean()
            && self.tally.connected > 0
            && errors.of(ConnectionFault::Timeout) == 0
            && excused
    }

    /// A hint when the server behaves differently than expected.
    pub(crate) fn hint(&self) -> Option<&'a str> {
        if let Some(problem) = &self.tally.problem {
            return Some(problem);
        }
        let errors = &self.tally.errors;
        let has_ended = ended_early(errors) > 0;
        let is_mute = self.tally.sent > 0 && self.tally.account.received == 0 && !has_ended;
        match self.plan.expect {
            Expect::Echo if is_mute => Some(
                "nothing came back as it was sent; a server that does not answer wants --expect \
                 nothing, a chat --chat",
            ),
            Expect::Ack if is_mute => Some("nothing was acknowledged; start recv with --ack"),
            _ => None,
        }
    }

    /// The whole result.
    pub(crate) fn json(&self) -> Value {
        let tally = self.tally;
        let rate = self.per_second(tally.measured);
        json!({
            "run": self.plan.shape.run(),
            "clients": self.plan.clients,
            "connected": tally.connected,
            "sent": tally.sent,
            "answered": tally.account.received,
            "measured": tally.measured,
            "seconds": tally.elapsed.as_secs_f64(),
            "interrupted": tally.interrupted,
            "messages_per_second": rate,
            "bytes_per_second": rate * self.plan.shape.size() as f64,
            "latency_us": tally.latency.json(),
            "connections": self.connections(),
            "connections_per_second": self.connection_rate(),
            "handshakes": tally.handshakes,
            "handshakes_resumed": tally.resumed,
            "errors": tally.errors.rows().collect::<BTreeMap<_, _>>(),
            "lost": tally.account.lost,
            "reordered": tally.account.reordered,
            "duplicated": tally.account.duplicated,
            "damaged": tally.account.damaged,
            "cpu_seconds": tally.cpu.map(|cpu| cpu.as_secs_f64()),
        })
    }

    /// The result as lines with a caption each.
    pub(crate) fn table(&self) -> String {
        let (plan, tally) = (self.plan, self.tally);
        let mut rows = vec![
            ("run", plan.shape.run().to_owned()),
            (
                "clients",
                format!("{}, {} connected", plan.clients, tally.connected),
            ),
            (
                "messages",
                format!("{} sent, {} answered", tally.sent, tally.account.received),
            ),
            ("time", time_row(tally.elapsed, tally.interrupted)),
            ("rate", self.rate_row()),
        ];
        if plan.connections == Connections::EachMessage {
            let (count, rate) = (self.connections(), self.connection_rate());
            rows.push(("connections", format!("{count}, {rate:.0} a second")));
        }
        if plan.secure.is_some() {
            let (count, resumed) = (tally.handshakes, tally.resumed);
            rows.push(("handshakes", format!("{count}, {resumed} resumed")));
        }
        rows.extend(tally.latency.row().map(|row| ("latency (µs)", row)));
        rows.extend(cpu_row(tally.cpu));
        rows.push(("errors", self.errors_row()));
        rows.push(("faults", tally.account.to_string()));
        lines(rows)
    }

    fn rate_row(&self) -> String {
        let rate = self.per_second(self.tally.measured);
        let megabytes = rate * self.plan.shape.size() as f64 / 1e6;
        let asked = match self.plan.pace {
            Pace::Rate(asked) => format!(" ({asked} asked for)"),
            Pace::Replies(_) => String::new(),
        };
        format!("{rate:.0} messages/s, {megabytes:.2} MB/s{asked}")
    }

    fn errors_row(&self) -> String {
        let some = self.tally.errors.rows().filter(|(_, count)| *count > 0);
        let texts: Vec<String> = some
            .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
            .collect();
        if texts.is_empty() {
            "none".to_owned()
        } else {
            texts.join(", ")
        }
    }

    /// Connections that were measured, or that were kept.
    fn connections(&self) -> u64 {
        match self.plan.connections {
            Connections::Kept => self.tally.connected,
            Connections::EachMessage => self.tally.connections,
        }
    }

    /// Kept connections are made before anything is measured.
    fn connection_rate(&self) -> f64 {
        match self.plan.connections {
            Connections::Kept => 0.0,
            Connections::EachMessage => self.per_second(self.tally.connections),
        }
    }

    fn per_second(&self, count: u64) -> f64 {
        per_second(count, self.tally.elapsed)
    }
}

fn ended_early(errors: &Errors) -> u64 {
    errors.of(ConnectionFault::Reset) + errors.of(ConnectionFault::ClosedEarly)
}

/// How long it took, and whether it would have taken longer.
pub(crate) fn time_row(elapsed: Duration, interrupted: bool) -> String {
    let seconds = elapsed.as_secs_f64();
    match interrupted {
        true => format!("{seconds:.3} s, then interrupted"),
        false => format!("{seconds:.3} s"),
    }
}

pub(crate) fn cpu_row(cpu: Option<Duration>) -> Option<(&'static str, String)> {
    cpu.map(|cpu| ("own CPU", format!("{:.3} s", cpu.as_secs_f64())))
}

/// The table: a caption and a text in each line.
pub(crate) fn lines(rows: Vec<(&str, String)>) -> String {
    let line = |(caption, text): (&str, String)| format!("{caption:<13} {text}\n");
    rows.into_iter().map(line).collect()
}

pub(crate) fn per_second(count: u64, elapsed: Duration) -> f64 {
    match elapsed.as_secs_f64() {
        seconds if seconds > 0.0 => count as f64 / seconds,
        _ => 0.0,
    }
}
