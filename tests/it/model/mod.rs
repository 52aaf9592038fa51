//! A model check of the scheduler: the files `baton.rs`, `state.rs` and `run_queue.rs` of
//! `src/scheduler` and `src/connection/wait_queue.rs`, unchanged. It explores every interleaving of a few threads up to
//! a number of preemptions.
//!
//! What holds in every model:
//! 1. A turn sees what was said before a wake: no wake-up is lost. Each model waits until all was
//!    seen; a lost wake-up shows as a deadlock.
//! 2. Never two workers in one connection.
//! 3. A connection is never queued twice, and after its end never again.
//! 4. Never more workers of a generation on duty than exist, and nothing queued without a worker on
//!    duty.
//! 5. A sleeping leader is woken when something is queued; otherwise there is a deadlock as well.
//! 6. After the close every worker parks and the queue is empty.
//! 7. Whichever thread accepts, each client that comes is seen.
//! 8. No connection waits for a worker while one is free, and no worker is lent twice or lost.

mod baton;
mod connection;
mod machine;
mod queue;
mod resize;
mod server;
mod wait_queue;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use loom::thread;

use self::connection::{Connection, NOTICE, READABLE, WRITABLE};
use crate::scheduler::state::Next;

/// `preemptions`: how often a thread is stopped where it could continue, in one interleaving.
fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let began = Instant::now();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let mut builder = loom::model::Builder::new();
    // LOOM_MAX_PREEMPTIONS=3 looks deeper, for minutes.
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.check(move || {
        counted.fetch_add(1, SeqCst);
        model();
    });
    let runs = runs.load(SeqCst);
    println!("{runs} interleavings in {:?}", began.elapsed());
    assert!(
        runs > 100,
        "only {runs} interleavings: nothing was explored"
    );
}

/// Serves a queued connection at once, as a pool without a bound does.
fn serve(connection: &Connection) {
    loop {
        connection.start();
        if connection.finish() == Next::Leave {
            return;
        }
    }
}

/// Two threads wake a new connection while another one does its first step.
fn explore_wakes(first: fn(&Connection)) {
    explore(3, move || {
        let connection = Arc::new(Connection::new(0));
        let threads = [WRITABLE, NOTICE].map(|kind| {
            let connection = Arc::clone(&connection);
            thread::spawn(move || {
                connection.say(kind);
                if connection.wake(kind) == Next::Queue {
                    serve(&connection);
                }
            })
        });
        first(&connection);
        for thread in threads {
            thread.join().expect("a waker panicked");
        }
        connection.assert_at_rest();
    });
}

#[test]
fn a_word_loses_no_wake() {
    explore_wakes(serve);
}

#[test]
fn an_ended_word_is_never_woken() {
    explore(3, || {
        let connection = Arc::new(Connection::new(0));
        let threads = [WRITABLE, NOTICE].map(|kind| {
            let connection = Arc::clone(&connection);
            thread::spawn(move || {
                // Only a wake before the turn finds the connection queued already; one during
                // the turn is remembered in vain; one after it is void. None may queue it.
                assert_eq!(connection.wake(kind), Next::Leave);
                assert_eq!(connection.wake(kind), Next::Leave);
            })
        });
        connection.start();
        connection.end();
        for thread in threads {
            thread.join().expect("a waker panicked");
        }
        assert_eq!(connection.wake(READABLE), Next::Leave);
    });
}
