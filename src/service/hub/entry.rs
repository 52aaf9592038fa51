//! One source's figures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::settings::SourceInfo;

/// What a source and its hub share.
pub(super) struct Entry {
    name: String,
    /// Changed under the lock of the hub's sources.
    pub(super) is_up: AtomicBool,
    pub(super) losses: AtomicU64,
    pub(super) messages: AtomicU64,
    bytes: AtomicU64,
    began: Instant,
    /// Milliseconds after `began`, plus 1; 0 before the first bytes.
    heard_ms: AtomicU64,
}

impl Entry {
    pub(super) fn new(name: String) -> Entry {
        Entry {
            name,
            is_up: AtomicBool::new(false),
            losses: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            began: Instant::now(),
            heard_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn heard(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let now = self.began.elapsed().as_millis() as u64 + 1;
        self.heard_ms.store(now, Ordering::Relaxed);
    }

    pub(super) fn info(&self) -> SourceInfo {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let heard = of(&self.heard_ms).checked_sub(1).map(Duration::from_millis);
        SourceInfo {
            name: self.name.clone(),
            is_up: self.is_up.load(Ordering::Relaxed),
            losses: of(&self.losses),
            messages: of(&self.messages),
            bytes: of(&self.bytes),
            last_heard: heard.map(|heard| self.began.elapsed().saturating_sub(heard)),
        }
    }
}
