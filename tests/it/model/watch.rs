//! Handlers that block while turns are quick, so that no worker is called in beforehand: the watch
//! has to notice.

use super::connection::{Connection, NOTICE, READABLE};
use super::explore;
use super::server::{After, Begin, Plan, Server};
use crate::scheduler::load::Pace;

fn first_blocks(server: &Server, connection: &Connection) -> After {
    match connection.name {
        0 => server.handler.pass(),
        _ => server.handler.open(),
    }
    After::Rest
}

/// A handler blocks until another client is served. With quick turns no worker is called in for
/// that: the watch must notice, and must not be asleep.
#[test]
fn it_relieves_a_blocked_worker() {
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Measured,
            connections: 2,
            begin: Begin::Resting,
            said: 2,
            turn: first_blocks,
        });
        server.send(0, READABLE);
        server.send(1, READABLE);
        server.watch();
        server.close(workers);
    });
}

/// The same, but the connection that waits was queued from outside a turn.
#[test]
fn it_relieves_what_was_pushed() {
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Measured,
            connections: 2,
            begin: Begin::Resting,
            said: 2,
            turn: first_blocks,
        });
        server.send(0, READABLE);
        server.tell(1, NOTICE);
        server.watch();
        server.close(workers);
    });
}

/// Two handlers block until a third client is served: the worker that is called in for the first
/// may run the second, and needs help as well.
#[test]
fn it_relieves_two_blocked_workers() {
    fn all_but_the_last_block(server: &Server, connection: &Connection) -> After {
        if connection.name < 2 {
            server.handler.pass();
        }
        server.handler.open();
        After::Rest
    }
    explore(1, || {
        let (server, workers) = Server::open(Plan {
            workers: 3,
            pace: Pace::Measured,
            connections: 3,
            begin: Begin::Resting,
            said: 3,
            turn: all_but_the_last_block,
        });
        for name in 0..3 {
            server.send(name, READABLE);
        }
        server.watch();
        server.close(workers);
    });
}

/// The same handler blocks a second time: the worker that was presumed blocked came back, and
/// counts again.
#[test]
fn it_relieves_the_same_worker_again() {
    fn blocks_twice(server: &Server, connection: &Connection) -> After {
        if connection.name == 0 && connection.turns() == 1 {
            server.handler.pass();
            server.send(0, READABLE);
            server.send(1, READABLE);
            return After::Rest;
        }
        first_blocks(server, connection)
    }
    explore(1, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Measured,
            connections: 2,
            begin: Begin::Resting,
            said: 4,
            turn: blocks_twice,
        });
        server.send(0, READABLE);
        server.send(1, READABLE);
        server.watch();
        server.close(workers);
    });
}

/// Where turns may last, what is pushed past a sleeping leader never waits for a watch that sleeps.
#[test]
fn it_sleeps_only_while_nothing_waits() {
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Slow,
            connections: 2,
            begin: Begin::Resting,
            said: 2,
            turn: first_blocks,
        });
        server.tell(0, NOTICE);
        server.tell(1, NOTICE);
        server.watch();
        server.close(workers);
    });
}
