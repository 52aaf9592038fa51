//! Deadlines: the connections to wake, ordered by time.
//!
//! A connection has one entry, for its earliest deadline; when it is woken, its turn checks whether
//! anything is due and makes a new entry. So a busy client costs nothing here, and a quiet one a
//! single entry for each period of its limit.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::connection::Connection;

/// The entries in order of time, and what wakes the watch.
#[derive(Default)]
pub(crate) struct Deadlines {
    waiting: Mutex<BTreeMap<(Instant, u64), Weak<Connection>>>,
    pub(crate) watch_notify: Notify,
}

impl Deadlines {
    /// Adds a deadline for the connection, in place of the later one at `before`.
    pub(crate) fn push(&self, due: Instant, before: Option<Instant>, connection: &Arc<Connection>) {
        let mut waiting = self.waiting.lock();
        if let Some(before) = before {
            waiting.remove(&(before, connection.id));
        }
        let is_first = waiting
            .first_key_value()
            .is_none_or(|((first, _), _)| due < *first);
        waiting.insert((due, connection.id), Arc::downgrade(connection));
        drop(waiting);
        if is_first {
            // The watch may sleep until later.
            self.watch_notify.notify();
        }
    }

    /// Removes the deadline of a connection that has ended, so that nothing of it stays until then.
    pub(crate) fn remove(&self, due: Instant, id: u64) {
        self.waiting.lock().remove(&(due, id));
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waiting
            .lock()
            .first_key_value()
            .map(|((due, _), _)| *due)
    }

    /// Takes the connections whose deadline has come and that still exist.
    pub(crate) fn due(&self, now: Instant) -> Vec<Arc<Connection>> {
        let mut waiting = self.waiting.lock();
        if waiting
            .first_key_value()
            .is_none_or(|((first, _), _)| *first > now)
        {
            return Vec::new();
        }
        let later = waiting.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut *waiting, later);
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
        assert_eq!(deadlines.next(), None);
    }
}
