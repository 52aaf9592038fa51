//! The data behind every answer of the admin endpoint.

use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::history::History;
use super::own::OwnFigures;
use super::top_clients::Board;
use crate::drain::ServerPhase;
use crate::server::{Handle, Stats};

/// The server, its service's own figures, and its history.
pub(crate) struct View {
    pub(super) handle: Handle,
    pub(super) service: &'static str,
    pub(super) address: String,
    pub(super) own: Option<Box<dyn OwnFigures>>,
    pub(super) drain_delay: Duration,
    started: SystemTime,
    began: Instant,
    pub(super) history: Mutex<History>,
    pub(super) board: Mutex<Board>,
}

impl View {
    pub(crate) fn new(
        handle: Handle,
        service: &'static str,
        address: String,
        own: Option<Box<dyn OwnFigures>>,
        drain_delay: Duration,
    ) -> View {
        View {
            handle,
            service,
            address,
            own,
            drain_delay,
            started: SystemTime::now(),
            began: Instant::now(),
            history: Mutex::default(),
            board: Mutex::default(),
        }
    }

    /// Takes a sample, if the last one is a second old.
    pub(crate) fn sample(&self) {
        let stats = self.handle.stats();
        let workers = self.handle.workers();
        self.history.lock().add(Instant::now(), &stats, &workers);
    }

    /// Messages that the service dropped for a client; `None` if it drops none.
    pub(super) fn dropped_of(&self, client: u64) -> Option<u64> {
        self.own.as_ref().and_then(|own| own.dropped_of(client))
    }

    pub(super) fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    /// In seconds since 1970.
    pub(super) fn started_at(&self) -> f64 {
        let since = self.started.duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64()
    }
}

/// The server's phase, in a word.
pub(super) fn phase_of(stats: &Stats) -> &'static str {
    match stats.phase {
        ServerPhase::Running if stats.is_leaving => "leaving",
        ServerPhase::Running => "running",
        ServerPhase::Draining => "draining",
        ServerPhase::Stopped => "stopped",
    }
}

/// A worker by its thread's name.
pub(super) fn worker_name(number: usize) -> String {
    format!("worker-{number:02}")
}
