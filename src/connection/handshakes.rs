//! Bounds the workers that compute TLS handshakes at once. The others serve clients whose
//! handshake is done, however many begin one.
//!
//! A connection whose turn it is not yet rests; its bytes are read and wait in its session. The
//! right to compute is then promised to it, and it is woken: it is at the back of the run queue,
//! and one at a time. Where a worker is alone it also polls between two that compute, so that
//! clients whose handshake is done wait for one at most, and need no second worker for that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rustix::time::{ClockId, clock_gettime};

use crate::connection::Connection;
use crate::scheduler::load::nanos;
use crate::scheduler::state::Reasons;
use crate::tls::{FailureKind, KINDS};

/// Computing that other clients can wait for: about two handshakes with a key of P-256, less than
/// one with RSA.
const SHORT: Duration = Duration::from_micros(200);
/// After this much computing the poller is asked before the next handshake.
const BETWEEN_POLLS: Duration = Duration::from_micros(50);

/// See the head of the file. Also counts them.
pub(crate) struct Handshakes {
    most: usize,
    state: Mutex<State>,
    /// Computed since the poller was asked.
    since_poll_ns: AtomicU64,
    started: AtomicU64,
    done: AtomicU64,
    failed: [AtomicU64; KINDS.len()],
    computed_ns: AtomicU64,
    truncated: AtomicU64,
    plain: AtomicU64,
}

/// TLS sessions since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsStats {
    /// Handshakes that began: the client has sent a byte.
    pub started: u64,
    /// Handshakes that were completed.
    pub done: u64,
    /// Handshakes that failed, by reason; the log says more.
    pub failed: Vec<(&'static str, u64)>,
    /// Processor time of computing handshakes.
    pub computed: Duration,
    /// Clients whose connection ended before their session did.
    pub truncated: u64,
    /// Clients that speak plainly, with [`Options::tls_optional`](crate::Options).
    pub plain: u64,
    /// When each certificate ends, in seconds since 1970, by its file. Of those that lead to its
    /// root the first end counts.
    pub certificates: Vec<(String, i64)>,
}

#[derive(Default)]
struct State {
    /// Rights to compute that connections have, or are promised.
    taken: usize,
    /// The connections that compute in their next turn.
    promised: BTreeSet<u64>,
    /// By id, which is the order of arrival.
    waiting: BTreeMap<u64, Arc<Connection>>,
}

/// The right to compute on this thread, until it is dropped.
pub(crate) struct Permit<'a> {
    handshakes: &'a Handshakes,
    /// The thread's processor time at its begin.
    began: Duration,
    /// Another worker could not have computed.
    is_last: bool,
}

impl Handshakes {
    pub(crate) fn new(most: usize) -> Handshakes {
        Handshakes {
            most,
            state: Mutex::default(),
            since_poll_ns: AtomicU64::new(0),
            started: AtomicU64::new(0),
            done: AtomicU64::new(0),
            failed: Default::default(),
            computed_ns: AtomicU64::new(0),
            truncated: AtomicU64::new(0),
            plain: AtomicU64::new(0),
        }
    }

    pub(crate) fn began(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, kind: FailureKind) {
        self.failed[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A client's connection has ended before its session did.
    pub(crate) fn truncated(&self) {
        self.truncated.fetch_add(1, Ordering::Relaxed);
    }

    /// A client speaks plainly, and may.
    pub(crate) fn plain(&self) {
        self.plain.fetch_add(1, Ordering::Relaxed);
    }

    /// Without what the certificates say.
    pub(crate) fn stats(&self) -> TlsStats {
        let failed = KINDS.iter().zip(&self.failed);
        let failed = failed.map(|(kind, count)| (kind.name(), count.load(Ordering::Relaxed)));
        TlsStats {
            started: self.started.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            failed: failed.collect(),
            computed: Duration::from_nanos(self.computed_ns.load(Ordering::Relaxed)),
            truncated: self.truncated.load(Ordering::Relaxed),
            plain: self.plain.load(Ordering::Relaxed),
            certificates: Vec::new(),
        }
    }

    /// The right to compute, or `None`: the connection is woken when it can be had.
    pub(crate) fn enter(&self, connection: &Arc<Connection>) -> Option<Permit<'_>> {
        let mut state = self.state.lock();
        if !state.promised.remove(&connection.id) {
            if state.taken == self.most {
                let waits = Arc::clone(connection);
                state.waiting.insert(connection.id, waits);
                return None;
            }
            state.taken += 1;
            if self.since_poll_ns.load(Ordering::Relaxed) >= nanos(BETWEEN_POLLS) {
                state.promised.insert(connection.id);
                drop(state);
                connection.wake(Reasons::NOTICE);
                return None;
            }
        }
        let is_last = state.taken == self.most;
        drop(state);
        Some(Permit {
            handshakes: self,
            began: processor_time(),
            is_last,
        })
    }

    /// The connection's handshake is over, perhaps after it was woken: the next one takes its turn.
    pub(crate) fn forget(&self, connection: &Connection) {
        let mut state = self.state.lock();
        state.waiting.remove(&connection.id);
        if state.promised.remove(&connection.id) {
            self.pass_on(state);
        }
    }

    /// A worker has asked the poller.
    pub(crate) fn polled(&self) {
        if self.since_poll_ns.load(Ordering::Relaxed) > 0 {
            self.since_poll_ns.store(0, Ordering::Relaxed);
        }
    }

    /// Promises a right that is free now to the connection that waits the longest.
    fn pass_on(&self, mut state: MutexGuard<'_, State>) {
        let Some((id, next)) = state.waiting.pop_first() else {
            state.taken -= 1;
            return;
        };
        state.promised.insert(id);
        // Nothing is woken under the lock.
        drop(state);
        next.wake(Reasons::NOTICE);
    }
}

impl Permit<'_> {
    /// Counts what was computed. Answers how much of it is no reason for another worker: a short
    /// time in which that one could not have computed either.
    pub(crate) fn end(self) -> Duration {
        let took = processor_time().saturating_sub(self.began);
        let handshakes = self.handshakes;
        for sum in [&handshakes.computed_ns, &handshakes.since_poll_ns] {
            sum.fetch_add(nanos(took), Ordering::Relaxed);
        }
        match self.is_last {
            true => took.min(SHORT),
            false => Duration::ZERO,
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.handshakes.pass_on(self.handshakes.state.lock());
    }
}

/// Of this thread.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::connection;

