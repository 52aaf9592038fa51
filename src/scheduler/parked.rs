//! The threads of a generation that wait for a job; the last one that parked is woken first.
//!
//! `threadpool` wakes two threads for a job: the one that takes it, and the one that waits next for
//! its queue. So each thread, once it has its first job from there, takes the next ones from here:
//! one is woken, and it is the one whose memory is still in the cache.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// See the head of the file.
pub(super) struct Parked<J>(Mutex<Inner<J>>);

struct Inner<J> {
    waiting: Vec<Arc<Seat<J>>>,
    /// Jobs for which no thread was waiting and none could be started: threads that are about to
    /// park take them. At most one for each thread.
    jobs: VecDeque<J>,
    /// Threads that may still be started.
    unstarted: usize,
    closed: bool,
}

/// The place where a thread waits.
struct Seat<J> {
    call: Mutex<Call<J>>,
    changed: Condvar,
}

enum Call<J> {
    Wait,
    Run(J),
    End,
}

impl<J> Parked<J> {
    /// No thread waits yet; `threads` may be started.
    pub(super) fn new(threads: usize) -> Parked<J> {
        Parked(Mutex::new(Inner {
            waiting: Vec::new(),
            jobs: VecDeque::new(),
            unstarted: threads,
            closed: false,
        }))
    }

    /// Gives `job` to a parked thread; gives it back if a thread has to be started for it.
    pub(super) fn give(&self, job: J) -> Option<J> {
        let mut inner = self.0.lock();
        if let Some(seat) = inner.waiting.pop() {
            drop(inner);
            seat.call(Call::Run(job));
            return None;
        }
        if inner.unstarted > 0 {
            inner.unstarted -= 1;
            return Some(job);
        }
        inner.jobs.push_back(job);
        None
    }

    /// Waits for the calling thread's next job; `None` when there will be none.
    pub(super) fn next(&self) -> Option<J> {
        let mut inner = self.0.lock();
        if let Some(job) = inner.jobs.pop_front() {
            return Some(job);
        }
        if inner.closed {
            return None;
        }
        let seat = Arc::new(Seat {
            call: Mutex::new(Call::Wait),
            changed: Condvar::new(),
        });
        inner.waiting.push(Arc::clone(&seat));
        drop(inner);
        seat.wait()
    }

    /// Ends the threads that are parked, and those that would park later.
    pub(super) fn close(&self) {
        let mut inner = self.0.lock();
        inner.closed = true;
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        waiting.iter().for_each(|seat| seat.call(Call::End));
    }
}

impl<J> Seat<J> {
    fn call(&self, call: Call<J>) {
        *self.call.lock() = call;
        self.changed.notify_one();
    }

    fn wait(&self) -> Option<J> {
        let mut call = self.call.lock();
        loop {
            match std::mem::replace(&mut *call, Call::Wait) {
                Call::Wait => self.changed.wait(&mut call),
                Call::Run(job) => return Some(job),
                Call::End => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::thread;

    use super::*;

    /// Waits until this many threads wait.
    fn until_waiting(parked: &Parked<u32>, count: usize) {
        while parked.0.lock().waiting.len() < count {
            thread::yield_now();
        }
    }

    #[test]
    fn a_job_starts_a_thread_only_where_none_waits() {
        let parked = Parked::new(2);
        assert_eq!(parked.give(1), Some(1), "the first thread");
        thread::scope(|scope| {
            let waits = scope.spawn(|| parked.next());
            until_waiting(&parked, 1);
            assert_eq!(parked.give(2), None, "it waits");
            assert_eq!(waits.join().expect("no panic"), Some(2));
        });
        assert_eq!(parked.give(3), Some(3), "the second thread");
        assert_eq!(parked.give(4), None, "the next that would wait");
        assert_eq!(parked.next(), Some(4));
    }

    #[test]
    fn the_last_that_parked_is_the_first_that_is_called() {
        let parked = Parked::new(2);
        let (told, hears) = sync_channel(2);
        thread::scope(|scope| {
            for number in 0..2 {
                let (parked, told) = (&parked, told.clone());
                scope.spawn(move || {
                    while let Some(job) = parked.next() {
                        told.send((number, job)).expect("it is heard");
                    }
                });
                until_waiting(parked, number + 1);
            }
            for job in 0..3 {
                assert_eq!(parked.give(job), None);
                assert_eq!(hears.recv(), Ok((1, job)));
                until_waiting(&parked, 2);
            }
            parked.close();
        });
        assert_eq!(parked.next(), None, "closed");
    }
}
