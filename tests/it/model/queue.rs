//! The state word and the run queue together: workers that come, lead, serve and park.

use std::sync::Arc;

use loom::thread;

use super::connection::{Connection, NOTICE, READABLE, WRITABLE};
use super::explore;
use super::server::{After, Begin, Plan, Server};
use crate::scheduler::load::Pace;

fn rest(_: &Server, _: &Connection) -> After {
    After::Rest
}

#[test]
fn one_worker_sleeps_and_is_woken() {
    explore(3, || {
        let (server, workers) = Server::open(Plan {
            workers: 1,
            pace: Pace::Measured,
            connections: 1,
            begin: Begin::Resting,
            said: 2,
            turn: rest,
        });
        let other = Arc::clone(&server);
        let other = thread::spawn(move || other.tell(0, WRITABLE));
        server.tell(0, NOTICE);
        server.gate.pass();
        other.join().expect("a waker panicked");
        server.close(workers);
    });
}

/// Slow turns: every push calls in another worker, if one is left.
#[test]
fn two_workers_come_and_go() {
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Slow,
            connections: 2,
            begin: Begin::Resting,
            said: 2,
            turn: rest,
        });
        let other = Arc::clone(&server);
        let other = thread::spawn(move || other.tell(1, WRITABLE));
        server.tell(0, NOTICE);
        server.gate.pass();
        other.join().expect("a waker panicked");
        server.close(workers);
    });
}

/// The acceptor queues a connection that was just made, and its client sends at once.
#[test]
fn accepted_and_readable_at_once() {
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Slow,
            connections: 1,
            begin: Begin::Accepted,
            said: 1,
            turn: rest,
        });
        server.send(0, READABLE);
        server.gate.pass();
        server.close(workers);
    });
}

/// The poller and another client wake one connection at the same time.
#[test]
fn an_event_meets_a_wake() {
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Slow,
            connections: 1,
            begin: Begin::Resting,
            said: 2,
            turn: rest,
        });
        let other = Arc::clone(&server);
        let other = thread::spawn(move || other.send(0, READABLE));
        server.tell(0, NOTICE);
        server.gate.pass();
        other.join().expect("a waker panicked");
        server.close(workers);
    });
}

/// A turn wakes the other connection, whose turn wakes the first, as in a chat room.
#[test]
fn turns_wake_one_another() {
    fn pass_on(server: &Server, connection: &Connection) -> After {
        if connection.turns() == 1 {
            server.tell(1 - connection.name, NOTICE);
        }
        After::Rest
    }
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Slow,
            connections: 2,
            begin: Begin::Resting,
            said: 4,
            turn: pass_on,
        });
        server.send(0, READABLE);
        server.send(1, READABLE);
        server.gate.pass();
        server.close(workers);
    });
}

/// A connection with more to do goes to the back of the queue, and is woken meanwhile.
#[test]
fn again_keeps_what_came_meanwhile() {
    fn twice(_: &Server, connection: &Connection) -> After {
        match connection.turns() {
            1 | 2 => After::Again,
            _ => After::Rest,
        }
    }
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Slow,
            connections: 1,
            begin: Begin::Accepted,
            said: 1,
            turn: twice,
        });
        server.tell(0, NOTICE);
        server.gate.pass();
        server.close(workers);
    });
}

/// Between two polls the workers serve no more turns than were queued at the first, so a client
/// that always has more does not keep the others from being read.
#[test]
fn one_that_never_rests_lets_others_in() {
    fn first_always_has_more(server: &Server, connection: &Connection) -> After {
        if connection.name == 1 || server.connections[1].turns() > 0 {
            return After::Rest;
        }
        assert!(connection.turns() <= 2, "the other one waits for too long");
        After::Again
    }
    explore(2, || {
        let (server, workers) = Server::open(Plan {
            workers: 1,
            pace: Pace::Measured,
            connections: 2,
            begin: Begin::Resting,
            said: 2,
            turn: first_always_has_more,
        });
        server.send(1, READABLE);
        server.tell(0, NOTICE);
        server.gate.pass();
        server.close(workers);
    });
}

/// A client leaves in its turn while others still wake it, which has no effect, and another client
/// is still served.
#[test]
fn one_leaves_while_it_is_told() {
    fn first_leaves(_: &Server, connection: &Connection) -> After {
        match connection.name {
            0 => After::Gone,
            _ => After::Rest,
        }
    }
    explore(1, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Slow,
            connections: 2,
            begin: Begin::Resting,
            said: 1,
            turn: first_leaves,
        });
        let other = Arc::clone(&server);
        let other = thread::spawn(move || other.wake(0, WRITABLE));
        server.wake(0, NOTICE);
        server.tell(1, NOTICE);
        server.gate.pass();
        other.join().expect("a waker panicked");
        server.close(workers);
    });
}

/// Turns that may last: a push lets the leader sleep and calls in a worker, which is then held until
/// the next connection is served. That one is left to the leader, which must be woken.
#[test]
fn a_push_past_a_sleeping_leader_leaves_nothing_waiting() {
    fn first_is_held(server: &Server, connection: &Connection) -> After {
        match connection.name {
            0 => server.handler.pass(),
            _ => server.handler.open(),
        }
        After::Rest
    }
    explore(3, || {
        let (server, workers) = Server::open(Plan {
            workers: 2,
            pace: Pace::Slow,
            connections: 2,
            begin: Begin::Resting,
            said: 2,
            turn: first_is_held,
        });
        server.tell(0, NOTICE);
        server.tell(1, NOTICE);
        server.gate.pass();
        server.close(workers);
    });
}
