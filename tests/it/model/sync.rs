//! Takes the place of `src/scheduler/sync.rs`: the same names for primitives whose every
//! interleaving is explored.

pub(crate) use loom::sync::atomic::{AtomicU8, Ordering};

/// A mutex that can't be poisoned, like the server's: a panic in a model ends the model.
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().expect("a panic ends the model")
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}
