//! The ends of sessions: what was sent before them is served, whichever side ends, and however.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use rustls::StreamOwned;

use crate::support::net::{connect, connect_saying, reset, send, take_to_end};
use crate::support::spool::{Race, in_time, wait_until};
use crate::support::tls::{Pair, Secured};

#[test]
fn a_client_that_says_the_end_gets_its_answer_and_the_end() {
    for pair in Pair::of_each_kind() {
        let daemon = pair.start("echo", &[]);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let mut client = pair.connect_with(&daemon.address, &[version]);
            client.send("hello");
            client.end();
            let (bytes, end) = client.take_all();
            assert_eq!(bytes, b"hello", "{version:?}");
            end.expect("the session's end");
        }
    }
}

/// As Python's `unwrap` does when an answer comes: the client goes, and takes none of it.
#[test]
fn a_client_that_says_the_end_and_goes_keeps_no_place() {
    let pair = Pair::new();
    let daemon = pair.start("echo", &["--log-level", "debug", "--write-stall", "100s"]);
    for _ in 0..20 {
        let mut client = pair.connect(&daemon.address);
        client.send("hello");
        client.end();
    }
    wait_until("all are gone", || {
        daemon.stderr.text().matches("closed (id=").count() == 20
    });
}

/// As `ncat` does.
#[test]
fn a_client_that_ends_only_the_connection_gets_its_answer_too() {
    let pair = Pair::new();
    let daemon = pair.start("echo", &["--log-level", "debug", "--framing", "lines"]);
    let mut client = pair.connect(&daemon.address);
    client.send("without its newline");
    client.cut();
    let (bytes, end) = client.take_all();
    assert_eq!(bytes, b"without its newline\n");
    end.expect("the session's end");
    daemon
        .stderr
        .wait_line("its connection ended before its TLS session");
}

