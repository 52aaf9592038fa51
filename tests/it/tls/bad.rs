//! Bad input: it hurts its own client only, and the log has one line with the reason.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::Duration;

use poold::service::Echo;
use poold::{Options, Phase, Server, Tls};
use rustls::{ClientConnection, StreamOwned};

use crate::support::net::{connect, connect_plain, connect_saying, send, take_all, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::server::options;
use crate::support::spool::{Race, in_time, wait_until};
use crate::support::tls::Pair;

/// The first bytes of a client: its hello.
fn hello(pair: &Pair) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut client = pair.client(rustls::ALL_VERSIONS);
    client.write_tls(&mut bytes).expect("a Vec");
    bytes
}

#[test]
fn every_byte_of_a_hello_flipped_is_answered_or_refused() {
    for pair in Pair::of_each_kind() {
        flip_each_byte(&pair);
    }
}

fn flip_each_byte(pair: &Pair) {
    let mut daemon = pair.start("echo", &[]);
    let hello = hello(pair);
    for at in 1..hello.len() {
        let mut flipped = hello.clone();
        flipped[at] ^= 0xff;
        let client = connect_saying(&daemon.address, &flipped);
        let _ = client.shutdown(Shutdown::Write);
        let (answer, _) = take_all(&client);
        // An alert, a server's hello, or the end.
        assert!(
            matches!(answer.first(), None | Some(21 | 22)),
            "{at}: {answer:?}"
        );
    }
    let mut client = pair.connect(&daemon.address);
    client.send("hello");
    assert_eq!(client.take(5), b"hello");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_handshake_and_data_that_come_byte_by_byte_are_served() {
    let pair = Pair::new();
    let daemon = pair.start("echo", &[]);
    let mut socket = connect(&daemon.address);
    let mut client = pair.client(rustls::ALL_VERSIONS);
    client.writer().write_all(b"hello").expect("a Vec");
    let mut got = Vec::new();
    while got.len() < 5 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("a Vec");
        }
        for byte in bytes {
            send(&socket, [byte]);
        }
        client.read_tls(&mut socket).expect("it answers");
        client.process_new_packets().expect("valid");
        let mut buffer = [0; 64];
        if let Ok(length) = client.reader().read(&mut buffer) {
            got.extend_from_slice(&buffer[..length]);
        }
    }
    assert_eq!(got, b"hello");
}

#[test]
fn a_record_whose_bytes_are_changed_ends_its_client_and_what_came_before_is_served() {
    let pair = Pair::new();
    let daemon = pair.start("recv", &[]);
    let mut client = pair.connect(&daemon.address);
    let conn = &mut client.0.conn;
    let mut bytes = Vec::new();
    for line in ["one\n", "two\n", "never\n"] {
        conn.writer().write_all(line.as_bytes()).expect("a Vec");
        while conn.wants_write() {
            conn.write_tls(&mut bytes).expect("a Vec");
        }
    }
    *bytes.last_mut().expect("records") ^= 1;
    send(&client.0.sock, &bytes);
    let _ = client.take_all();
    daemon.stdout.wait_line("two");
    let mut daemon = daemon;
    let exit = daemon.stop();
    let printed = String::from_utf8_lossy(&exit.stdout).into_owned();
    assert!(!printed.contains("never"), "{printed}");
    assert_eq!(printed.lines().count(), 2, "{printed}");
}

#[test]
fn a_silent_client_and_half_a_hello_end_in_time() {
    let pair = Pair::new();
    let daemon = pair.start("echo", &["--handshake", "100ms"]);
    let hello = hello(&pair);
    for said in [&hello[..0], &hello[..1], &hello[..hello.len() / 2]] {
        let client = connect_saying(&daemon.address, said);
        let (answer, _) = take_all(&client);
        assert!(matches!(answer.first(), None | Some(21)), "{answer:?}");
    }
    daemon.stderr.wait_line("why=it does not end in time");
}

#[test]
fn a_balancers_header_comes_before_the_hello() {
    let pair = Pair::new();
    let balancer = ["--proxy-from", "127.0.0.1"];
    let daemon = pair.start("recv", &balancer);
    let header = "PROXY TCP4 192.0.2.7 192.0.2.8 1000 2000\r\n";
    let mut bytes = header.as_bytes().to_vec();
    let mut client = pair.client(rustls::ALL_VERSIONS);
    client.writer().write_all(b"hello\n").expect("a Vec");
    client.write_tls(&mut bytes).expect("a Vec");
    let mut socket = connect(&daemon.address);
    send(&socket, &bytes);
    while client.is_handshaking() || client.wants_write() {
        client.complete_io(&mut socket).expect("it answers");
    }
    daemon
        .stdout
        .wait_line("Message from 192.0.2.7:1000: hello");
    // Silent after its header.
    let soon = ["--handshake", "100ms"];
    let daemon = pair.start("recv", &[balancer, soon].concat());
    let silent = connect_saying(&daemon.address, header);
    let _ = take_all(&silent);
    daemon.stderr.wait_line("why=it does not end in time");
}

