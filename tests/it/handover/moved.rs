//! A restart that no client notices: connections at rest go to the successor.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::takeover::Line;
use crate::support::daemon::{Daemon, calm, poold};
use crate::support::net::{connect, send, take, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;
use crate::support::tls::Pair;

/// A client that is never told to connect again.
struct Client {
    number: usize,
    sent: u64,
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(address: &str, number: usize) -> Client {
        Client {
            number,
            sent: 0,
            stream: BufReader::new(connect(address)),
        }
    }

    /// Sends a line, in two parts with what is done between them.
    fn say_around(&mut self, between: impl FnOnce()) {
        let line = format!("client {} message {}\n", self.number, self.sent);
        let (begin, end) = line.split_at(line.len() / 2);
        let mut stream = self.stream.get_ref();
        stream.write_all(begin.as_bytes()).expect("it is connected");
        between();
        stream.write_all(end.as_bytes()).expect("it is connected");
        self.sent += 1;
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("it is connected");
        line
    }
}

#[test]
fn clients_of_echo_are_answered_by_the_next_process() {
    let dir = Scratch::new();
    let args = calm(&["echo", "127.0.0.1:0", "--framing", "lines"]);
    let mut line = Line::start(&dir, &args);
    let address = line.first.address.clone();
    let mut clients: Vec<_> = (0..10)
        .map(|number| Client::connect(&address, number))
        .collect();
    for _ in 0..3 {
        for client in &mut clients {
            client.say_around(|| {});
            let said = format!("client {} message {}\n", client.number, client.sent - 1);
            assert_eq!(client.hear(), said);
        }
        line.restart();
    }
    drop(clients);
    let log = line.stop();
    assert_eq!(log.matches("moved=10, stayed=0").count(), 3, "{log}");
    let drained = log.matches(" 0 clients left, 0 cut off").count();
    assert!(drained >= 3, "{log}");
}

#[test]
fn what_recv_has_of_a_client_and_what_it_has_acknowledged_go_along() {
    let dir = Scratch::new();
    let file = dir.join("lines");
    let args = ["recv", "127.0.0.1:0", "--ack", "--output", text(&file)];
    let mut line = Line::spawn(&dir, poold(&calm(&args)).stdout(Stdio::piped()));
    let address = line.first.address.clone();
    let mut clients: Vec<_> = (0..10)
        .map(|number| Client::connect(&address, number))
        .collect();
    for round in 1..=3 {
        for client in &mut clients {
            client.say_around(|| {});
            assert_eq!(client.hear(), format!("ack {}\n", 2 * round - 1));
        }
        // The restart comes in the middle of a line.
        let (first, others) = clients.split_at_mut(1);
        first[0].say_around(|| line.restart());
        others
            .iter_mut()
            .for_each(|client| client.say_around(|| {}));
        for client in &mut clients {
            assert_eq!(client.hear(), format!("ack {}\n", 2 * round));
        }
    }
    drop(clients);
    let log = line.stop();
    assert_eq!(log.matches("moved=10, stayed=0").count(), 3, "{log}");
    let printed = std::fs::read_to_string(&file).expect("it is there");
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for printed in printed.lines() {
        let (sender, message) = printed.split_once(": client ").expect("a message");
        all.entry(sender).or_default().push(message);
    }
    assert_eq!(all.len(), 10, "each has one address all along");
    for (sender, messages) in all {
        let number = messages[0].split_whitespace().next().expect("a number");
        let expected: Vec<_> = (0..6).map(|at| format!("{number} message {at}")).collect();
        assert_eq!(messages, expected, "{sender}");
    }
}

#[test]
fn with_keep_clients_no_they_are_drained() {
    let dir = Scratch::new();
    let args = calm(&["echo", "127.0.0.1:0", "--keep-clients", "no"]);
    let mut line = Line::start(&dir, &args);
    let client = connect(&line.first.address);
    send(&client, "x");
    assert_eq!(take(&client, 1), b"x");
    line.restart();
    assert_eq!(take_to_end(&client), b"", "the end");
    drop(client);
    wait_until("the old process has ended", || {
        line.first.stderr.text().contains("drained in")
    });
    line.stop();
}

#[test]
fn the_half_of_a_message_goes_along_in_every_framing() {
    for (framing, begin, end, message) in [
        ("octet", "10 alp", "ha beta", "alpha beta"),
        ("auto", "14 <13>al", "pha beta", "<13>alpha beta"),
        ("mllp", "\x0balpha", " beta\x1c\r", "alpha beta"),
        ("delimited:--", "alpha beta-", "-", "alpha beta"),
        ("gelf", "alpha ", "beta\0", "alpha beta"),
        (
            "json",
            "{\"a\":\"\\",
            "\"b\"}",
            "{\\\"a\\\":\\\"\\\\\\\"b\\\"}",
        ),
        ("len32", "\0\0\0\x0aalpha", " beta", "alpha beta"),
        ("pri", "<13>alpha beta<1", "4>", "<13>alpha beta"),
    ] {
        let dir = Scratch::new();
        let args = [
            "recv",
            "127.0.0.1:0",
            "--format",
            "json",
            "--framing",
            framing,
        ];
        let mut line = Line::start(&dir, &calm(&args));
        let client = connect(&line.first.address);
        let begun = Instant::now();
        send(&client, begin);
        line.restart();
        send(&client, end);
        let printed = line.first.stdout.wait_line("\"message\"");
        if framing == "pri" && begun.elapsed() > Duration::from_millis(400) {
            // On a busy machine silence has ended it.
            drop(client);
            line.stop();
            continue;
        }
        assert!(
            printed.contains(&format!("\"{message}\"")),
            "{framing}: {printed}"
        );
        assert!(printed.contains("\"id\":1,"), "{framing}: {printed}");
        drop(client);
        line.stop();
    }
}

#[test]
fn what_a_client_is_owed_and_what_it_has_sent_go_along() {
    const LENGTH: usize = 8 * 1024 * 1024;
    let dir = Scratch::new();
    let mut line = Line::start(&dir, &calm(&["echo", "127.0.0.1:0"]));
    let client = connect(&line.first.address);
    let sent: Vec<u8> = (0..LENGTH).map(|at| (at / 7 % 251) as u8).collect();
    std::thread::scope(|scope| {
        // It reads nothing until the first restart, so all that is on the way stands still.
        scope.spawn(|| send(&client, &sent));
        line.restart();
        let first = take(&client, LENGTH / 2);
        line.restart();
        let second = take(&client, LENGTH / 2);
        assert!(
            [first, second].concat() == sent,
            "every byte, once, in order"
        );
    });
    drop(client);
    let log = line.stop();
    assert_eq!(log.matches("moved=1, stayed=0").count(), 2, "{log}");
}

#[test]
fn the_client_that_a_balancer_has_announced_keeps_its_address_and_its_share() {
    let dir = Scratch::new();
    let args = [
        "recv",
        "127.0.0.1:0",
        "--proxy-from",
        "127.0.0.1",
        "--max-per-address",
        "1",
    ];
    let mut line = Line::start(&dir, &calm(&args));
    let header = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 514\r\n";
    let client = connect(&line.first.address);
    send(&client, format!("{header}before\n"));
    let from = "Message from 192.0.2.7:4711: ";
    line.first.stdout.wait_line(&format!("{from}before"));
    line.restart();
    send(&client, "after\n");
    line.first.stdout.wait_line(&format!("{from}after"));
    let second = connect(&line.first.address);
    send(&second, header);
    assert_eq!(take_to_end(&second), b"", "the address has its one client");
    drop(client);
    line.stop();
}

#[test]
fn a_successor_with_another_framing_or_service_leaves_the_clients_to_the_old_one() {
    for (service, framing, why) in [
        ("echo", "nul", "1 framing"),
        ("discard", "lines", "1 service"),
    ] {
        let dir = Scratch::new();
        let control = text(&dir.join("control")).to_owned();
        let args = ["--framing", "lines", "--control", &control];
        let mut old = Daemon::echo(&args);
        let client = connect(&old.address);
        send(&client, "x\n");
        assert_eq!(take(&client, 2), b"x\n");
        let args = ["--framing", framing, "--control", &control, "--take-over"];
        let mut new = Daemon::start(&[&[service, &old.address], &args[..]].concat());
        assert_eq!(take_to_end(&client), b"");
        drop(client);
        let exit = old.wait_exit();
        assert_eq!(exit.code, Some(0));
        assert!(exit.stderr.contains(why), "{}", exit.stderr);
        assert_eq!(new.stop().code, Some(0));
    }
}

#[test]
fn clients_that_speak_tls_stay() {
    let (dir, pair) = (Scratch::new(), Pair::new());
    let (certificate, key) = (pair.certificate(), pair.key());
    let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    let mut line = Line::start(&dir, &calm(&[&["echo", "127.0.0.1:0"], &tls[..]].concat()));
    let mut client = pair.connect(&line.first.address);
    client.send("x");
    assert_eq!(client.take(1), b"x");
    line.restart();
    client.take_all().1.expect("the end of the session");
    drop(client);
    let log = line.stop();
    assert!(log.contains("moved=0, stayed=1, why=1 tls"), "{log}");
}
