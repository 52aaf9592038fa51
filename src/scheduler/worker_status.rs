//! What each worker does now, so that the log can name a stuck one, and what it has counted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::net::address::Peer;
use crate::scheduler::metrics::{Meter, Moved, Sum};
use crate::series::Series;

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
    /// The stuck turns, by worker number.
    stuck: Mutex<BTreeMap<usize, StuckTurn>>,
    /// A client whose every message takes so long has a line for each worker, not for each
    /// message.
    lines: Mutex<Series<(usize, Option<IpAddr>)>>,
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

/// A turn that has taken too long.
struct StuckTurn {
    /// Its connection and its begin.
    at: (u64, u64),
    /// The log has named it, and names its end.
    is_told: bool,
}

/// A worker whose turn takes too long, or has ended at last.
struct Change {
    worker: usize,
    /// The turn's connection and begin.
    at: (u64, u64),
    ms: u64,
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
            lines: Mutex::new(Series::new()),
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

    /// When the next worker becomes stuck if its turn does not end, or the log has to be told that
    /// none was.
    pub(crate) fn next(&self) -> Option<Instant> {
        let quiet = self.lines.lock().next();
        [self.next_stuck(), quiet].into_iter().flatten().min()
    }

    fn next_stuck(&self) -> Option<Instant> {
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

    /// Logs a stuck worker and its return: the first ones, then a count. Logs and asks for peers
    /// after it has released the lock, which readers of the figures need.
    pub(crate) fn look(&self, now: Instant, peer_of: impl Fn(u64) -> Option<Peer>) {
        let (back, gone) = self.take_changes(self.millis(now));
        for Change { worker, at, ms } in back {
            let id = at.0;
            info!(worker, id, ms, "the stuck worker is back");
        }
        for Change { worker, at, ms } in gone {
            let peer = peer_of(at.0);
            let key = (worker, peer.and_then(Peer::host));
            let Some(told) = self.lines.lock().happened(key, now) else {
                continue;
            };
            if let Some(turn) = self.stuck.lock().get_mut(&worker) {
                turn.is_told |= turn.at == at;
            }
            let (id, earlier) = (at.0, told.earlier());
            let peer = peer.map(|peer| peer.to_string()).unwrap_or_default();
            warn!(
                worker,
                id, peer, ms, earlier, "a worker does not come back from its handler"
            );
        }
        let over = self.lines.lock().look(now);
        // A single case has its lines.
        if let Some(count) = over.filter(|count| *count > 1) {
            info!(count, "no more stuck workers");
        }
    }

    /// The workers that are back, of those that the log has named; and those that are stuck and
    /// were not before.
    fn take_changes(&self, now: u64) -> (Vec<Change>, Vec<Change>) {
        let stuck_after = self.stuck_after.load(Ordering::Relaxed);
        let (mut back, mut gone) = (Vec::new(), Vec::new());
        let mut stuck = self.stuck.lock();
        stuck.retain(|worker, turn| {
            let at = turn.at;
            let slot = self.slots[*worker].get();
            let goes_on = slot.map(|slot| slot.at()) == Some(at);
            if !goes_on && turn.is_told {
                back.push(Change {
                    worker: *worker,
                    at,
                    ms: now.saturating_sub(at.1),
                });
            }
            goes_on
        });
        for (worker, id, since) in self.busy() {
            let ms = now.saturating_sub(since);
            let may_be_stuck = now.saturating_sub(self.counts_from(since)) >= stuck_after;
            if may_be_stuck && !stuck.contains_key(&worker) {
                let (at, is_told) = ((id, since), false);
                stuck.insert(worker, StuckTurn { at, is_told });
                gone.push(Change { worker, at, ms });
            }
        }
        (back, gone)
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

    #[test]
    fn turns_that_take_long_again_and_again_have_a_few_lines() {
        let slots = WorkerTable::new(1, Duration::from_secs(1));
        let (slot, mut now) = (slots.of(0), Instant::now());
        let peer = Some(Peer::from_tcp(([192, 0, 2, 1], 7).into()));
        let mut told = 0;
        for _ in 0..1000 {
            slots.begin(slot, 1, now);
            now += Duration::from_secs(2);
            slots.look(now, |_| peer);
            told += usize::from(slots.stuck.lock()[&0].is_told);
            slots.end(slot);
            now += Duration::from_millis(1);
            slots.look(now, |_| peer);
            assert!(slots.stuck.lock().is_empty());
        }
        assert_eq!(told, 1, "within an hour");
        assert_eq!(
            slots.lines.lock().look(now + Duration::from_secs(60)),
            Some(1000)
        );
    }
}
