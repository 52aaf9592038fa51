//! Bad input: it hurts its own client only, and the log has one line with the reason.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::support::net::{connect, connect_saying, send, take_all};
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
    let daemon = pair.start(
        "recv",
        &["--proxy-from", "127.0.0.1", "--handshake", "100ms"],
    );
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
