//! A thread's counts, and their sum.

use std::time::{Duration, Instant};

use super::latencies::Latencies;
use super::ledger::Account;
use super::stream::Stream;

/// One way in which a connection fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionFault {
    ConnectRefused,
    /// Not connected in time.
    ConnectTimeout,
    /// Could not connect for another reason: no free port, too many open files.
    ConnectFailed,
    Reset,
    /// The server ended the connection before the client did.
    ClosedEarly,
    /// There was no progress.
    Timeout,
    /// No TLS session, or not one that is trusted.
    Tls,
}

/// All ways, in the order of the enum, by their names in the result.
const FAILURES: [&str; 7] = [
    "connect_refused",
    "connect_timeout",
    "connect_failed",
    "reset",
    "closed_early",
    "timeout",
    "tls_failed",
];

/// How often connections failed in each way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errors([u64; FAILURES.len()]);

impl Errors {
    /// Counts one.
    pub(crate) fn count(&mut self, failure: ConnectionFault) {
        self.0[failure as usize] += 1;
    }

    pub(crate) fn of(&self, failure: ConnectionFault) -> u64 {
        self.0[failure as usize]
    }

    /// The name of each way, and its count.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> {
        FAILURES.into_iter().zip(self.0)
    }

    fn add(&mut self, other: &Errors) {
        let both = self.0.iter_mut().zip(other.0);
        both.for_each(|(count, more)| *count += more);
    }
}

/// The result of a run, or of a thread's part of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Clients that were connected at least once.
    pub(crate) connected: u64,
    /// Clients that could not be connected, or not again.
    pub(crate) abandoned: u64,
    /// Messages written, whole.
    pub(crate) sent: u64,
    /// Messages with a reply or an acknowledgement.
    pub(crate) account: Account,
    /// Messages of the measured time.
    pub(crate) measured: u64,
    /// Connections of the measured time, when each message has its own.
    pub(crate) connections: u64,
    /// The end of the measured time: when the last thing that counts happened.
    pub(crate) last: Option<Instant>,
    /// From the start (or the end of the warm-up) to `last`.
    pub(crate) elapsed: Duration,
    pub(crate) latency: Latencies,
    /// Failed connections.
    pub(crate) errors: Errors,
    /// Processor time of the threads, if the system tells.
    pub(crate) cpu: Option<Duration>,
    /// The run was interrupted.
    pub(crate) interrupted: bool,
    /// TLS handshakes that were done, and those of them that resumed an earlier session.
    pub(crate) handshakes: u64,
    pub(crate) resumed: u64,
    /// Why the first TLS session failed.
    pub(crate) problem: Option<String>,
}

impl Tally {
    /// All zero.
    pub(crate) fn new() -> Tally {
        Tally {
            cpu: Some(Duration::ZERO),
            ..Tally::default()
        }
    }

    /// Adds another thread's counts.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.connected += other.connected;
        self.abandoned += other.abandoned;
        self.sent += other.sent;
        self.account.add(&other.account);
        self.measured += other.measured;
        self.connections += other.connections;
        self.last = self.last.max(other.last);
        self.elapsed = self.elapsed.max(other.elapsed);
        self.latency.add(&other.latency);
        self.errors.add(&other.errors);
        self.cpu = self.cpu.zip(other.cpu).map(|(a, b)| a + b);
        self.interrupted |= other.interrupted;
        self.handshakes += other.handshakes;
        self.resumed += other.resumed;
        if self.problem.is_none() {
            self.problem.clone_from(&other.problem);
        }
    }

    /// Counts the TLS session of a connection that is over, if it has one.
    pub(crate) fn note_session(&mut self, stream: &Stream) {
        if let Some(is_resumed) = stream.is_resumed() {
            self.handshakes += 1;
            self.resumed += u64::from(is_resumed);
        }
        if self.problem.is_none() {
            self.problem = stream.problem().map(str::to_owned);
        }
    }
}

/// Processor time of the calling thread, if the system tells.
pub(crate) fn thread_cpu() -> Option<Duration> {
    // In nanoseconds, unlike the clock ticks of `stat`; only Linux has it.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace()
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}