#[test]
fn a_drain_serves_what_was_sent_and_says_the_end() {
    let pair = Pair::new();
    let mut daemon = pair.start("echo", &[]);
    let mut client = pair.connect(&daemon.address);
    client.send("hello");
    assert_eq!(client.take(5), b"hello");
    daemon.interrupt();
    let (bytes, end) = client.take_all();
    assert_eq!(bytes, b"");
    end.expect("the session's end, not only the connection's");
    drop(client);
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn a_drain_waits_for_a_handshake_a_moment_only() {
    let pair = Pair::new();
    let mut daemon = pair.start("echo", &["--drain", "60s"]);
    // A record that has begun.
    let client = connect_saying(&daemon.address, [0x16, 3, 1]);
    let silent = connect(&daemon.address);
    wait_until("both are there", || {
        let mut open = pair.connect(&daemon.address);
        open.send("x");
        open.take(1) == b"x"
    });
    daemon.interrupt();
    assert_eq!(take_to_end(&client), b"");
    assert_eq!(take_to_end(&silent), b"");
    drop((client, silent));
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

/// A client can't send before its handshake is done, and mostly sends right after it.
#[test]
fn a_drain_serves_the_message_that_follows_a_handshake() {
    // How long the drain waits for it.
    in_time(Duration::from_secs(1), is_served_after_its_handshake);
}

fn is_served_after_its_handshake(race: &Race) {
    let pair = Pair::new();
    let mut daemon = pair.start("echo", &["--drain", "60s"]);
    let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
    let mut clients = versions.map(|version| {
        let mut session = pair.client(&[version]);
        let mut socket = connect(&daemon.address);
        session.write_tls(&mut socket).expect("a greeting");
        // The server has begun: its answer is there.
        socket.peek(&mut [0]).expect("an answer");
        (session, socket)
    });
    race.begin();
    daemon.interrupt();
    // The log says so before the drain begins; then its listener is closed.
    wait_until("it drains", || TcpStream::connect(&daemon.address).is_err());
    for (session, socket) in &mut clients {
        session.complete_io(socket).expect("a handshake");
    }
    // Long enough for the server to see the end of the handshake alone.
    std::thread::sleep(Duration::from_millis(50));
    let mut clients = clients.map(|(session, socket)| Secured(StreamOwned::new(session, socket)));
    clients.iter_mut().for_each(|client| client.send("hello"));
    race.end();
    for mut client in clients {
        assert_eq!(client.take(5), b"hello");
        let (bytes, end) = client.take_all();
        assert_eq!(bytes, b"");
        end.expect("the session's end");
    }
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

/// The end of the session ends the message, as the end of the connection does without TLS.
#[test]
fn a_drain_answers_what_the_end_of_a_session_ends() {
    in_time(
        Duration::from_secs(1),
        is_answered_at_the_end_of_its_session,
    );
}

fn is_answered_at_the_end_of_its_session(race: &Race) {
    let pair = Pair::new();
    let mut daemon = pair.start("echo", &["--framing", "lines", "--drain", "60s"]);
    let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
    let mut clients = versions.map(|version| {
        let mut session = pair.client(&[version]);
        let mut socket = connect(&daemon.address);
        session.write_tls(&mut socket).expect("a greeting");
        socket.peek(&mut [0]).expect("an answer");
        (session, socket)
    });
    race.begin();
    daemon.interrupt();
    wait_until("it drains", || TcpStream::connect(&daemon.address).is_err());
    for (session, socket) in &mut clients {
        // With version 1.3 its part of the handshake waits for what follows.
        while session.is_handshaking() {
            session.read_tls(socket).expect("an answer");
            session.process_new_packets().expect("valid");
            while session.is_handshaking() && session.wants_write() {
                session.write_tls(socket).expect("connected");
            }
        }
        session.writer().write_all(b"hello").expect("a buffer");
        session.send_close_notify();
        let mut bytes = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut bytes).expect("a Vec");
        }
        send(socket, &bytes);
    }
    race.end();
    for (session, socket) in clients {
        let mut client = Secured(StreamOwned::new(session, socket));
        let (bytes, end) = client.take_all();
        assert_eq!(bytes, b"hello\n");
        end.expect("the session's end");
    }
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn much_output_reaches_a_slow_reader_whole() {
    let pair = Pair::new();
    let daemon = pair.start("echo", &["--outbox-max", "64k"]);
    let mut client = pair.connect(&daemon.address);
    let sent: Vec<u8> = (0..4 << 20).map(|at: u32| (at % 251) as u8).collect();
    let mut got = Vec::new();
    for piece in sent.chunks(300_000) {
        client.send(piece);
        got.extend(client.take(piece.len() / 2));
    }
    client.end();
    let (rest, end) = client.take_all();
    got.extend(rest);
    end.expect("the session's end");
    assert!(got == sent, "{} of {} bytes", got.len(), sent.len());
}

#[test]
fn an_unfinished_message_counts_only_if_its_session_has_ended_where_that_is_asked_for() {
    let pair = Pair::new();
    let mut daemon = pair.start(
        "recv",
        &[
            "--tls-strict-end",
            "--format",
            "raw",
            "--log-level",
            "debug",
        ],
    );
    let ways = [
        ("cut", (|mut client: Secured| client.cut()) as fn(Secured)),
        ("lost", |client: Secured| reset(client.0.sock)),
        ("said", |mut client: Secured| client.end()),
    ];
    for (before, (rest, leave)) in ways.into_iter().enumerate() {
        let mut client = pair.connect(&daemon.address);
        client.send(format!("whole, then {rest}\nunfinished and {rest}"));
        daemon.stdout.wait_line(&format!("whole, then {rest}"));
        leave(client);
        wait_until("it is gone", || {
            daemon.stderr.text().matches("closed (id=").count() > before
        });
    }
    daemon.stdout.wait_line("unfinished and said");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let told = daemon.stdout.text();
    assert_eq!(told.matches("unfinished").count(), 1, "{told}");

    let daemon = pair.start("echo", &["--tls-strict-end", "--framing", "lines"]);
    let mut client = pair.connect(&daemon.address);
    client.send("whole\nunfinished");
    client.cut();
    let (bytes, end) = client.take_all();
    assert_eq!(bytes, b"whole\n");
    end.expect("the session's end");
}

#[test]
fn a_drain_delivers_an_unfinished_message_only_if_its_session_has_ended_where_that_is_asked_for() {
    let pair = Pair::new();
    let args = ["--tls-strict-end", "--format", "raw", "--drain", "60s"];
    let mut daemon = pair.start("recv", &args);
    let ways = [
        ("cut", (|mut client: Secured| client.cut()) as fn(Secured)),
        ("lost", |client: Secured| reset(client.0.sock)),
        ("said", |mut client: Secured| client.end()),
    ];
    let clients = ways.map(|(rest, leave)| {
        let mut client = pair.connect(&daemon.address);
        client.send(format!("whole, then {rest}\nunfinished and {rest}"));
        daemon.stdout.wait_line(&format!("whole, then {rest}"));
        (client, leave)
    });
    daemon.interrupt();
    for (mut client, leave) in clients {
        client.take_all().1.expect("the session's end");
        leave(client);
    }
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let told = daemon.stdout.text();
    assert!(told.contains("unfinished and said"), "{told}");
    assert_eq!(told.matches("unfinished").count(), 1, "{told}");
}
