//! A gate inside a handler: the test sees how many threads wait at it, and opens it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::support::spool::PATIENCE;

/// Closed at first. Cheap to clone.
#[derive(Clone, Default)]
pub struct Gate(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many threads may still pass.
    tickets: Tickets,
    waiting: usize,
    most: usize,
}

enum Tickets {
    Left(usize),
    Unlimited,
}

impl Default for Tickets {
    fn default() -> Tickets {
        Tickets::Left(0)
    }
}

impl Gate {
    /// Waits at the gate; the handler calls it.
    pub fn pass(&self) {
        let mut state = self.0.state.lock();
        state.waiting += 1;
        state.most = state.most.max(state.waiting);
        self.0.changed.notify_all();
        let until = Instant::now() + PATIENCE;
        while matches!(state.tickets, Tickets::Left(0)) {
            if self.0.changed.wait_until(&mut state, until).timed_out() {
                // The test has failed elsewhere, or this fails it.
                break;
            }
        }
        if let Tickets::Left(left) = &mut state.tickets {
            *left = left.saturating_sub(1);
        }
        state.waiting -= 1;
        self.0.changed.notify_all();
    }

    /// Waits until this many threads wait at the gate.
    pub fn wait_waiting(&self, count: usize) {
        self.wait(&format!("{count} at the gate"), |state| {
            state.waiting >= count
        });
    }

    /// Lets this many more threads pass.
    pub fn admit(&self, more: usize) {
        let mut state = self.0.state.lock();
        if let Tickets::Left(left) = &mut state.tickets {
            *left += more;
        }
        self.0.changed.notify_all();
    }

    /// Lets all threads pass, now and later.
    pub fn open(&self) {
        self.0.state.lock().tickets = Tickets::Unlimited;
        self.0.changed.notify_all();
    }

    /// The maximum number of threads that waited at the same time.
    pub fn most(&self) -> usize {
        self.0.state.lock().most
    }

    pub fn waiting(&self) -> usize {
        self.0.state.lock().waiting
    }

    fn wait(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut state = self.0.state.lock();
        while !is_so(&state) {
            let late = self.0.changed.wait_until(&mut state, until).timed_out();
            assert!(!late || is_so(&state), "waited in vain: {what}");
        }
    }
}

/// Sets a flag at its own end, also when the test fails: threads that go on until it is set would
/// keep the test from ending.
pub struct SetAtEnd<'a>(pub &'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
