//! One source's figures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::back::Back;
use super::settings::SourceInfo;

/// What a source was in the process before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Former {
    /// Messages, bytes, losses, gap in milliseconds, written, unwritten.
    counts: [u64; 6],
    /// Messages that were cut, those that were dropped, and bytes of none.
    faults: [u64; 3],
    /// Of a followed file.
    pub(super) place: Option<FilePlace>,
}

/// Device, inode, and the position of the first byte that is not published.
pub(super) type FilePlace = [u64; 3];

impl Former {
    pub(super) fn new(counts: [u64; 6]) -> Former {
        Former {
            // What is added to them must not overflow.
            counts: counts.map(|count| count.min(u64::MAX / 2)),
            ..Former::default()
        }
    }

    pub(super) fn set_faults(&mut self, faults: [u64; 3]) {
        self.faults = faults.map(|count| count.min(u64::MAX / 2));
    }
}

/// What a source and its hub share.
pub(super) struct Entry {
    name: String,
    /// Messages of clients for it.
    pub(super) back: Back,
    /// How far a followed file is read.
    place: Mutex<Option<FilePlace>>,
    /// Changed under the lock of the hub's sources, as `gap_ms` and `down_ms`.
    is_up: AtomicBool,
    /// Milliseconds in which it was not up, up to the last change to up.
    gap_ms: AtomicU64,
    /// When it was last lost, in milliseconds after `began`.
    down_ms: AtomicU64,
    pub(super) losses: AtomicU64,
    pub(super) messages: AtomicU64,
    bytes: AtomicU64,
    /// As in [`Former`].
    faults: [AtomicU64; 3],
    began: Instant,
    /// Milliseconds after `began`, plus 1; 0 before the first bytes.
    heard_ms: AtomicU64,
    /// Of a stream: messages that were trimmed before they were read, and the age of the last one
    /// when it came, in milliseconds, plus 1; 0 before the first.
    missing: AtomicU64,
    lag_ms: AtomicU64,
}

impl Entry {
    pub(super) fn new(name: String, former: &Former) -> Entry {
        let [messages, bytes, losses, gap, written, unwritten] = former.counts;
        Entry {
            name,
            back: Back::counted(written, unwritten),
            place: Mutex::new(former.place),
            is_up: AtomicBool::new(false),
            gap_ms: AtomicU64::new(gap),
            down_ms: AtomicU64::new(0),
            losses: AtomicU64::new(losses),
            messages: AtomicU64::new(messages),
            bytes: AtomicU64::new(bytes),
            faults: former.faults.map(AtomicU64::new),
            began: Instant::now(),
            heard_ms: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            lag_ms: AtomicU64::new(0),
        }
    }

    /// Its counts, as in [`Former`], and how far it is read.
    pub(super) fn to_former(&self) -> ([u64; 6], Option<FilePlace>) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (written, unwritten) = self.back.counts();
        let gap = self.gap();
        let counts = [&self.messages, &self.bytes, &self.losses].map(of);
        let [messages, bytes, losses] = counts;
        let counts = [messages, bytes, losses, gap, written, unwritten];
        (counts, *self.place.lock())
    }

    /// As in [`Former`].
    pub(super) fn faults(&self) -> [u64; 3] {
        self.faults
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed))
    }

    #[cfg(feature = "cli")]
    pub(super) fn missed(&self, faults: [u64; 3]) {
        for (count, more) in self.faults.iter().zip(faults) {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }

    #[cfg(feature = "cli")]
    pub(super) fn place(&self) -> Option<FilePlace> {
        *self.place.lock()
    }

    #[cfg(feature = "cli")]
    pub(super) fn set_place(&self, place: Option<FilePlace>) {
        *self.place.lock() = place;
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

    #[cfg(feature = "cli")]
    pub(super) fn lags(&self, lag: Duration) {
        self.lag_ms
            .store(lag.as_millis() as u64 + 1, Ordering::Relaxed);
    }

    #[cfg(feature = "cli")]
    pub(super) fn misses(&self, messages: u64) {
        self.missing.fetch_add(messages, Ordering::Relaxed);
    }

    pub(super) fn info(&self) -> SourceInfo {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (written, unwritten) = self.back.counts();
        let since = |ms: &AtomicU64| of(ms).checked_sub(1).map(Duration::from_millis);
        let heard = since(&self.heard_ms);
        let [cut, dropped, stray_bytes] = self.faults();
        SourceInfo {
            name: self.name.clone(),
            is_up: self.is_up(),
            gap: Duration::from_millis(self.gap()),
            losses: of(&self.losses),
            messages: of(&self.messages),
            bytes: of(&self.bytes),
            cut,
            dropped,
            stray_bytes,
            written,
            unwritten,
            missing: of(&self.missing),
            lag: since(&self.lag_ms),
            last_heard: heard.map(|heard| self.began.elapsed().saturating_sub(heard)),
        }
    }
}
