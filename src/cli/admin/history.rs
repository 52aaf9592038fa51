//! The last minutes, in samples of a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::scheduler::metrics::Histogram;
use crate::scheduler::worker_status::WorkerInfo;
use crate::server::Stats;

/// Samples kept: five minutes of them.
const SAMPLES_MAX: usize = 300;
/// Minimum time between two samples; a little less than the second in which they are taken.
const EACH: Duration = Duration::from_millis(900);
/// A turn that takes longer is counted while it lasts, not when it ends.
const LONG: Duration = Duration::from_secs(1);

/// A second of the past. Amounts are per second; times are 99th percentiles.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) number: u64,
    pub(crate) messages: f64,
    pub(crate) bytes: f64,
    pub(crate) wait_ms: f64,
    pub(crate) turn_ms: f64,
    pub(crate) busy: f64,
    pub(crate) clients: usize,
}

/// See the head of the file.
#[derive(Default)]
pub(super) struct History {
    samples: VecDeque<Sample>,
    last: Option<Last>,
    number: u64,
}

/// The figures at the last sample.
struct Last {
    at: Instant,
    messages: u64,
    bytes: u64,
    waits: Histogram,
    turns: Histogram,
}

impl History {
    /// Takes a sample, if the last one is old enough.
    pub(super) fn add(&mut self, at: Instant, stats: &Stats, workers: &[WorkerInfo]) {
        let now = Last {
            at,
            messages: stats.messages_in,
            bytes: stats.bytes_in + stats.bytes_out,
            waits: stats.waits.clone(),
            turns: stats.turns.clone(),
        };
        let Some(last) = &self.last else {
            self.last = Some(now);
            return;
        };
        let passed = at.saturating_duration_since(last.at);
        if passed < EACH {
            return;
        }
        let seconds = passed.as_secs_f64();
        let waits = now.waits.since(&last.waits);
        let turns = now.turns.since(&last.turns);
        let long = workers.iter().filter(|one| one.busy_for >= LONG).count() as f64;
        let busy = short(&turns).as_secs_f64() / seconds;
        self.number += 1;
        self.samples.push_back(Sample {
            number: self.number,
            messages: now.messages.saturating_sub(last.messages) as f64 / seconds,
            bytes: now.bytes.saturating_sub(last.bytes) as f64 / seconds,
            wait_ms: millis(waits.quantile(0.99)),
            turn_ms: millis(turns.quantile(0.99)),
            busy: (long + busy).min(stats.workers as f64),
            clients: stats.clients,
        });
        if self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.last = Some(now);
    }

    /// The samples after this number. One that was not reached yet is of the process before, at a
    /// take-over: then all are newer.
    pub(super) fn after(&self, number: u64) -> Vec<Sample> {
        let is_own = number <= self.number;
        let newer = self.samples.iter();
        let newer = newer.filter(|one| one.number > number || !is_own);
        newer.cloned().collect()
    }
}

/// The sum of the turns that were not long; approximate if there were long ones.
fn short(turns: &Histogram) -> Duration {
    let is_short = |end: Option<Duration>| end.is_some_and(|end| end <= LONG);
    if turns
        .buckets()
        .all(|(end, count)| count == 0 || is_short(end))
    {
        return turns.sum();
    }
    let buckets = turns.buckets().filter(|(end, _)| is_short(*end));
    let sum = buckets.map(|(end, count)| {
        // The middle of a bucket, which begins at half its end.
        end.unwrap_or_default().as_secs_f64() * 0.75 * count as f64
    });
    Duration::from_secs_f64(sum.sum())
}

pub(super) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
