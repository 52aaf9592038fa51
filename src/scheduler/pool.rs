//! The workers. Knows jobs, not connections; the only file that names `threadpool`.
//!
//! `threadpool` starts the threads and gives each its first job. Its queue has no bound and its
//! `join` no deadline; both are kept in front of it: a job is only ever handed over for a thread
//! that is idle (see `run_queue.rs`, invariant 3), so no queue holds more than the pool's size, and
//! every wait for the end has a deadline. Between two jobs a thread is in `parked.rs`.
//!
//! `threadpool`'s idle threads stay when it is made smaller. So another number of workers is
//! another pool, a new *generation*: the old one's idle threads end at once, the others when they
//! would park.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use threadpool::ThreadPool;

use crate::scheduler::parked::Parked;

/// Most threads at once, busy ones of older generations included: twice what one generation may
/// have (a thread for each worker, and one that polls).
pub(crate) const NUMBERS: usize = 2050;

/// Threads with the names `worker-00` and so on; a thread gets its number with its first job.
pub(crate) struct Pool {
    /// The server's name, for the threads' names.
    server: &'static str,
    generation: Mutex<Generation>,
    numbers: Arc<Numbers>,
    in_flight: Arc<InFlight>,
}

struct Generation {
    threads: ThreadPool,
    parked: Arc<Parked<Job>>,
    number: u64,
}

/// A thread's task.
type Job = Box<dyn FnOnce(WorkerId) + Send>;

/// The identity of the thread that runs a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerId {
    /// The thread's number; no other living thread has the same.
    pub(crate) number: usize,
    /// The generation of the thread: 0 at first, one more with each resize.
    pub(crate) generation: u64,
}

/// The numbers of living threads; a thread's end frees its number.
#[derive(Default)]
struct Numbers(Mutex<Vec<bool>>);

/// A thread's number, given back when the thread ends.
struct ThreadIdGuard {
    numbers: Arc<Numbers>,
    number: usize,
}

thread_local! {
    static THREAD_ID: RefCell<Option<ThreadIdGuard>> = const { RefCell::new(None) };
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
            generation: Mutex::new(Generation::start(server, workers, 0)?),
            numbers: Arc::default(),
            in_flight: Arc::default(),
        })
    }

    /// Starts another generation of `workers` threads; answers its number. The older generation
    /// still runs the jobs that it was given.
    ///
    /// # Errors
    /// When the system does not give that many, or too many of older ones are still busy.
    pub(crate) fn resize(&self, workers: usize) -> io::Result<u64> {
        let taken = self.numbers.taken();
        // Threads without a number are idle, and end when their generation does.
        if taken + workers > NUMBERS {
            let problem = format!("{taken} workers of before have not come back yet");
            return Err(io::Error::other(problem));
        }
        let number = self.generation.lock().number + 1;
        let next = Generation::start(self.server, workers, number)?;
        let before = std::mem::replace(&mut *self.generation.lock(), next);
        // The old generation's idle threads end.
        drop(before);
        Ok(number)
    }

    /// Runs `job` on an idle thread.
    pub(crate) fn call_in(&self, job: impl FnOnce(WorkerId) + Send + 'static) {
        self.in_flight.begin();
        let current = self.generation.lock();
        let Some(first) = current.parked.give(Box::new(job)) else {
            return;
        };
        let parked = Arc::clone(&current.parked);
        let in_flight = Arc::clone(&self.in_flight);
        let (numbers, server) = (Arc::clone(&self.numbers), self.server);
        let generation = current.number;
        current.threads.execute(move || {
            let number = own_number(server, &numbers);
            run(first, WorkerId { number, generation }, &parked, &in_flight);
        });
    }

    /// Waits until all jobs are done; `false` if `until` came first.
    pub(crate) fn join(&self, until: Instant) -> bool {
        let mut jobs = self.in_flight.jobs.lock();
        while *jobs > 0 {
            if self
                .in_flight
                .changed
                .wait_until(&mut jobs, until)
                .timed_out()
            {
                return *jobs == 0;
            }
        }
        true
    }
}

impl Generation {
    fn start(server: &str, workers: usize, number: u64) -> io::Result<Generation> {
        Ok(Generation {
            threads: start(server, workers)?,
            parked: Arc::new(Parked::new(workers)),
            number,
        })
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        self.parked.close();
    }
}

/// Runs a thread: its first job, and the jobs that it gets while it is parked.
fn run(first: Job, id: WorkerId, parked: &Parked<Job>, in_flight: &InFlight) {
    let mut next = Some(first);
    while let Some(job) = next {
        // The panic hook has logged a panic; the thread can still run the next job.
        let _ = catch_unwind(AssertUnwindSafe(|| job(id)));
        in_flight.end();
        next = parked.next();
    }
}

impl InFlight {
    fn begin(&self) {
        *self.jobs.lock() += 1;
    }

    fn end(&self) {
        *self.jobs.lock() -= 1;
        self.changed.notify_all();
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
    // `threadpool` panics if the system gives no thread.
    IS_STARTING.set(true);
    let started = catch_unwind(|| builder.build());
    IS_STARTING.set(false);
    started.map_err(|_| io::ErrorKind::WouldBlock.into())
}

/// Whether a panic of this thread only means that the system gives no more threads: then it is not
/// logged, because it becomes an error.
#[cfg(feature = "cli")]
pub(crate) fn is_starting() -> bool {
    IS_STARTING.get()
}

/// This thread's number; its first job gives it one, and its name.
fn own_number(server: &str, numbers: &Arc<Numbers>) -> usize {
    THREAD_ID.with_borrow_mut(|id| {
        let id = id.get_or_insert_with(|| {
            let number = numbers.take();
            if let Ok(name) = CString::new(thread_name(server, &format!("worker-{number:02}"))) {
                // `threadpool` gives all threads one name. A failure here does no harm.
                let _ = rustix::thread::set_name(&name);
            }
            ThreadIdGuard {
                numbers: Arc::clone(numbers),
                number,
            }
        });
        id.number
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
