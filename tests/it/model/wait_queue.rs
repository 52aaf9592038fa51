//! The wait queue: a waiting connection gets the worker that becomes free, even if others leave
//! meanwhile.
//!
//! A connection that is queued has its turn at once, on the thread that woke it, as in a pool
//! without a bound. A turn follows `src/turn/stream.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use loom::sync::atomic::{AtomicU64 as Shared, Ordering::Relaxed};
use loom::thread;

use super::explore;
use crate::connection::Connection;
use crate::connection::wait_queue::WaitQueue;
use crate::scheduler::state::{Next, Reasons};

/// Sets of clients are bit masks of their ids.
struct Model {
    wait_queue: WaitQueue,
    workers: AtomicUsize,
    /// Clients that have left or are to be refused. Relaxed: only the state word's own ordering may
    /// make a turn see it.
    leaving: Shared,
    service: Service,
    served: AtomicU64,
    lent: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Returns,
    /// Until the end of the model.
    Stays,
}

/// The result of a turn.
enum After {
    Waits,
    Stays,
    Gone,
}

impl Model {
    /// One worker, held by client 0; the others wait.
    fn open(clients: u64, service: Service) -> (Arc<Model>, Vec<Arc<Connection>>) {
        let model = Arc::new(Model {
            wait_queue: WaitQueue::new(1, None),
            workers: AtomicUsize::new(1),
            leaving: Shared::new(0),
            service,
            served: AtomicU64::new(0),
            lent: AtomicUsize::new(0),
        });
        let holder = model.client(0);
        model.wait_queue.let_in(&holder);
        assert!(model.wait_queue.take_worker(0));
        model.lend();
        let others = (1..=clients).map(|id| model.come(id)).collect();
        (model, others)
    }

    /// Admits a client, as the acceptor does.
    fn come(self: &Arc<Self>, id: u64) -> Arc<Connection> {
        let client = self.client(id);
        self.wait_queue.let_in(&client);
        client.queue();
        client
    }

    fn client(self: &Arc<Self>, id: u64) -> Arc<Connection> {
        let model = Arc::downgrade(self);
        Connection::new(id, move |client| {
            let model = model.upgrade().expect("the model lives");
            model.serve(client);
        })
    }

    fn serve(&self, client: &Connection) {
        loop {
            let _ = client.state.start();
            match self.turn(client) {
                After::Gone => return client.state.end(),
                After::Waits if client.state.finish() == Next::Queue => {}
                After::Waits | After::Stays => return,
            }
        }
    }

    /// A service returns and gives its worker back.
    fn give_back(&self) {
        self.lent.fetch_sub(1, SeqCst);
        self.wait_queue.leave();
    }

    fn leave(&self, client: &Arc<Connection>) {
        self.leaving.fetch_or(1 << client.id, Relaxed);
        client.wake(Reasons::READABLE);
    }

    fn resize(&self, workers: usize) {
        self.workers.store(workers, SeqCst);
        self.wait_queue.resize(workers);
    }

    fn lend(&self) {
        let lent = self.lent.fetch_add(1, SeqCst) + 1;
        assert!(lent <= self.workers.load(SeqCst), "{lent} workers are lent");
    }

    fn turn(&self, client: &Connection) -> After {
        let bit = 1 << client.id;
        if self.leaving.load(Relaxed) & bit != 0 {
            self.wait_queue.remove(client.id);
            return After::Gone;
        }
        if !self.wait_queue.take_worker(client.id) {
            return After::Waits;
        }
        self.lend();
        assert_eq!(self.served.fetch_or(bit, SeqCst) & bit, 0, "served twice");
        if self.service == Service::Stays {
            return After::Stays;
        }
        self.give_back();
        After::Gone
    }

    /// Checks that no client waits while a worker is free, and that at the end each was served or
    /// has left.
    fn close(&self, clients: &[Arc<Connection>]) {
        let workers = self.workers.load(SeqCst);
        let is_attended = self.wait_queue.waiting() == 0 || self.lent.load(SeqCst) == workers;
        assert!(is_attended, "a client waits, and a worker is free");
        while self.lent.load(SeqCst) > 0 {
            self.give_back();
        }
        let over = self.served.load(SeqCst) | self.leaving.load(Relaxed);
        for client in clients {
            assert!(over & (1 << client.id) != 0, "{} waits", client.id);
            assert_eq!(client.state.wake(Reasons::NOTICE), Next::Leave);
        }
        assert_eq!((self.wait_queue.waiting(), self.lent.load(SeqCst)), (0, 0));
        for id in 0..workers as u64 {
            let last = Connection::new(id, |_| panic!("another client was woken"));
            self.wait_queue.let_in(&last);
            assert!(
                self.wait_queue.take_worker(id),
                "a worker was not given back"
            );
        }
    }
}

/// The first client leaves as it gets the worker, which then goes to the next one.
#[test]
fn a_worker_for_a_client_that_leaves_goes_to_the_next() {
    explore(3, || {
        let (model, clients) = Model::open(2, Service::Returns);
        let (other, first) = (Arc::clone(&model), Arc::clone(&clients[0]));
        let other = thread::spawn(move || other.leave(&first));
        model.give_back();
        other.join().expect("the leaving thread panicked");
        model.close(&clients);
        assert!(model.served.load(SeqCst) & 0b100 != 0);
    });
}

/// A client that comes as the worker becomes free gets that worker.
#[test]
fn a_client_that_comes_as_a_worker_becomes_free_gets_it() {
    explore(3, || {
        let (model, mut clients) = Model::open(0, Service::Returns);
        let other = Arc::clone(&model);
        let other = thread::spawn(move || other.give_back());
        clients.extend((1..=2).map(|id| model.come(id)));
        other.join().expect("the holder panicked");
        model.close(&clients);
    });
}

/// All waiting clients are refused, as in a drain, while the worker becomes free: none waits on,
/// and the worker is not lost.
#[test]
fn a_refused_client_takes_no_worker_along() {
    explore(2, || {
        let (model, clients) = Model::open(3, Service::Returns);
        let other = Arc::clone(&model);
        let other = thread::spawn(move || other.give_back());
        clients.iter().for_each(|client| model.leave(client));
        other.join().expect("the holder panicked");
        model.close(&clients);
    });
}

/// A worker is added while another becomes free and the first waiting client leaves.
#[test]
fn an_added_worker_goes_to_the_next_client() {
    explore(2, || {
        let (model, clients) = Model::open(3, Service::Stays);
        let threads = [
            {
                let (model, first) = (Arc::clone(&model), Arc::clone(&clients[0]));
                thread::spawn(move || model.leave(&first))
            },
            {
                let model = Arc::clone(&model);
                thread::spawn(move || model.give_back())
            },
        ];
        model.resize(2);
        for thread in threads {
            thread.join().expect("another thread panicked");
        }
        model.close(&clients);
    });
}
