//! Another number of workers for a service that keeps its worker, while all of them are held.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use parking_lot::Mutex;
use poold::Server;

use crate::support::admin::Watched;
use crate::support::net::{connect, end, reset, send, take_line, take_to_end};
use crate::support::server::{finish, lend, options};
use crate::support::spool::wait_until;

/// Holds each client until it sends its end, and notes how many others were served with it.
struct Held {
    server: Server,
    address: String,
    inside: Arc<AtomicUsize>,
    came_in: Arc<Mutex<Vec<usize>>>,
}

impl Held {
    fn start(workers: usize) -> Held {
        let mut options = options();
        options.workers = workers;
        let inside = Arc::new(AtomicUsize::new(0));
        let came_in = Arc::new(Mutex::new(Vec::new()));
        let (held, noted) = (Arc::clone(&inside), Arc::clone(&came_in));
        let (server, address) = lend(options, move |mut stream| {
            let with = held.fetch_add(1, SeqCst) + 1;
            noted.lock().push(with);
            let read = stream.read_to_end(&mut Vec::new());
            held.fetch_sub(1, SeqCst);
            read.map(drop)
        });
        Held {
            server,
            address,
            inside,
            came_in,
        }
    }

    fn wait_inside(&self, count: usize) {
        wait_until("so many are served", || self.inside.load(SeqCst) == count);
    }

    /// A client that is known to the server before the next one comes.
    fn come(&self) -> TcpStream {
        let before = self.here();
        let client = connect(&self.address);
        wait_until("it is let in", || self.here() > before);
        client
    }

    fn here(&self) -> usize {
        self.server.handle().registry().count()
    }
}

fn leave(client: &TcpStream) {
    end(client);
    assert_eq!(take_to_end(client), b"");
}

#[test]
fn fewer_take_effect_as_connections_end() {
    let held = Held::start(4);
    let mut clients: Vec<_> = (0..4).map(|_| held.come()).collect();
    held.wait_inside(4);
    clients.extend((0..4).map(|_| held.come()));
    held.server.handle().set_workers(2).expect("threads");
    // No client is closed, and for the first two that leave none comes in.
    for (left, inside) in [(0, 3), (1, 2)] {
        leave(&clients[left]);
        held.wait_inside(inside);
    }
    // From now on one comes for each that leaves.
    for (client, come) in clients[2..6].iter().zip(5..) {
        leave(client);
        let came = || held.came_in.lock().len() == come;
        wait_until("the next one comes in", came);
    }
    assert_eq!(*held.came_in.lock(), [1, 2, 3, 4, 2, 2, 2, 2]);
    clients[6..].iter().for_each(leave);
    drop(clients);
    finish(held.server);
}

#[test]
fn while_more_are_held_than_there_are_workers_the_others_are_seen_to() {
    let held = Held::start(4);
    let mut served: Vec<_> = (0..4).map(|_| held.come()).collect();
    held.wait_inside(4);
    let waits = held.come();
    held.server.handle().set_workers(1).expect("threads");
    // A new client is admitted, and one that leaves while waiting is noticed.
    let late = held.come();
    reset(waits);
    wait_until("it is gone", || held.here() == 5);
    reset(late);
    wait_until("it is gone, too", || held.here() == 4);
    // And so is the end of one that was served.
    drop(served.pop());
    wait_until("it is closed", || held.here() == 3);
    held.server.handle().set_workers(2).expect("threads");
    held.server.handle().set_workers(1).expect("threads");
    drop(served.pop());
    wait_until("it is closed", || held.here() == 2);
    served.iter().for_each(leave);
    drop(served);
    finish(held.server);
}

#[test]
fn more_workers_take_waiting_clients_at_once() {
    let held = Held::start(2);
    let clients: Vec<_> = (0..10).map(|_| held.come()).collect();
    held.wait_inside(2);
    held.server.handle().set_workers(8).expect("threads");
    held.wait_inside(8);
    wait_until("they are noted", || held.came_in.lock().len() == 8);
    // 8, 1 and 8 again, while all are held.
    held.server.handle().set_workers(1).expect("threads");
    held.server.handle().set_workers(8).expect("threads");
    clients[..2].iter().for_each(leave);
    wait_until("the last two come in", || held.came_in.lock().len() == 10);
    assert_eq!(held.came_in.lock().iter().max(), Some(&8));
    clients[2..].iter().for_each(leave);
    drop(clients);
    finish(held.server);
}

#[test]
fn programs_are_held_to_the_new_number_as_well() {
    let shell = "echo on; exec cat";
    let args = ["exec", "127.0.0.1:0", "-w", "2", "--shell", shell];
    let mut watched = Watched::start(&args);
    let clients: Vec<_> = (0..6).map(|_| connect(&watched.daemon.address)).collect();
    for client in &clients[..2] {
        assert_eq!(take_line(client), "on");
    }
    assert!(watched.tool(&["set", "workers", "5"]).0);
    for client in &clients[2..5] {
        assert_eq!(take_line(client), "on");
    }
    assert!(watched.tool(&["set", "workers", "1"]).0);
    for client in &clients[..5] {
        send(client, "still served\n");
        end(client);
        assert_eq!(take_to_end(client), b"still served\n");
    }
    assert_eq!(take_line(&clients[5]), "on");
    drop(clients);
    assert_eq!(watched.daemon.stop().code, Some(0));
}
