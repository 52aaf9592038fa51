//! The figures of a remote output.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What a remote output has done.
#[derive(Debug, Default)]
pub struct RemoteFigures {
    written: AtomicU64,
    resent: AtomicU64,
    unanswered: AtomicU64,
    connects: AtomicU64,
    away: Mutex<Away>,
}

#[derive(Debug, Default)]
struct Away {
    since: Option<Instant>,
    total: Duration,
}

impl RemoteFigures {
    /// Messages that the server has answered for.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Messages that were sent again, because there was no answer for them.
    pub fn resent(&self) -> u64 {
        self.resent.load(Ordering::Relaxed)
    }

    /// Messages that are sent and have no answer yet.
    pub fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// Connections after the first one.
    pub fn reconnects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// The time without a connection, in all.
    pub fn away(&self) -> Duration {
        let away = self.away.lock();
        away.total + away.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn sent(&self, messages: u64, again: u64) {
        self.unanswered.store(messages, Ordering::Relaxed);
        self.resent.fetch_add(again, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, messages: u64) {
        self.unanswered.store(0, Ordering::Relaxed);
        self.written.fetch_add(messages, Ordering::Relaxed);
    }

    pub(super) fn connected(&self) {
        self.connects.fetch_add(1, Ordering::Relaxed);
        let mut away = self.away.lock();
        if let Some(since) = away.since.take() {
            away.total += since.elapsed();
        }
    }

    pub(super) fn lost(&self) {
        self.away.lock().since.get_or_insert_with(Instant::now);
    }
}
