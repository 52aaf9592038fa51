//! The workers. Knows jobs, not connections; the only file that names `threadpool`.
//!
//! `threadpool`'s queue has no bound and its `join` no deadline; both are kept in front of it: a
//! job is only ever handed over for a thread that is idle (see `ready.rs`, invariant 3), so its
//! queue never holds more than the pool's size, and whoever waits for the end waits with a
//! deadline.
//!
//! Its threads don't leave when it is made smaller, as long as they are idle. So another number of
//! workers is another pool, a new *shift*: the old one's idle threads end at once, the others when
//! they have come home.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use threadpool::ThreadPool;

/// Most threads at once, those that have not come back since an earlier shift included: twice what
/// one shift may have (a worker's thread each, and one for those who wait).
pub(crate) const NUMBERS: usize = 2050;

/// A number of threads, `worker-00` and on; numbered when they are first needed.
pub(crate) struct Pool {
    /// Whose it is, for the threads' names.
    server: &'static str,
    crew: Mutex<Generation>,
    numbers: Arc<Numbers>,
    duty: Arc<InFlight>,
}

struct Generation {
    threads: ThreadPool,
    shift: u64,
}

/// The place of a thread that has a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Which of its pool's threads it is; no other that lives has the same.
    pub(crate) number: usize,
    /// Whose thread it is: the first pool's is 0, and each resizing makes the next.
    pub(crate) shift: u64,
}

/// Numbers that threads have, to be given out again when they end.
#[derive(Default)]
struct Numbers(Mutex<Vec<bool>>);

/// A thread's number, given back when the thread ends.
struct ThreadIdGuard {
    numbers: Arc<Numbers>,
    number: usize,
}

thread_local! {
    static BADGE: RefCell<Option<ThreadIdGuard>> = const { RefCell::new(None) };
    static IS_STARTING: Cell<bool> = const { Cell::new(false) };
}

/// Jobs handed over and not yet done.
#[derive(Default)]
struct InFlight {
    jobs: Mutex<usize>,
    changed: Condvar,
}

impl Pool {
    /// Starts `workers` threads for a server of this name, which may be empty.
    ///
    /// # Errors
    /// When the system does not give that many.
    pub(crate) fn new(server: &'static str, workers: usize) -> io::Result<Pool> {
        Ok(Pool {
            server,
            crew: Mutex::new(Generation {
                threads: start(server, workers)?,
                shift: 0,
            }),
            numbers: Arc::default(),
            duty: Arc::default(),
        })
    }

    /// Starts another shift of `workers` threads; answers its number. Jobs that were handed over
    /// are still done by the shift that has them.
    ///
    /// # Errors
    /// When the system does not give that many, or too many of earlier shifts have not come back.
    pub(crate) fn resize(&self, workers: usize) -> io::Result<u64> {
        let taken = self.numbers.taken();
        // Those without a number are idle, and end when the next shift comes.
        if taken + workers > NUMBERS {
            let problem = format!("{taken} workers of before have not come back yet");
            return Err(io::Error::other(problem));
        }
        let threads = start(self.server, workers)?;
        let mut crew = self.crew.lock();
        crew.shift += 1;
        let shift = crew.shift;
        let before = std::mem::replace(&mut crew.threads, threads);
        drop(crew);
        // Closes its queue: who waits for a job of it ends.
        drop(before);
        Ok(shift)
    }

    /// Gives `job` to an idle thread, and tells it its place.
    pub(crate) fn call_in(&self, job: impl FnOnce(Place) + Send + 'static) {
        *self.duty.jobs.lock() += 1;
        let duty = Arc::clone(&self.duty);
        let numbers = Arc::clone(&self.numbers);
        let server = self.server;
        let crew = self.crew.lock();
        let shift = crew.shift;
        crew.threads.execute(move || {
            let number = own_number(server, &numbers);
            job(Place { number, shift });
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

/// A thread's name, with its server's before it if that has one.
pub(crate) fn thread_name(server: &str, name: &str) -> String {
    match server {
        "" => name.to_owned(),
        server => format!("{server}-{name}"),
    }
}

fn start(server: &str, workers: usize) -> io::Result<ThreadPool> {
    let builder = threadpool::Builder::new()
        .num_threads(workers)
        .thread_name(thread_name(server, "worker"));
    // It has no other way to say that a thread could not be had.
    IS_STARTING.set(true);
    let started = std::panic::catch_unwind(|| builder.build());
    IS_STARTING.set(false);
    started.map_err(|_| io::ErrorKind::WouldBlock.into())
}

/// Whether a panic of this thread only says that the system gives no more threads: then it is told
/// as the error that it becomes.
#[cfg(feature = "cli")]
pub(crate) fn is_starting() -> bool {
    IS_STARTING.get()
}

/// This thread's number; its first job gives it one, and its name.
fn own_number(server: &str, numbers: &Arc<Numbers>) -> usize {
    BADGE.with_borrow_mut(|badge| {
        let badge = badge.get_or_insert_with(|| {
            let number = numbers.take();
            if let Ok(name) = CString::new(thread_name(server, &format!("worker-{number:02}"))) {
                // `threadpool` gives all threads one name. Without a number it works as well.
                let _ = rustix::thread::set_name(&name);
            }
            ThreadIdGuard {
                numbers: Arc::clone(numbers),
                number,
            }
        });
        badge.number
    })
}

impl Numbers {
    fn taken(&self) -> usize {
        self.0.lock().iter().filter(|taken| **taken).count()
    }

    /// The lowest that is free. There always is one: `resize` starts no more threads than that.
    fn take(&self) -> usize {
        let mut taken = self.0.lock();
        let number = taken.iter().position(|taken| !taken);
        let number = number.unwrap_or(taken.len()).min(NUMBERS - 1);
        if number == taken.len() {
            taken.push(true);
        }
        taken[number] = true;
        number
    }
}

impl Drop for ThreadIdGuard {
    fn drop(&mut self) {
        self.numbers.0.lock()[self.number] = false;
    }
}
