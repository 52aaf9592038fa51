//! What each worker does now, so that the log can name a stuck one, and what it has counted.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::net::address::Peer;
use crate::scheduler::metrics::{Meter, Moved, Sum};

/// A slot for each worker number, made when a worker first has that number.
pub(crate) struct WorkerTable {
    began: Instant,
    /// In milliseconds.
    stuck_after: AtomicU64,
    /// Until when the service's own output held workers up, in milliseconds after `began`. That
    /// time does not count towards being stuck.
    held_up_until: AtomicU64,
    slots: Vec<OnceLock<Box<WorkerSlot>>>,
    /// What threads of the service have served. One at a time writes it.
    beside: Mutex<Meter>,
    /// No slot from this number on was ever used.
    used: AtomicUsize,
    /// The turns reported as stuck, by worker number: connection and begin.
    stuck: Mutex<BTreeMap<usize, (u64, u64)>>,
}

/// Its worker writes it, any thread reads it.
#[derive(Default)]
pub(crate) struct WorkerSlot {
    pub(crate) meter: Meter,
    /// The connection that the worker serves; 0 for none.
    id: AtomicU64,
    /// The turn's begin, in milliseconds after `began`.
    since: AtomicU64,
}

/// A worker that serves a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// Its number: `worker-03` is 3.
    pub number: usize,
    /// The number of the client that it serves.
    pub client: u64,
    /// Time since its turn began, in whole milliseconds.
    pub busy_for: Duration,
    /// Its handler has not returned for `stuck_after`.
    pub is_stuck: bool,
}

impl WorkerTable {
    /// Slots for worker numbers below `numbers`.
    pub(crate) fn new(numbers: usize, stuck_after: Duration) -> WorkerTable {
        WorkerTable {
            began: Instant::now(),
            stuck_after: AtomicU64::new(millis(stuck_after)),
            held_up_until: AtomicU64::new(0),
            slots: (0..numbers).map(|_| OnceLock::new()).collect(),
            beside: Mutex::default(),
            used: AtomicUsize::new(0),
            stuck: Mutex::default(),
        }
    }

    /// The slot of the worker with this number.
    pub(crate) fn of(&self, worker: usize) -> &WorkerSlot {
        self.used.fetch_max(worker + 1, Ordering::Relaxed);
        self.slots[worker].get_or_init(Box::default)
    }

    pub(crate) fn begin(&self, slot: &WorkerSlot, id: u64, now: Instant) {
        slot.since.store(self.millis(now), Ordering::Relaxed);
        slot.id.store(id, Ordering::Release);
    }

    pub(crate) fn end(&self, slot: &WorkerSlot) {
        slot.id.store(0, Ordering::Release);
    }

    /// Counts a turn of a thread that is no worker.
    pub(crate) fn count_beside(&self, took: Duration, moved: Moved) {
        self.beside.lock().count(Duration::ZERO, took, moved);
    }

    /// Sets the time after which a worker is stuck.
    pub(crate) fn set_stuck_after(&self, stuck_after: Duration) {
        self.stuck_after
            .store(millis(stuck_after), Ordering::Relaxed);
    }

    pub(crate) fn stuck_after(&self) -> Duration {
        Duration::from_millis(self.stuck_after.load(Ordering::Relaxed))
    }

    /// The workers that serve a client now, and how many of them are stuck.
    pub(crate) fn load(&self) -> (usize, usize) {
        let workers = self.list();
        let stuck = workers.iter().filter(|worker| worker.is_stuck).count();
        (workers.len(), stuck)
    }

    /// What all workers have counted.
    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        self.all().for_each(|(_, slot)| slot.meter.add_to(&mut sum));
        self.beside.lock().add_to(&mut sum);
        sum
    }

    /// Every worker that serves a client now.
    pub(crate) fn list(&self) -> Vec<WorkerInfo> {
        let now = self.millis(Instant::now());
        let stuck_after = self.stuck_after.load(Ordering::Relaxed);
        let info = |(number, id, since): (usize, u64, u64)| {
            let ms = now.saturating_sub(since);
            WorkerInfo {
                number,
                client: id,
                busy_for: Duration::from_millis(ms),
                is_stuck: now.saturating_sub(self.counts_from(since)) >= stuck_after,
            }
        };
        self.busy().map(info).collect()
    }

    /// When the next worker becomes stuck if its turn does not end.
    pub(crate) fn next(&self) -> Option<Instant> {
        let earliest = self
            .busy()
            .map(|(_, _, since)| self.counts_from(since))
            .min()?;
        let due = self.began + Duration::from_millis(earliest) + self.stuck_after();
        // A worker that is stuck already is checked once a second, to see it come back.
        Some(due.max(Instant::now() + Duration::from_secs(1)))
    }

    /// Workers waited for the service's own output until now: counts stuck time from here.
    pub(crate) fn were_held_up(&self, now: Instant) {
        self.held_up_until
            .store(self.millis(now), Ordering::Relaxed);
    }

    /// The time from which a turn that began at `since` counts towards being stuck.
    fn counts_from(&self, since: u64) -> u64 {
        since.max(self.held_up_until.load(Ordering::Relaxed))
    }

    /// Logs each stuck worker once, and its return. Logs and asks for peers after it has released
    /// the lock, which readers of the figures need.
    pub(crate) fn look(&self, now: Instant, peer_of: impl Fn(u64) -> Option<Peer>) {
        let now = self.millis(now);
        let stuck_after = self.stuck_after.load(Ordering::Relaxed);
        let (mut back, mut gone) = (Vec::new(), Vec::new());
        let mut stuck = self.stuck.lock();
        stuck.retain(|worker, (id, began)| {
            let slot = self.slots[*worker].get();
            let goes_on = slot.map(|slot| slot.at()) == Some((*id, *began));
            if !goes_on {
                back.push((*worker, *id, now.saturating_sub(*began)));
            }
            goes_on
        });
        for (worker, id, since) in self.busy() {
            let ms = now.saturating_sub(since);
            let may_be_stuck = now.saturating_sub(self.counts_from(since)) >= stuck_after;
            if may_be_stuck && !stuck.contains_key(&worker) {
                stuck.insert(worker, (id, since));
                gone.push((worker, id, ms));
            }
        }
        drop(stuck);
        for (worker, id, ms) in back {
            info!(worker, id, ms, "the stuck worker is back");
        }
        for (worker, id, ms) in gone {
            let peer = peer_of(id).map(|peer| peer.to_string()).unwrap_or_default();
            warn!(
                worker,
                id, peer, ms, "a worker does not come back from its handler"
            );
        }
    }

    fn all(&self) -> impl Iterator<Item = (usize, &WorkerSlot)> {
        let used = self.used.load(Ordering::Relaxed);
        let slots = self.slots[..used].iter().enumerate();
        slots.filter_map(|(number, slot)| Some((number, &**slot.get()?)))
    }

    /// Number, client and begin of each busy worker.
    fn busy(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        self.all().filter_map(|(number, slot)| {
            let (id, since) = slot.at();
            (id != 0).then_some((number, id, since))
        })
    }

    fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.began))
    }
}

impl WorkerSlot {
    fn at(&self) -> (u64, u64) {
        let id = self.id.load(Ordering::Acquire);
        (id, self.since.load(Ordering::Relaxed))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_began_after_the_check_is_not_stuck_for_ages() {
        let slots = WorkerTable::new(1, Duration::ZERO);
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        slots.begin(slots.of(0), 1, later);
        // The peer look-up may read the figures: the lock is not held.
        slots.look(now, |_| {
            assert_eq!(slots.load(), (1, 1));
            None
        });
    }
}
