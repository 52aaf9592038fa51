//! Another number of workers while they serve: nobody is forgotten, whoever leaves for it.

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

/// Two become one while one is told something and another sends.
#[test]
fn fewer_workers_hear_all_the_same() {
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

/// A leader that sleeps is relieved, though nothing else happens that would wake it.
#[test]
fn who_sleeps_is_relieved() {
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

/// Down and up again, one after the other, and a turn in the midst of it.
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

/// One of two is held until another client is served, and meanwhile there is to be only one: where
/// turns may take for ever, who is held keeps the new one from nothing.
#[test]
fn who_is_held_keeps_nobody_away() {
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
