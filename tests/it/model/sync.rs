//! What `src/scheduler/sync.rs` is for the server, for the model check: the same names, and behind them
//! primitives whose every interleaving is explored.

pub(crate) use loom::sync::atomic::{AtomicU8, Ordering};

/// A mutex that can't be poisoned, as the server's: a panic in a model ends the model.
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().expect("nobody panics while a model goes on")
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}
