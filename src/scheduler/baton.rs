//! A task that one thread at a time does, on behalf of each that finds something to do.
//!
//! | word   | meaning                                         | leaves by |
//! |--------|-------------------------------------------------|-----------|
//! | free   | no thread does it                               | a call → held |
//! | held   | one thread does it                              | its end → free, a call → called |
//! | called | the same, and something has come since it began | its end → held: it begins anew |
//!
//! Ordering: a call releases and the begin acquires, so what had come before a call is seen by the
//! round that begins after it.

use crate::scheduler::sync::{AtomicU8, Mutex, Ordering};

const FREE: u8 = 0;
const HELD: u8 = 1;
const CALLED: u8 = 2;

/// See the head of the file.
pub(crate) struct Baton<T> {
    word: AtomicU8,
    /// Only the thread that holds the baton takes the lock.
    task: Mutex<T>,
}

impl<T> Baton<T> {
    pub(crate) fn new(task: T) -> Baton<T> {
        Baton {
            word: AtomicU8::new(FREE),
            task: Mutex::new(task),
        }
    }

    /// Something has come: runs `round` for it, and for what comes meanwhile. If another thread
    /// does the task already, that one runs another round.
    pub(crate) fn call(&self, mut round: impl FnMut(&mut T)) {
        if self.word.swap(CALLED, Ordering::AcqRel) != FREE {
            return;
        }
        let mut is_over = false;
        while !is_over {
            self.word.swap(HELD, Ordering::AcqRel);
            round(&mut self.task.lock());
            let end = self
                .word
                .compare_exchange(HELD, FREE, Ordering::AcqRel, Ordering::Relaxed);
            is_over = end.is_ok();
        }
    }

    /// Whether no thread does the task now.
    pub(crate) fn is_free(&self) -> bool {
        self.word.load(Ordering::Relaxed) == FREE
    }
}
