//! The task that one thread at a time does: the acceptor, for workers that find clients waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;

use super::explore;
use crate::scheduler::baton::Baton;

/// Clients that have come, and a task that knows how many it has seen.
struct Backlog {
    /// Relaxed: only the baton's own ordering may make a round see it.
    come: AtomicUsize,
    task: Baton<usize>,
    /// A plain atomic: see `connection.rs`.
    inside: AtomicBool,
}

impl Backlog {
    fn client_comes(&self) {
        self.come.fetch_add(1, Relaxed);
        self.task.call(|seen| {
            assert!(!self.inside.swap(true, SeqCst), "two threads at the task");
            *seen = self.come.load(Relaxed);
            self.inside.store(false, SeqCst);
        });
    }
}

/// Whichever thread does the task, each client is seen by a round that begins after it came.
#[test]
fn each_that_comes_is_seen() {
    explore(3, || {
        let backlog = Arc::new(Backlog {
            come: AtomicUsize::new(0),
            task: Baton::new(0),
            inside: AtomicBool::new(false),
        });
        let threads = [(); 2].map(|()| {
            let backlog = Arc::clone(&backlog);
            thread::spawn(move || backlog.client_comes())
        });
        backlog.client_comes();
        for thread in threads {
            thread.join().expect("a caller panicked");
        }
        assert!(backlog.task.is_free());
        let mut seen = 0;
        backlog.task.call(|so_far| seen = *so_far);
        assert_eq!(seen, 3);
    });
}
