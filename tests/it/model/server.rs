//! The server of the model: the real run queue and state words; a poller, a pool and turns that
//! only do what the queue can notice. It follows `src/server/shared.rs`, step for step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use loom::thread::{self, JoinHandle};

use super::connection::Connection;
use super::machine::{Gate, Poller, Pool};
use crate::scheduler::load::{Pace, Policy};
use crate::scheduler::run_queue::{RunQueue, Step, Wait, Wakeup};
use crate::scheduler::state::Next;

/// What happens to a connection after its turn.
pub(super) enum After {
    Rest,
    Again,
    Gone,
}

/// Where the connections are when the model begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    Resting,
    /// Ready and queued.
    Accepted,
}

/// What a model sets.
pub(super) struct Plan {
    pub(super) workers: usize,
    pub(super) pace: Pace,
    pub(super) connections: usize,
    pub(super) begin: Begin,
    /// How much will be said in all: when all was seen, the gate opens.
    pub(super) said: usize,
    /// The handler's part of a turn.
    pub(super) turn: fn(&Server, &Connection) -> After,
}

pub(super) struct Server {
    plan: Plan,
    pub(super) run_queue: RunQueue<Arc<Connection>>,
    pub(super) connections: Vec<Arc<Connection>>,
    poller: Poller,
    pool: Pool,
    /// Opens when all was seen, and for the watch when there is work.
    pub(super) gate: Gate,
    /// For handlers that wait for one another.
    pub(super) handler: Gate,
    /// Workers on duty of each generation, counted from the queue's calls.
    on_duty: [AtomicUsize; 3],
    /// The current generation.
    generation: AtomicU64,
    queued: AtomicUsize,
}

impl Server {
    /// A server with its workers' threads, its connections accepted and queued.
    pub(super) fn open(plan: Plan) -> (Arc<Server>, Vec<JoinHandle<()>>) {
        let policy = Policy {
            workers: plan.workers,
            slow_turn: Duration::from_secs(1),
            long_turn: Duration::from_secs(1),
            quick_workers: plan.workers,
            clear_within: Duration::from_secs(1),
            pace: plan.pace,
        };
        let server = Arc::new(Server {
            run_queue: RunQueue::new(policy),
            connections: (0..plan.connections)
                .map(|name| Arc::new(Connection::new(name)))
                .collect(),
            poller: Poller::default(),
            pool: Pool::default(),
            gate: Gate::default(),
            handler: Gate::default(),
            on_duty: Default::default(),
            generation: AtomicU64::new(0),
            queued: AtomicUsize::new(0),
            plan,
        });
        let threads = (0..server.plan.workers)
            .map(|_| {
                let server = Arc::clone(&server);
                thread::spawn(move || {
                    while let Some(generation) = server.pool.next_job() {
                        server.work(generation);
                    }
                })
            })
            .collect();
        server.answer(server.run_queue.open());
        for connection in &server.connections {
            match server.plan.begin {
                Begin::Accepted => server.push(Arc::clone(connection)),
                Begin::Resting => connection.rest(),
            }
        }
        (server, threads)
    }

    /// Says something to a connection and wakes it, as another client or a deadline does.
    pub(super) fn tell(&self, name: usize, kind: usize) {
        self.connections[name].say(kind);
        self.wake(name, kind);
    }

    /// Wakes a connection without having said anything.
    pub(super) fn wake(&self, name: usize, kind: usize) {
        let connection = &self.connections[name];
        if connection.wake(kind) == Next::Queue {
            self.push(Arc::clone(connection));
        }
    }

    /// Says something that the poller will notice, as a client that sends.
    pub(super) fn send(&self, name: usize, kind: usize) {
        self.connections[name].say(kind);
        self.poller.raise(name, kind);
    }

    /// Sets the number of workers, at most the number of threads, and begins the next generation.
    pub(super) fn resize(&self, workers: usize) {
        let generation = self.generation.fetch_add(1, SeqCst) + 1;
        self.answer(self.run_queue.resize(workers, generation));
    }

