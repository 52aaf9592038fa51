//! A resize while workers serve: no connection is forgotten when workers leave.

use std::sync::Arc;

use loom::thread;

use super::connection::{Connection, NOTICE, READABLE, WRITABLE};
use super::explore;
use super::server::{After, Begin, Plan, Server};
use crate::scheduler::load::Pace;

fn rest(_: &Server, _: &Connection) -> After {
    After::Rest
}

fn plan(pace: Pace) -> Plan {
    Plan {
        workers: 2,
        pace,
        connections: 2,
        begin: Begin::Resting,
        said: 2,
        turn: rest,
    }
}

/// Two workers become one while one connection gets a notice and another one bytes.
#[test]
fn fewer_workers_still_serve_every_wake() {
    explore(2, || {
        let (server, workers) = Server::open(plan(Pace::Slow));
        let other = Arc::clone(&server);
        let other = thread::spawn(move || other.send(1, READABLE));
        server.tell(0, NOTICE);
        server.resize(1);
        server.gate.pass();
        other.join().expect("a waker panicked");
        server.close(workers);
    });
}

/// A resize replaces a sleeping leader, although no other event wakes it.
#[test]
fn a_sleeping_leader_is_replaced() {
    explore(2, || {
        let (server, workers) = Server::open(plan(Pace::Measured));
        let other = Arc::clone(&server);
        let other = thread::spawn(move || other.resize(2));
        server.send(0, READABLE);
        server.tell(1, WRITABLE);
        server.gate.pass();
        other.join().expect("a resizer panicked");
        server.close(workers);
    });
}

/// Fewer workers and then more again, with a turn in between.
#[test]
fn down_and_up_again() {
    explore(2, || {
        let (server, workers) = Server::open(plan(Pace::Slow));
        let other = Arc::clone(&server);
        let other = thread::spawn(move || other.tell(1, WRITABLE));
        server.resize(1);
        server.resize(2);
        server.tell(0, NOTICE);
        server.gate.pass();
        other.join().expect("a waker panicked");
        server.close(workers);
    });
}

/// One of two workers blocks until another client is served, while a resize leaves only one. Where
/// turns may last for ever, the blocked worker does not keep the new one from serving.
#[test]
fn a_blocked_old_worker_does_not_keep_the_new_one_away() {
    fn first_is_held(server: &Server, connection: &Connection) -> After {
        if connection.name == 0 {
            server.resize(1);
            server.handler.pass();
        }
        server.handler.open();
        After::Rest
    }
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            turn: first_is_held,
            ..plan(Pace::Slow)
        });
        let other = Arc::clone(&server);
        let other = thread::spawn(move || other.send(1, READABLE));
        server.send(0, READABLE);
        server.gate.pass();
        other.join().expect("a sender panicked");
        server.close(workers);
    });
}
