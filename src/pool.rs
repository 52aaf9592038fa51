//! The fixed workers. Knows jobs, not connections; the only file that names `threadpool`.
//!
//! `threadpool`'s queue has no bound and its `join` no deadline; both are kept in front of it: a
//! job is only ever handed over for a thread that is idle (see `ready.rs`, invariant 3), so its
//! queue never holds more than the pool's size, and whoever waits for the end waits with a
//! deadline.

use std::cell::Cell;
use std::ffi::CString;
use std::io;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use threadpool::ThreadPool;

/// A fixed number of threads, `worker-00` and on.
pub(crate) struct Pool {
    threads: ThreadPool,
    duty: Arc<Duty>,
}

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// Which of its pool's threads this is, from 0.
pub(crate) fn thread_number() -> usize {
    NUMBER.get()
}

/// Jobs handed over and not yet done.
#[derive(Default)]
struct Duty {
    jobs: Mutex<usize>,
    changed: Condvar,
}

impl Pool {
    /// Starts `workers` threads.
    ///
    /// # Errors
    /// When the system does not give that many.
    pub(crate) fn new(workers: usize) -> io::Result<Pool> {
        let builder = threadpool::Builder::new()
            .num_threads(workers)
            .thread_name("worker".into());
        // It has no other way to say that a thread could not be had.
        let threads = std::panic::catch_unwind(|| builder.build())
            .map_err(|_| io::Error::other(format!("{workers} threads could not be started")))?;
        name_threads(&threads, workers);
        Ok(Pool {
            threads,
            duty: Arc::default(),
        })
    }

    /// Gives `job` to an idle thread.
    pub(crate) fn call_in(&self, job: impl FnOnce() + Send + 'static) {
        *self.duty.jobs.lock() += 1;
        let duty = Arc::clone(&self.duty);
        self.threads.execute(move || {
            job();
            *duty.jobs.lock() -= 1;
            duty.changed.notify_all();
        });
    }

    /// Waits until all jobs are done; `false` if `until` came first.
    pub(crate) fn join(&self, until: Instant) -> bool {
        let mut jobs = self.duty.jobs.lock();
        while *jobs > 0 {
            if self.duty.changed.wait_until(&mut jobs, until).timed_out() {
                return *jobs == 0;
            }
        }
        true
    }
}

/// `threadpool` gives all threads one name; people tell them apart by the number.
fn name_threads(threads: &ThreadPool, workers: usize) {
    // Each thread waits for the others, so each is given exactly one of these jobs.
    let all_here = Arc::new(Barrier::new(workers + 1));
    for number in 0..workers {
        let all_here = Arc::clone(&all_here);
        threads.execute(move || {
            if let Ok(name) = CString::new(format!("worker-{number:02}")) {
                // Without a name it works as well.
                let _ = rustix::thread::set_name(&name);
            }
            NUMBER.set(number);
            all_here.wait();
        });
    }
    all_here.wait();
}