    #[test]
    fn one_computes_and_the_next_is_woken() {
        let handshakes = Handshakes::new(1);
        let (connection, _other) = connection();
        let permit = handshakes.enter(&connection).expect("none computes");
        assert!(handshakes.enter(&connection).is_none());
        let _ = connection.state.start();
        assert!(!connection.state.is_noticed());
        drop(permit);
        assert!(connection.state.is_noticed());
        assert!(handshakes.enter(&connection).is_some());
    }

    #[test]
    fn one_that_was_woken_by_its_bytes_takes_no_wake_up_of_the_next() {
        let handshakes = Handshakes::new(1);
        let mut all = [connection(), connection(), connection()];
        for (id, (connection, _other)) in (1..).zip(&mut all) {
            Arc::get_mut(connection).expect("one handle").id = id;
        }
        let [(first, _), (second, _), (third, _)] = &all;
        let permit = handshakes.enter(first).expect("none computes");
        for waits in [first, second, third] {
            assert!(handshakes.enter(waits).is_none());
        }
        drop(permit);
        // The first is woken, but bytes of the second come first.
        assert!(handshakes.enter(second).is_none());
        drop(handshakes.enter(first).expect("it is its turn"));
        let permit = handshakes.enter(second).expect("it is its turn");
        let _ = third.state.start();
        drop(permit);
        assert!(third.state.is_noticed());
    }

    #[test]
    fn between_two_that_compute_long_the_poller_is_asked() {
        let handshakes = Handshakes::new(1);
        let (connection, _other) = connection();
        let until = processor_time() + 2 * BETWEEN_POLLS;
        let permit = handshakes.enter(&connection);
        while processor_time() < until {}
        let _ = permit.map(Permit::end);
        assert!(handshakes.enter(&connection).is_none());
        // It is queued again, behind what the poller reports.
        let _ = connection.state.start();
        assert!(
            handshakes.enter(&connection).is_some(),
            "its turn, polled or not"
        );
        handshakes.polled();
        assert!(handshakes.enter(&connection).is_some());
    }

    #[test]
    fn what_counts_is_the_processors_time() {
        let handshakes = Handshakes::new(1);
        let (connection, _other) = connection();
        let permit = handshakes.enter(&connection);
        std::thread::sleep(Duration::from_millis(100));
        let _ = permit.map(Permit::end);
        assert!(handshakes.stats().computed < Duration::from_millis(50));
        handshakes.polled();
        let permit = handshakes.enter(&connection);
        let until = processor_time() + Duration::from_millis(50);
        while processor_time() < until {}
        let _ = permit.map(Permit::end);
        assert!(handshakes.stats().computed >= Duration::from_millis(50));
    }

    #[test]
    fn one_that_ends_after_it_was_woken_holds_up_none() {
        let handshakes = Handshakes::new(1);
        let (ends, _first) = connection();
        let (mut waits, _second) = connection();
        Arc::get_mut(&mut waits).expect("one handle").id = 2;
        let permit = handshakes.enter(&ends).expect("none computes");
        assert!(handshakes.enter(&ends).is_none());
        assert!(handshakes.enter(&waits).is_none());
        let _ = waits.state.start();
        drop(permit);
        assert!(!waits.state.is_noticed());
        handshakes.forget(&ends);
        assert!(waits.state.is_noticed());
    }
}
