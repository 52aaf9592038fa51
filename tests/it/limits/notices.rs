//! What the log says of clients that limits act on: each is named, and it stays short.

use std::net::TcpStream;

use crate::support::admin::Watched;
use crate::support::daemon::Daemon;
use crate::support::net::{connect, connect_from, send, take_all};
use crate::support::spool::{EPISODE, Race, in_time, wait_until};

const BAD: &str = "closing clients that don't send messages as the framing says";

/// Sends it from an address of this machine, and waits until it is closed.
fn visit(daemon: &Daemon, from: &str, sent: &str) {
    let client = connect_from(from, &daemon.address);
    send(&client, sent);
    let _ = take_all(&client);
}

fn lines<'a>(log: &'a str, part: &str) -> Vec<&'a str> {
    let has_it = |line: &&str| line.starts_with("warning: ") && line.contains(part);
    log.lines().filter(has_it).collect()
}

#[test]
fn two_bad_devices_are_named_each_with_what_it_sent() {
    in_time(EPISODE, two_bad_devices);
}

fn two_bad_devices(_: &Race) {
    let mut daemon = Daemon::recv(&["--framing", "octet", "--overlong", "close"]);
    visit(&daemon, "127.0.0.2", "GET / HTTP/1.1\r\nHost: a.b\r\n\r\n");
    visit(
        &daemon,
        "127.0.0.3",
        "5 hello<13>no count, and far more than forty bytes",
    );
    // Another port of the same device says the same.
    visit(&daemon, "127.0.0.2", "GET / HTTP/1.1\r\nHost: a.b\r\n\r\n");
    // Another reason is logged again: one address may have several clients.
    visit(&daemon, "127.0.0.2", "99999 x");
    daemon.stderr.wait_line("sent=99999 x");
    let log = daemon.stop().stderr;
    let lines = lines(&log, BAD);
    assert_eq!(lines.len(), 3, "{log}");
    for (line, peer, rest) in [
        (
            lines[0],
            "127.0.0.2",
            r"HTTP: it may want another port, sent=GET / HTTP/1.1\r\nHost: a.b\r\n\r\n)",
        ),
        (
            lines[1],
            "127.0.0.3",
            "try --framing pri, sent=<13>no count, and far more than forty by…)",
        ),
        (
            lines[2],
            "127.0.0.2",
            "why=a message of more than 65536 bytes, earlier=1, sent=99999 x)",
        ),
    ] {
        assert!(line.contains(&format!("peer={peer}:")), "{line}");
        assert!(line.contains("(id=") && line.ends_with(rest), "{line}");
    }
}

#[test]
fn ten_are_named_and_all_are_counted() {
    in_time(EPISODE, fifteen_come_twice);
}

fn fifteen_come_twice(race: &Race) {
    let daemon = Daemon::recv(&["--deny", "127.0.0.0/8"]);
    for round in 0..2 {
        for last in 1..=15 {
            visit_denied(&connect_from(&format!("127.0.1.{last}"), &daemon.address));
        }
        // The log comes by a way of its own.
        daemon.stderr.wait_line("(peer=127.0.1.10:");
        let log = daemon.stderr.text();
        let told = lines(&log, "their address is not allowed");
        assert_eq!(told.len(), 10, "round {round}: {log}");
        assert!(told[9].contains("(peer=127.0.1.10:"), "{log}");
    }
    race.end();
    let line = daemon.stderr.wait_line("no more: ");
    assert!(line.ends_with("(count=30)"), "{line}");
}

#[test]
fn what_was_only_counted_is_told_at_the_end() {
    in_time(EPISODE, fifteen_come);
}

fn fifteen_come(_: &Race) {
    let mut daemon = Daemon::recv(&["--deny", "127.0.0.0/8"]);
    for last in 1..=15 {
        visit_denied(&connect_from(&format!("127.0.1.{last}"), &daemon.address));
    }
    let log = daemon.stop().stderr;
    let last = log.lines().rev().take(2).collect::<Vec<_>>();
    let told = "no more: refusing clients: their address is not allowed (count=15)";
    assert!(
        last[0].starts_with("drained in") && last[1] == told,
        "{log}"
    );
}

/// It is closed without a word.
fn visit_denied(client: &TcpStream) {
    assert!(take_all(client).0.is_empty());
}

#[test]
fn what_is_too_long_or_has_no_end_is_quoted_too() {
    for (args, sent, told) in [
        (
            &["--message-max", "4"][..],
            "too\x1blong\n",
            r"why=cut to 4 bytes, sent=too\u{1b})",
        ),
        (
            &["--message-max", "4", "--overlong", "drop"],
            "too long\n",
            "why=dropped: it has more than 4 bytes)",
        ),
        (
            &["--message-max", "4", "--overlong", "close"],
            "too long\n",
            r"why=a message of more than 4 bytes, sent=too long\n)",
        ),
        (
            &["--message", "100ms"],
            "no end",
            "don't end a message they began (id=1, peer=PEER, sent=no end)",
        ),
    ] {
        let mut daemon = Daemon::recv(args);
        let client = connect(&daemon.address);
        let peer = client.local_addr().expect("connected").to_string();
        send(&client, sent);
        daemon.stderr.wait_line(&told.replace("PEER", &peer));
        drop(client);
        daemon.stop();
    }
}

#[test]
fn a_quote_begins_where_the_message_does() {
    let args = ["--message-max", "8", "--overlong", "close"];
    let watched = Watched::start(&[&["recv", "127.0.0.1:0"], &args[..]].concat());
    let client = connect(&watched.daemon.address);
    send(&client, "abc");
    wait_until("it is read", || {
        watched.metric("poold_received_bytes_total") == 3.0
    });
    send(&client, "defghi\n");
    watched.daemon.stderr.wait_line("sent=abcdefghi");
}

#[test]
fn what_people_type_is_quoted_nowhere() {
    let args = ["chat", "127.0.0.1:0", "--message-max", "16"];
    for overlong in ["truncate", "close"] {
        let mut daemon = Daemon::start(&[&args[..], &["--overlong", overlong]].concat());
        let client = connect(&daemon.address);
        send(&client, "/op correct-horse-battery\n");
        daemon.stderr.wait_line("16 bytes");
        drop(client);
        let log = daemon.stop().stderr;
        assert!(!log.contains("/op") && !log.contains("horse"), "{log}");
    }
}
