//! Counts running and ended programs, and how they ended. The log names the first failure of each
//! client and kind, and counts the others.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tracing::{info, warn};

use super::launch::Failure;
use super::supervisor::{End, Why};
use crate::net::address::Peer;
use crate::series::{Series, Told};

/// See the head of the file.
#[derive(Default)]
pub(super) struct ProgramTally {
    now: Mutex<Now>,
    /// Notified when no program runs.
    none: Condvar,
    totals: Mutex<Totals>,
    /// Failures, by the client's address and what happened.
    failures: Mutex<Series<(Option<IpAddr>, String)>>,
    /// Clients that left before their program's end, by the same key.
    absent_clients: Mutex<Series<(Option<IpAddr>, &'static str)>>,
}

#[derive(Default)]
struct Now {
    running: usize,
    of_address: HashMap<IpAddr, usize>,
}

/// The programs of a [`Runner`](super::Runner) in figures.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProgramStats {
    /// Programs that run now.
    pub running: usize,
    /// Programs that were started.
    pub started: u64,
    /// Programs that could not be started.
    pub not_started: u64,
    /// How programs ended, in a word, and how many did so.
    pub ended: Vec<(&'static str, u64)>,
}

/// How a program ended.
#[derive(Clone, Copy)]
enum Ended {
    Well,
    Failed,
    BySignal,
    Timeout,
    Overlong,
    Closed,
    HungUp,
    InDrain,
}

/// In a word, and in words; in the order of the enum.
const ENDS: [(&str, &str); 8] = [
    ("ok", "ended well"),
    ("failed", "failed"),
    ("signal", "ended by a signal"),
    ("timeout", "stopped after --timeout"),
    ("reply_max", "stopped after --reply-max"),
    ("closed", "stopped after its client was closed"),
    ("client_gone", "told that its client had gone"),
    ("drain", "stopped in the drain"),
];

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    started: u64,
    not_started: u64,
    ended: [u64; ENDS.len()],
}

/// A running program, until it is dropped.
pub(super) struct Running<'a> {
    tally: &'a ProgramTally,
    address: Option<IpAddr>,
    /// Programs that run for clients of this address, including this one.
    pub(super) of_address: usize,
}

impl ProgramTally {
    pub(super) fn begin(&self, peer: Peer) -> Running<'_> {
        let address = peer.host();
        let mut now = self.now.lock();
        now.running += 1;
        let of_address = address.map_or(1, |address| {
            let count = now.of_address.entry(address).or_default();
            *count += 1;
            *count
        });
        Running {
            tally: self,
            address,
            of_address,
        }
    }

    pub(super) fn ended(&self, id: u64, peer: Peer, end: &End) {
        let ended = match end {
            End::Itself(status) if status.success() => Ended::Well,
            End::Itself(status) if status.signal().is_some() => Ended::BySignal,
            End::Itself(_) => Ended::Failed,
            End::Stopped(Why::Timeout) => Ended::Timeout,
            End::Stopped(Why::Overlong) => Ended::Overlong,
            End::Stopped(Why::Closed) => Ended::Closed,
            End::Stopped(Why::Drain) => Ended::InDrain,
            End::HungUp => Ended::HungUp,
        };
        self.totals.lock().ended[ended as usize] += 1;
        let what = match (ended, end) {
            // "exit status: 3", or "signal: 9 (SIGKILL)"
            (Ended::Failed | Ended::BySignal, End::Itself(status)) => status.to_string(),
            (Ended::Timeout, _) => "it ran for as long as --timeout allows".to_owned(),
            (Ended::Overlong, _) => "it printed more than --reply-max allows".to_owned(),
            _ => return,
        };
        if let Some(told) = self.tell(peer, &what) {
            let earlier = told.earlier();
            warn!(id, %peer, end = %what, earlier, "the program failed");
        }
    }

    /// Counts and logs a client whose program could not be started.
    pub(super) fn not_started(&self, id: u64, peer: Peer, error: &Failure) {
        self.totals.lock().not_started += 1;
        if let Some(told) = self.tell(peer, &error.to_string()) {
            let earlier = told.earlier();
            warn!(id, %peer, %error, earlier, "the program can't be started");
        }
    }

    /// Whether a failure gets a log line.
    fn tell(&self, peer: Peer, what: &str) -> Option<Told> {
        let client = (peer.host(), what.to_owned());
        self.failures.lock().happened(client, Instant::now())
    }

    /// Logs that a client waits until a program can be started.
    pub(super) fn wanted(&self, id: u64, peer: Peer, error: &Failure) {
        if let Some(told) = self.tell(peer, &format!("wanted {error}")) {
            let earlier = told.earlier();
            warn!(id, %peer, %error, earlier, "no program can be started now; its client waits");
        }
    }

    /// Logs a client that has gone or sent its end while its program runs.
    pub(super) fn runs_on(&self, id: u64, peer: Peer, what: &'static str) {
        let client = (peer.host(), what);
        let told = self.absent_clients.lock().happened(client, Instant::now());
        if let Some(told) = told {
            let earlier = told.earlier();
            info!(id, %peer, earlier, "{what}");
        }
    }

    pub(super) fn started(&self) {
        self.totals.lock().started += 1;
    }

    pub(super) fn stats(&self) -> ProgramStats {
        let running = self.now.lock().running;
        let totals = *self.totals.lock();
        let ended = ENDS.iter().zip(totals.ended);
        ProgramStats {
            running,
            started: totals.started,
            not_started: totals.not_started,
            ended: ended.map(|((word, _), count)| (*word, count)).collect(),
        }
    }

    /// Clients that got nothing, since their program could not be started.
    pub(super) fn unserved(&self) -> u64 {
        self.totals.lock().not_started
    }

    /// Waits until no program runs, at most `most`.
    pub(super) fn wait_none(&self, most: Duration) {
        let until = Instant::now() + most;
        let mut now = self.now.lock();
        while now.running > 0 && !self.none.wait_until(&mut now, until).timed_out() {}
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut now = self.tally.now.lock();
        now.running -= 1;
        if let Some(address) = self.address
            && let Some(count) = now.of_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                now.of_address.remove(&address);
            }
        }
        if now.running == 0 {
            self.tally.none.notify_all();
        }
    }
}

impl fmt::Display for ProgramTally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = *self.totals.lock();
        let all: u64 = totals.ended.iter().sum();
        let plural = if all == 1 { "" } else { "s" };
        let well = totals.ended[Ended::Well as usize];
        write!(out, "{all} program{plural} run: {well} ended well")?;
        let others = ENDS.iter().zip(totals.ended).skip(1);
        let others = others.map(|((_, what), count)| (*what, count));
        let others = others.chain([("could not be started", totals.not_started)]);
        for (what, count) in others.filter(|(_, count)| *count > 0) {
            write!(out, ", {count} {what}")?;
        }
        Ok(())
    }
}
