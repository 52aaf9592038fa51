//! Whatever of a service panics: its client ends by it, and no worker, no acceptor and no watch.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use poold::service::{InDrain, StreamService, Tail};
use poold::{
    Client, End, Limit, Message, Options, Reply, Server, ServerPhase, Service, Stream, Verdict,
    WhenFull,
};

use crate::house::{finish, options, serve};
use crate::net::{connect, send, take_all, take_line, take_to_end, wait_reset};
use crate::spool::wait_until;

/// A service whose every call panics that the engine makes without a message.
struct Touchy;

/// Panics when it is dropped.
struct Brittle;

impl Drop for Brittle {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("this panic is part of the test");
        }
    }
}

impl Service for Touchy {
    type Session = Brittle;

    fn opened(&self, _: &Client, _: &mut Reply<'_>) -> Brittle {
        Brittle
    }

    fn message(&self, _: &mut Brittle, message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        assert_ne!(message.bytes, b"boom", "this panic is part of the test");
        reply.send("fine");
        Verdict::Go
    }

    fn closed(&self, session: Brittle, _: &End) {
        drop(session);
    }

    fn refusal(&self, _: Limit) -> Option<Bytes> {
        panic!("this panic is part of the test");
    }

    fn tail(&self) -> Tail {
        panic!("this panic is part of the test");
    }

    fn cut_off(&self) {
        panic!("this panic is part of the test");
    }
}

fn is_served(client: &std::net::TcpStream) -> bool {
    send(client, "ok\n");
    take_line(client) == "fine"
}

#[test]
fn a_session_that_panics_when_it_is_dropped_costs_no_worker() {
    let (server, address) = serve(options(), Touchy);
    let neighbour = connect(&address);
    for _ in 0..10 {
        let client = connect(&address);
        send(&client, "ok\nboom\n");
        assert_eq!(take_to_end(&client), b"fine\n");
        drop(client);
        let client = connect(&address);
        assert!(is_served(&client));
        crate::net::reset(client);
        assert!(is_served(&neighbour));
    }
    drop(neighbour);
    wait_until("all have gone", || server.handle().registry().count() == 0);
    let report = finish(server);
    assert_eq!((report.left, report.cut_off), (0, 0), "{report}");
}

#[test]
fn a_refusal_that_panics_leaves_the_door_open() {
    let options = Options {
        clients_max: 1,
        when_full: WhenFull::Refuse,
        ..options()
    };
    let (server, address) = serve(options, Touchy);
    for _ in 0..10 {
        let inside = connect(&address);
        assert!(is_served(&inside));
        for _ in 0..3 {
            assert_eq!(take_all(&connect(&address)).0, b"");
        }
        drop(inside);
        wait_until("it has gone", || server.handle().registry().count() == 0);
    }
    finish(server);
}

#[test]
fn a_cut_off_that_panics_cuts_off_all_the_same() {
    let options = Options {
        drain: Duration::from_millis(50),
        ..options()
    };
    let (server, address) = serve(options, Touchy);
    let client = connect(&address);
    assert!(is_served(&client));
    let handle = server.handle();
    handle.when_draining(|| panic!("this panic is part of the test"));
    handle.drain_after(Duration::from_millis(20));
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (0, 1), "{report}");
    wait_reset(&client);
}

/// As [`Touchy`], for whole streams.
struct TouchyStreams;

impl StreamService for TouchyStreams {
    fn serve(&self, mut stream: Stream) -> std::io::Result<()> {
        stream.write_all(b"welcome\n")?;
        std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
    }

    fn refusal(&self, _: Limit) -> Option<Bytes> {
        panic!("this panic is part of the test");
    }

    fn in_drain(&self) -> InDrain {
        panic!("this panic is part of the test");
    }
}

#[test]
fn a_stream_service_that_panics_in_a_drain_drains() {
    let server = Server::bind_streams("127.0.0.1:0", options(), TouchyStreams);
    let server = server.expect("it starts");
    let client = connect(&server.address().to_string());
    assert_eq!(take_line(&client), "welcome");
    server.handle().drain();
    assert_eq!(
        take_to_end(&client),
        b"",
        "as if it had said nothing of drains"
    );
    drop(client);
    let report = finish(server);
    assert_eq!((report.left, report.cut_off), (1, 0), "{report}");
}

#[test]
fn to_wait_for_ever_is_no_overflow() {
    let (server, _) = serve(options(), poold::service::Echo);
    let handle = server.handle();
    let waits = std::thread::spawn(move || handle.wait_for(ServerPhase::Stopped, Duration::MAX));
    assert!(
        !server
            .handle()
            .wait_for(ServerPhase::Stopped, Duration::ZERO)
    );
    finish(server);
    assert!(waits.join().expect("no panic"));
}