#[test]
fn many_half_handshakes_keep_no_client_out() {
    let pair = Pair::new();
    let daemon = pair.start("echo", &["--workers", "2"]);
    let hello = hello(&pair);
    let _half: Vec<_> = (0..200)
        .map(|at| connect_saying(&daemon.address, &hello[..at % hello.len()]))
        .collect();
    // Their hello is answered; their end of the handshake never comes.
    let _open: Vec<_> = (0..200)
        .map(|_| connect_saying(&daemon.address, &hello))
        .collect();
    let mut client = pair.connect(&daemon.address);
    client.send("hello");
    assert_eq!(client.take(5), b"hello");
}

const HANDSHAKE: Duration = Duration::from_secs(1);

/// The time is that from the connection on, whenever the client begins.
#[test]
fn a_client_that_begins_late_has_no_more_time_for_its_handshake() {
    in_time(HANDSHAKE, begins_late);
}

fn begins_late(race: &Race) {
    let pair = Pair::new();
    let daemon = pair.start("echo", &["--handshake", "1s"]);
    race.begin();
    let late = connect(&daemon.address);
    sleep(Duration::from_millis(400));
    let silent = connect(&daemon.address);
    sleep(Duration::from_millis(400));
    send(&late, [0x16]);
    race.end();
    assert_eq!(take_to_end(&silent), b"");
    // It came first, and has ended first: it would have twice as long as this yet.
    let soon = Some(HANDSHAKE / 5);
    late.set_read_timeout(soon).expect("a socket");
    take_all(&late).1.expect("the end");
}

/// It would be sent as it is, and no TLS client understands that.
#[test]
fn a_client_is_sent_nothing_before_its_handshake_is_done() {
    let pair = Pair::new();
    let tls = Tls::from_files(pair.certificate(), pair.key()).expect("a pair");
    let options = Options {
        tls: Some(tls),
        ..options()
    };
    let server = Server::bind("127.0.0.1:0", options, Echo).expect("it starts");
    let address = server.address().to_string();
    let (handle, socket) = (server.handle(), connect_plain(&address));
    let registry = || handle.registry();
    wait_until("it is here", || registry().count() == 1);
    let send_early = || {
        assert_eq!(registry().send_all("early\n"), 0);
        assert_eq!(registry().clients().count(), 0);
        registry().send(1, "early\n").expect_err("it is too early");
    };
    send_early();
    let mut client = StreamOwned::new(pair.client(rustls::ALL_VERSIONS), socket);
    client.conn.write_tls(&mut client.sock).expect("it is read");
    send_early();
    client.write_all(b"x\n").expect("a handshake");
    let mut line = [0; 2];
    client.read_exact(&mut line).expect("an answer");
    assert_eq!((&line, registry().send_all("y\n")), (b"x\n", 1));
    client.read_exact(&mut line).expect("what all are sent");
    assert_eq!(&line, b"y\n");
}

/// A client over a Unix socket, which takes a record whole or not at all.
type UnixClient = StreamOwned<ClientConnection, UnixStream>;

fn connect_unix(pair: &Pair, path: &str) -> UnixClient {
    let mut session = pair.client(&[&rustls::version::TLS13]);
    let mut socket = UnixStream::connect(path).expect("it listens");
    while session.is_handshaking() || session.wants_write() {
        session.complete_io(&mut socket).expect("a handshake");
    }
    StreamOwned::new(session, socket)
}

#[test]
fn a_session_that_fails_while_its_client_takes_nothing_keeps_no_worker_busy() {
    let (pair, scratch) = (Pair::new(), Scratch::new());
    let path = scratch.join("socket");
    let tls = Tls::from_files(pair.certificate(), pair.key()).expect("a pair");
    let options = Options {
        tls: Some(tls),
        // Full after a few answers.
        send_buffer: Some(8192),
        ..options()
    };
    let address = format!("unix:{}", text(&path));
    let server = Server::bind(address.as_str(), options, Echo).expect("it starts");
    let handle = server.handle();
    // Sends a line, and answers what the server then owes.
    let owed = |client: &mut UnixClient, id: u64, lines: u64| {
        client.write_all(b"x\n").expect("it is read");
        client.flush().expect("it is read");
        let look = || handle.registry().look_up(id).expect("connected");
        wait_until("it is served", || {
            let client = look();
            client.messages_in == lines && client.phase == Phase::Resting
        });
        look().owed
    };
    let mut first = connect_unix(&pair, text(&path));
    let most = (1..).find(|lines| owed(&mut first, 1, *lines) > 0);
    let room = most.expect("it has a bound") - 1;
    let mut client = connect_unix(&pair, text(&path));
    for lines in 1..=room {
        assert_eq!(owed(&mut client, 2, lines), 0, "{lines} of {room}");
    }
    let turns = || handle.stats().turns.count();
    let before = turns();
    // There is no room for the alert, either.
    let mut record = vec![0x17, 3, 3, 0, 40];
    record.extend([7; 40]);
    client.sock.write_all(&record).expect("it is read");
    wait_until("it is read", || turns() > before);
    // Each that takes the connection for one with more to do would be followed by another.
    sleep(Duration::from_millis(500));
    let more = turns() - before;
    assert!(more < 10, "{more} turns");
    let mut got = Vec::new();
    let end = client
        .read_to_end(&mut got)
        .expect_err("the session is broken");
    assert!(end.to_string().contains("BadRecordMac"), "{end}");
    assert_eq!(got, b"x\n".repeat(room as usize));
}