    /// Closes the queue: every worker parks, and nothing was left undone.
    pub(super) fn close(&self, threads: Vec<JoinHandle<()>>) {
        self.answer(self.run_queue.close());
        self.pool.close();
        for thread in threads {
            thread.join().expect("a worker panicked");
        }
        assert_eq!(self.run_queue.load(), (0, 0), "queued, on duty");
        assert_eq!(self.on_duty(), 0);
        for connection in &self.connections {
            connection.assert_at_rest();
        }
    }

    /// Runs the watch until all was seen. Time is not modelled: while the watch does not sleep, it
    /// may check at any moment.
    pub(super) fn watch(&self) {
        while self.heard() < self.plan.said {
            let tick = self.run_queue.tick();
            self.answer(tick.call);
            if tick.quiet && self.run_queue.park_watch() {
                self.gate.pass();
            } else {
                thread::yield_now();
            }
        }
    }

    fn heard(&self) -> usize {
        self.connections.iter().map(|each| each.heard()).sum()
    }

    fn push(&self, connection: Arc<Connection>) {
        let call = self.run_queue.push(connection);
        self.queued.fetch_add(1, SeqCst);
        self.answer(call);
    }

    fn answer(&self, call: Wakeup) {
        let generation = self.generation.load(SeqCst);
        if call == Wakeup::Worker {
            let of_generation = self.on_duty[generation as usize].fetch_add(1, SeqCst) + 1;
            let counted = match self.plan.pace {
                Pace::Measured => self.on_duty(),
                Pace::Slow => of_generation,
            };
            assert!(
                counted <= self.plan.workers,
                "more workers on duty than exist"
            );
        }
        self.assert_attended();
        match call {
            Wakeup::NotNeeded => {}
            Wakeup::Poller => self.poller.wake(),
            Wakeup::Worker => self.pool.call_in(generation),
        }
    }

    fn on_duty(&self) -> usize {
        self.on_duty.iter().map(|each| each.load(SeqCst)).sum()
    }

    fn assert_attended(&self) {
        let (queued, on_duty) = (self.queued.load(SeqCst), self.on_duty());
        assert!(
            queued == 0 || on_duty > 0,
            "{queued} queued, no worker on duty"
        );
    }

    fn work(&self, generation: u64) {
        let mut woken = Vec::new();
        let mut step = self.run_queue.arrive(generation);
        loop {
            step = match step {
                Step::Park(call) => {
                    self.on_duty[generation as usize].fetch_sub(1, SeqCst);
                    return self.answer(call);
                }
                Step::Lead(wait) => {
                    self.lead(wait, &mut woken);
                    self.run_queue.next(generation, Duration::ZERO)
                }
                Step::Serve(connection, call, epoch) => {
                    self.queued.fetch_sub(1, SeqCst);
                    self.answer(call);
                    let again = self.serve_once(&connection) == Next::Queue;
                    self.queued.fetch_add(usize::from(again), SeqCst);
                    let again = again.then_some(connection);
                    self.run_queue
                        .ended(generation, epoch, Duration::ZERO, again)
                }
            };
        }
    }

    fn lead(&self, wait: Wait, woken: &mut Vec<Arc<Connection>>) {
        for (name, kind) in self.poller.wait(wait) {
            let connection = &self.connections[name];
            if connection.wake(kind) == Next::Queue {
                woken.push(Arc::clone(connection));
            }
        }
        let brought = woken.len();
        let ring = self.run_queue.led(woken);
        self.queued.fetch_add(brought, SeqCst);
        if ring {
            self.gate.open();
        }
    }

    fn serve_once(&self, connection: &Arc<Connection>) -> Next {
        connection.start();
        let after = (self.plan.turn)(self, connection);
        if self.heard() == self.plan.said {
            self.gate.open();
        }
        match after {
            After::Rest => connection.finish(),
            After::Again => connection.again(),
            After::Gone => {
                connection.end();
                Next::Leave
            }
        }
    }
}
