//! The gate for changes of what clients have in common: shut while the clients move to another
//! process.
//!
//! What is done inside comes before the cut in the order of messages, and nothing comes after it:
//! the gate is shut when nothing is inside any more.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// See the head of the file. Its lock is held for a few moves.
#[derive(Default)]
pub(crate) struct Gate {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    inside: usize,
    is_shut: bool,
    /// Stays so after a move.
    is_shut_to_sources: bool,
}

/// Until it is dropped, the gate is not shut.
pub(crate) struct Inside<'a>(&'a Gate);

impl Gate {
    /// `None`: it is shut.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let mut inner = self.inner.lock();
        if inner.is_shut {
            return None;
        }
        inner.inside += 1;
        Some(Inside(self))
    }

    /// The same, and waits until it is open.
    #[cfg(feature = "cli")]
    pub(crate) fn wait_enter(&self, within: Duration) -> Option<Inside<'_>> {
        let until = Instant::now() + within;
        let mut inner = self.inner.lock();
        while inner.is_shut {
            if self.changed.wait_until(&mut inner, until).timed_out() {
                return None;
            }
        }
        inner.inside += 1;
        Some(Inside(self))
    }

    /// The same for a source of messages, which after a move is the other process's.
    pub(crate) fn enter_source(&self) -> Option<Inside<'_>> {
        let mut inner = self.inner.lock();
        if inner.is_shut_to_sources {
            return None;
        }
        inner.inside += 1;
        Some(Inside(self))
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.inner.lock().is_shut
    }

    /// Shuts it, and waits until nothing is inside; `false` after that time, and it is open again.
    pub(crate) fn shut(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut inner = self.inner.lock();
        (inner.is_shut, inner.is_shut_to_sources) = (true, true);
        while inner.inside > 0 {
            if self.changed.wait_until(&mut inner, until).timed_out() {
                break;
            }
        }
        let is_empty = inner.inside == 0;
        (inner.is_shut, inner.is_shut_to_sources) = (is_empty, is_empty);
        is_empty
    }

    /// Opens it again, to the sources only if they are still this process's.
    pub(crate) fn open(&self, to_sources: bool) {
        let mut inner = self.inner.lock();
        inner.is_shut = false;
        inner.is_shut_to_sources &= !to_sources;
        self.changed.notify_all();
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.inner.lock();
        inner.inside -= 1;
        if inner.is_shut && inner.inside == 0 {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shut_only_when_nothing_is_inside() {
        let gate = Gate::default();
        let inside = gate.enter().expect("open");
        assert!(!gate.shut(Duration::from_millis(1)), "one is inside");
        drop(inside);
        assert!(gate.shut(Duration::from_millis(1)));
        assert!(gate.enter().is_none() && gate.enter_source().is_none());
        gate.open(false);
        assert!(gate.enter().is_some() && gate.enter_source().is_none());
        gate.open(true);
        assert!(gate.enter_source().is_some());
    }

    #[test]
    fn it_shuts_when_the_last_has_left() {
        let gate = Gate::default();
        let inside = gate.enter_source().expect("open");
        std::thread::scope(|scope| {
            let shut = scope.spawn(|| gate.shut(Duration::from_secs(60)));
            while !gate.is_shut() {
                std::thread::yield_now();
            }
            drop(inside);
            assert!(shut.join().expect("no panic"));
        });
    }
}
