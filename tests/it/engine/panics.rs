//! A service's code that panics where more than its own client depends on it.

use std::thread;
use std::time::{Duration, Instant};

use poold::{
    Bytes, Client, End, InDrain, Limit, Message, Options, Reply, Server, ServerPhase, Service,
    Stream, StreamService, Tail, Verdict, WhenFull,
};

use crate::support::net::{connect, send, take_line, take_to_end};
use crate::support::server::{finish, options, serve};

const PART_OF_THE_TEST: &str = "this panic is part of the test";

/// Echoes, and panics wherever a thread of the server's own calls it.
struct Fragile;

/// Panics when it is dropped, as one does that takes a lock which its handler's panic has poisoned.
struct Session;

impl Drop for Session {
    fn drop(&mut self) {
        panic!("{PART_OF_THE_TEST}");
    }
}

impl Service for Fragile {
    type Session = Session;

    fn opened(&self, _: &Client, _: &mut Reply<'_>) -> Session {
        Session
    }

    fn message(&self, _: &mut Session, message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        assert_ne!(message.bytes, b"boom", "{PART_OF_THE_TEST}");
        reply.send(message.bytes);
        Verdict::Go
    }

    fn closed(&self, session: Session, _: &End) {
        // Its clients leave in peace.
        std::mem::forget(session);
    }

    fn refusal(&self, _: Limit) -> Option<Bytes> {
        panic!("{PART_OF_THE_TEST}");
    }

    fn tail(&self) -> Tail {
        match thread::current().name() {
            Some("worker") => panic!("{PART_OF_THE_TEST}"),
            _ => Tail::Discard,
        }
    }

    fn cut_off(&self) {
        panic!("{PART_OF_THE_TEST}");
    }

    fn finish(&self, _: Instant) -> u64 {
        panic!("{PART_OF_THE_TEST}");
    }
}

#[test]
fn a_session_that_panics_when_it_is_dropped_costs_no_worker() {
    let options = Options {
        workers: 2,
        ..options()
    };
    let (server, address) = serve(options, Fragile);
    for round in 1..=6 {
        let client = connect(&address);
        send(&client, "boom\n");
        assert_eq!(take_to_end(&client), b"", "round {round}");
    }
    let client = connect(&address);
    send(&client, "still there?\n");
    assert_eq!(take_line(&client), "still there?");
    assert_eq!(server.handle().stats().panics, 6, "once for each client");
    drop(client);
    let handle = server.handle();
    handle.drain();
    let report = server.wait();
    assert_eq!(report.cut_off, 0, "{report}");
}

#[test]
fn a_refusal_that_panics_lets_the_acceptor_go_on() {
    let options = Options {
        clients_max: 1,
        when_full: WhenFull::Refuse,
        ..options()
    };
    let (server, address) = serve(options, Fragile);
    let first = connect(&address);
    send(&first, "here\n");
    assert_eq!(take_line(&first), "here");
    for _ in 0..3 {
        assert_eq!(take_to_end(&connect(&address)), b"");
    }
    send(&first, "still here\n");
    assert_eq!(take_line(&first), "still here");
    drop(first);
    finish(server);
}

#[test]
fn a_drain_comes_to_its_end_whatever_panics_in_it() {
    let options = Options {
        drain: Duration::from_millis(100),
        ..options()
    };
    let (server, address) = serve(options, Fragile);
    let stays = connect(&address);
    send(&stays, "here\n");
    assert_eq!(take_line(&stays), "here");
    let handle = server.handle();
    // Further off than any clock: it waits for as long as it takes.
    let waits = handle.clone();
    let waits = thread::spawn(move || waits.wait_for(ServerPhase::Stopped, Duration::MAX));
    handle.when_draining(|| panic!("{PART_OF_THE_TEST}"));
    // It is the watch that begins it.
    handle.drain_after(Duration::from_millis(1));
    let report = server.wait();
    assert!(waits.join().expect("it does not panic"));
    // What it is depends on how long the panics take: its end may have been sent by then.
    assert_eq!(report.left + report.cut_off, 1, "{report}");
    assert_eq!(report.received, 1, "{report}");
    drop(stays);
    assert_eq!(report.delivered, 0, "something is not finished: {report}");
}

/// Echoes the stream, and panics wherever a thread of the server's own calls it.
struct FragileStreams;

impl StreamService for FragileStreams {
    fn serve(&self, stream: Stream) -> std::io::Result<()> {
        std::io::copy(&mut &stream, &mut &stream).map(drop)
    }

    fn in_drain(&self) -> InDrain {
        panic!("{PART_OF_THE_TEST}");
    }

    fn cut_off(&self) {
        panic!("{PART_OF_THE_TEST}");
    }

    fn finish(&self, _: Instant) {
        panic!("{PART_OF_THE_TEST}");
    }
}

#[test]
fn so_does_one_of_streams() {
    let server = Server::bind_streams("127.0.0.1:0", options(), FragileStreams).expect("it starts");
    let client = connect(&server.address().to_string());
    send(&client, "x\n");
    assert_eq!(take_line(&client), "x");
    let handle = server.handle();
    handle.drain();
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (1, 0), "{report}");
}
