//! Another number of workers, seen from the library.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use poold::answer;

use crate::gate::Gate;
use crate::house::{finish, options, serve};
use crate::net::{connect, end, send, take_line, take_to_end};
use crate::spool::wait_until;

type Count = Arc<AtomicUsize>;

#[test]
fn more_workers_relieve_those_that_are_stuck() {
    let gate = Gate::default();
    let inside = gate.clone();
    let mut options = options();
    options.stuck_after = Duration::from_millis(100);
    let (server, address) = serve(
        options,
        answer(move |line: &[u8]| {
            if line == b"stay" {
                inside.pass();
            }
            line.to_vec()
        }),
    );
    let handle = server.handle();
    let stuck: Vec<_> = (0..4).map(|_| connect(&address)).collect();
    stuck.iter().for_each(|client| send(client, "stay\n"));
    gate.wait_waiting(4);
    wait_until("all are stuck", || handle.stats().workers_stuck == 4);
    let waits = connect(&address);
    send(&waits, "go\n");
    handle.set_workers(5).expect("threads");
    assert_eq!(take_line(&waits), "go");
    let mut numbers: Vec<_> = handle.workers().iter().map(|one| one.number).collect();
    numbers.retain(|number| *number < 4);
    assert_eq!(numbers, [0, 1, 2, 3], "they keep their numbers");
    gate.open();
    for client in stuck.iter().chain([&waits]) {
        end(client);
    }
    for client in &stuck {
        assert_eq!(take_to_end(client), b"stay\n");
    }
    drop((stuck, waits));
    finish(server);
}

#[test]
fn fewer_workers_finish_their_turns_and_no_more_serve_than_there_are() {
    let gate = Gate::default();
    let (inside, most, served) = (gate.clone(), Count::default(), Count::default());
    let (now, highest, done) = (Count::default(), Arc::clone(&most), Arc::clone(&served));
    let (server, address) = serve(
        options(),
        answer(move |line: &[u8]| {
            highest.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            inside.pass();
            now.fetch_sub(1, SeqCst);
            done.fetch_add(1, SeqCst);
            line.to_vec()
        }),
    );
    let handle = server.handle();
    let clients: Vec<_> = (0..8).map(|_| connect(&address)).collect();
    clients.iter().for_each(|client| send(client, "a\n"));
    gate.wait_waiting(4);
    handle.set_workers(1).expect("a thread");
    // Three of the four come back, and nobody takes their place.
    for count in 1..=3 {
        gate.admit(1);
        wait_until("one is back", || served.load(SeqCst) == count);
    }
    most.store(0, SeqCst);
    // The last of them, and then the others one after the other.
    for count in 4..=8 {
        gate.admit(1);
        wait_until("the next is served", || served.load(SeqCst) == count);
    }
    assert_eq!(most.load(SeqCst), 1);
    for client in &clients {
        assert_eq!(take_line(client), "a");
    }
    for wrong in [0, 1025] {
        let error = handle.set_workers(wrong).expect_err("out of bounds");
        assert!(error.to_string().starts_with("workers: "), "{error}");
    }
    drop(clients);
    finish(server);
}
