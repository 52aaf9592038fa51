//! One source's figures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::back::Back;
use super::settings::SourceInfo;

/// What a source and its hub share.
pub(super) struct Entry {
    name: String,
    /// Messages of clients for it.
    pub(super) back: Back,
    /// Changed under the lock of the hub's sources, as `gap_ms` and `down_ms`.
    is_up: AtomicBool,
    /// Milliseconds in which it was not up, up to the last change to up.
    gap_ms: AtomicU64,
    /// When it was last lost, in milliseconds after `began`.
    down_ms: AtomicU64,
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
            back: Back::default(),
            is_up: AtomicBool::new(false),
            gap_ms: AtomicU64::new(0),
            down_ms: AtomicU64::new(0),
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

    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    /// To be called under the lock of the hub's sources.
    pub(super) fn set_up(&self, is_up: bool) {
        let gap = self.gap();
        if self.is_up.swap(is_up, Ordering::Relaxed) == is_up {
            return;
        }
        match is_up {
            true => self.gap_ms.store(gap, Ordering::Relaxed),
            false => self.down_ms.store(self.now(), Ordering::Relaxed),
        }
    }

    /// Milliseconds in which it was not up.
    fn gap(&self) -> u64 {
        let earlier = self.gap_ms.load(Ordering::Relaxed);
        match self.is_up() {
            true => earlier,
            false => {
                earlier
                    + self
                        .now()
                        .saturating_sub(self.down_ms.load(Ordering::Relaxed))
            }
        }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    pub(super) fn heard(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.heard_ms.store(self.now() + 1, Ordering::Relaxed);
    }

    pub(super) fn info(&self) -> SourceInfo {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (written, unwritten) = self.back.counts();
        let heard = of(&self.heard_ms).checked_sub(1).map(Duration::from_millis);
        SourceInfo {
            name: self.name.clone(),
            is_up: self.is_up(),
            gap: Duration::from_millis(self.gap()),
            losses: of(&self.losses),
            messages: of(&self.messages),
            bytes: of(&self.bytes),
            written,
            unwritten,
            last_heard: heard.map(|heard| self.began.elapsed().saturating_sub(heard)),
        }
    }
}
