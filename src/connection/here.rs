//! Connections that are served by the thread that wakes them.
//!
//! A thread of a service gives clients what has come for them. To wake a worker for that takes
//! longer than their turns, so it serves them itself. If there are many it leaves the others to the
//! workers, which are several.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Connection;

/// Connections that a thread serves at once.
const MOST: usize = 16;

thread_local! {
    /// Those that wait for this thread; `None`: it leaves all to the workers.
    static WOKEN: RefCell<Option<VecDeque<Arc<Connection>>>> = const { RefCell::new(None) };
}

/// As long as it lives, its thread keeps what it wakes for [`serve`].
pub(crate) struct Here(PhantomData<*const ()>);

impl Here {
    pub(crate) fn begin() -> Here {
        WOKEN.set(Some(VecDeque::new()));
        Here(PhantomData)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        for left in WOKEN.take().into_iter().flatten() {
            let common = Arc::clone(&left.common);
            (common.queue)(left);
        }
    }
}

/// Serves those that this thread has woken. To be called without a lock.
pub(crate) fn serve() {
    let next = || WOKEN.with_borrow_mut(|woken| woken.as_mut()?.pop_front());
    // What a turn wakes is kept as well.
    for woken in std::iter::from_fn(next).take(MOST) {
        let common = Arc::clone(&woken.common);
        (common.serve)(woken);
    }
}

/// Keeps a connection that was woken for this thread; gives it back if it is for the workers.
pub(crate) fn keep(connection: Arc<Connection>) -> Option<Arc<Connection>> {
    WOKEN.with_borrow_mut(|woken| match woken {
        Some(woken) if woken.len() < MOST => {
            woken.push_back(connection);
            None
        }
        _ => Some(connection),
    })
}
