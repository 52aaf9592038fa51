//! Deadlines: the connections to wake, ordered by time.
//!
//! A connection has one entry, for its earliest deadline; when it is woken, its turn checks whether
//! anything is due and makes a new entry. So a busy client costs nothing here, and a quiet one a
//! single entry for each period of its limit. The watch is woken only for an entry before the time
//! at which it looks in any case.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::connection::Connection;

/// The entries in order of time, and what wakes the watch.
#[derive(Default)]
pub(crate) struct Deadlines {
    waiting: Mutex<Waiting>,
    pub(crate) watch_notify: Notify,
}

#[derive(Default)]
struct Waiting {
    entries: BTreeMap<(Instant, u64), Weak<Connection>>,
    /// When the watch looks again, or has; `None` if it may sleep until it is notified.
    next_look: Option<Instant>,
}

impl Waiting {
    fn first(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|((due, _), _)| *due)
    }
}

impl Deadlines {
    /// Adds a deadline for the connection, in place of the later one at `before`.
    pub(crate) fn push(&self, due: Instant, before: Option<Instant>, connection: &Arc<Connection>) {
        let mut waiting = self.waiting.lock();
        if let Some(before) = before {
            waiting.entries.remove(&(before, connection.id));
        }
        let is_before = |other: Option<Instant>| other.is_none_or(|other| due < other);
        let wakes = is_before(waiting.first()) && is_before(waiting.next_look);
        let entry = Arc::downgrade(connection);
        waiting.entries.insert((due, connection.id), entry);
        drop(waiting);
        if wakes {
            self.watch_notify.notify();
        }
    }

    /// Removes the deadline of a connection that has ended, so that nothing of it stays until then.
    pub(crate) fn remove(&self, due: Instant, id: u64) {
        self.waiting.lock().entries.remove(&(due, id));
    }

    /// The watch looks again at this time.
    pub(crate) fn look_at(&self, next: Instant) {
        self.waiting.lock().next_look = Some(next);
    }

    /// The watch sleeps until then, or for ever. Answers the first deadline if that is earlier.
    pub(crate) fn sleep_until(&self, latest: Option<Instant>) -> Option<Instant> {
        let mut waiting = self.waiting.lock();
        waiting.next_look = waiting.first().into_iter().chain(latest).min();
        waiting.next_look
    }

    /// Takes the connections whose deadline has come and that still exist.
    pub(crate) fn due(&self, now: Instant) -> Vec<Arc<Connection>> {
        let mut waiting = self.waiting.lock();
        if waiting.first().is_none_or(|first| first > now) {
            return Vec::new();
        }
        let later = waiting.entries.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut waiting.entries, later);
        drop(waiting);
        due.into_values()
            .filter_map(|connection| connection.upgrade())
            .collect()
    }
}

/// Wakes a thread: a flag and a condition variable.
#[derive(Default)]
pub(crate) struct Notify {
    is_notified: Mutex<bool>,
    changed: Condvar,
}

impl Notify {
    pub(crate) fn notify(&self) {
        *self.is_notified.lock() = true;
        self.changed.notify_one();
    }

    /// Waits for a call of `notify`, but not beyond `until`.
    pub(crate) fn wait(&self, until: Option<Instant>) {
        let mut is_notified = self.is_notified.lock();
        while !*is_notified {
            match until {
                Some(until) if self.changed.wait_until(&mut is_notified, until).timed_out() => {
                    break;
                }
                Some(_) => {}
                None => self.changed.wait(&mut is_notified),
            }
        }
        *is_notified = false;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::connection::tests::connection;

    #[test]
    fn an_earlier_time_takes_the_place_of_a_later_one() {
        let deadlines = Deadlines::default();
        let (connection, _other) = connection();
        let sooner = Instant::now();
        let later = sooner + Duration::from_secs(1);
        deadlines.push(later, None, &connection);
        deadlines.push(sooner, Some(later), &connection);
        assert_eq!(deadlines.due(sooner).len(), 1);
        assert_eq!(deadlines.sleep_until(None), None);
    }

    #[test]
    fn only_a_time_before_its_next_look_wakes_the_watch() {
        let deadlines = Deadlines::default();
        let (connection, _other) = connection();
        let is_woken = || std::mem::take(&mut *deadlines.watch_notify.is_notified.lock());
        let after = |ms| Instant::now() + Duration::from_millis(ms);
        deadlines.look_at(after(1_000));
        let late = after(10_000);
        deadlines.push(late, None, &connection);
        assert!(!is_woken());
        let asleep_until = deadlines.sleep_until(Some(after(100_000)));
        assert_eq!(
            asleep_until,
            Some(late),
            "the deadline that it was not woken for"
        );
        let soon = after(5_000);
        deadlines.push(soon, Some(late), &connection);
        assert!(is_woken());
        deadlines.remove(soon, connection.id);
        assert_eq!(deadlines.sleep_until(None), None);
        deadlines.push(late, None, &connection);
        assert!(is_woken());
    }
}
