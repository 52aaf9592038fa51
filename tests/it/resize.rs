//! Another number of workers, seen from the library.

use std::time::Duration;

use poold::answer;

use crate::gate::Gate;
use crate::house::{finish, options, serve};
use crate::net::{connect, end, send, take_line, take_to_end};
use crate::spool::wait_until;

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
    let inside = gate.clone();
    let (server, address) = serve(
        options(),
        answer(move |line: &[u8]| {
            inside.pass();
            line.to_vec()
        }),
    );
    let handle = server.handle();
    let clients: Vec<_> = (0..8).map(|_| connect(&address)).collect();
    clients.iter().for_each(|client| send(client, "a\n"));
    gate.wait_waiting(4);
    handle.set_workers(1).expect("a thread");
    // The four come back one by one, and nobody takes their place before the last one has.
    for left in (1..4).rev() {
        gate.admit(1);
        wait_until("one is back", || gate.waiting() == left);
    }
    for _ in 0..5 {
        gate.admit(1);
        wait_until("the next is served", || {
            gate.waiting() <= 1 && handle.stats().workers == 1
        });
    }
    gate.open();
    for client in &clients {
        assert_eq!(take_line(client), "a");
    }
    assert_eq!(gate.most(), 4);
    for wrong in [0, 1025] {
        let error = handle.set_workers(wrong).expect_err("out of bounds");
        assert!(error.to_string().starts_with("workers: "), "{error}");
    }
    drop(clients);
    finish(server);
}
