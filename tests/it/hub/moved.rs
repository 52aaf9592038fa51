//! A restart that no reader notices: all move at one place of the feed's order, or none does.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::handover::moved_fails::Successor;
use crate::handover::takeover::Line;
use crate::support::daemon::Daemon;
use crate::support::gate::SetAtEnd;
use crate::support::net::{connect, free_port, send, take_line, take_to_end};
use crate::support::redis::Redis;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;

/// The last line of a sender.
const LAST: &str = "the end";
/// What readers have in common begins with this.
const HEAD: &str = "poold hub 1\n";

/// Reads to the last line of so many senders, and answers without these.
fn read_all(reader: TcpStream, mut senders: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut lines = BufReader::new(reader).lines();
    while senders > 0 {
        let line = lines.next().expect("not the end");
        let line = line.expect("it is connected");
        match line == LAST {
            true => senders -= 1,
            false => all.push(line),
        }
    }
    all
}

/// Waits until so many clients are readers. (One that rests may not have had its first turn.)
fn wait_in(admin: &str, count: u64) {
    wait_until("all are in", || {
        let status = asked(admin, "/status");
        let (_, body) = status.split_once("\r\n\r\n").expect("a body");
        let status: serde_json::Value = serde_json::from_str(body).expect("JSON");
        status["tables"][0]["rows"][0][0] == count
    });
}

fn asked(admin: &str, path: &str) -> String {
    let stream = connect(&format!("127.0.0.1:{admin}"));
    send(&stream, format!("GET {path} HTTP/1.0\r\n\r\n"));
    String::from_utf8(take_to_end(&stream)).expect("UTF-8")
}

/// Each sender's numbers begin with 0 and leave none out.
fn assert_complete(lines: &[String], counts: &[u64]) {
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines {
        let (sender, number) = line.split_once(' ').expect("a message");
        let next = next.entry(sender).or_default();
        assert_eq!(number.parse(), Ok(*next), "of {sender}");
        *next += 1;
    }
    let counts = counts.iter().enumerate();
    let all: BTreeMap<String, u64> = counts.map(|(at, count)| (at.to_string(), *count)).collect();
    let next: BTreeMap<String, u64> = next.into_iter().map(|(at, n)| (at.to_owned(), n)).collect();
    assert_eq!(next, all);
}

/// Sends numbered lines until it is over; answers how many.
fn send_numbers(name: usize, stream: &TcpStream, over: &AtomicBool) -> u64 {
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        // Several messages, of which the last comes in two parts.
        let lines: String = (number..number + 5)
            .map(|n| format!("{name} {n}\n"))
            .collect();
        let (begin, rest) = lines.split_at(lines.len() - 2);
        send(stream, begin);
        thread::sleep(Duration::from_millis(1));
        send(stream, rest);
        number += 5;
    }
    send(stream, format!("{LAST}\n"));
    number
}

#[test]
fn readers_and_senders_notice_no_restart_and_all_see_one_order() {
    const READERS: usize = 100;
    const SENDERS: usize = 4;
    let dir = Scratch::new();
    let admin = free_port().to_string();
    let mut line = Line::start(&dir, &["hub", "127.0.0.1:0", "--admin", &admin]);
    let address = line.first.address.clone();
    let readers: Vec<_> = (0..READERS).map(|_| connect(&address)).collect();
    let senders: Vec<_> = (0..SENDERS).map(|_| connect(&address)).collect();
    // All are in before the first message: a newcomer gets nothing of before.
    wait_in(&admin, (READERS + SENDERS) as u64);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = readers.into_iter();
        let reading: Vec<_> = reading
            .map(|one| scope.spawn(|| read_all(one, SENDERS)))
            .collect();
        let heard = senders
            .iter()
            .map(|one| one.try_clone().expect("a descriptor"));
        let heard: Vec<_> = heard
            .map(|one| scope.spawn(|| read_all(one, SENDERS - 1)))
            .collect();
        let over = &over;
        let sending = senders.iter().enumerate();
        let sending: Vec<_> = sending
            .map(|(name, one)| scope.spawn(move || send_numbers(name, one, over)))
            .collect();
        let over_then = SetAtEnd(over);
        for _ in 0..5 {
            thread::sleep(Duration::from_millis(50));
            line.restart();
        }
        drop(over_then);
        let counts: Vec<_> = sending
            .into_iter()
            .map(|one| one.join().expect("sent"))
            .collect();
        let mut all = reading
            .into_iter()
            .map(|one| one.join().expect("it is connected"));
        let first = all.next().expect("a reader");
        assert_complete(&first, &counts);
        for other in all {
            assert!(other == first, "one order for all");
        }
        for (name, other) in heard.into_iter().enumerate() {
            let mut expected = first.clone();
            expected.retain(|line| !line.starts_with(&format!("{name} ")));
            let other = other.join().expect("it is connected");
            assert!(other == expected, "a sender gets what the others send");
        }
    });
    drop(senders);
    let log = line.stop();
    let moved = format!("moved={}, stayed=0", READERS + SENDERS);
    assert_eq!(log.matches(&moved).count(), 5, "{log}");
}

#[test]
fn a_successor_that_dies_or_hangs_half_way_changes_nothing() {
    const READERS: usize = 100;
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let admin = free_port().to_string();
    let args = ["--admin", &admin, "--control", &control];
    let mut daemon = Daemon::start(&[&["hub", "127.0.0.1:0"], &args[..]].concat());
    let readers: Vec<_> = (0..READERS).map(|_| connect(&daemon.address)).collect();
    let sender = connect(&daemon.address);
    wait_in(&admin, READERS as u64 + 1);
    let mut sent = 0;
    let mut goes_on = |readers: &[TcpStream]| {
        sent += 1;
        send(&sender, format!("{sent}\n"));
        readers
            .iter()
            .for_each(|one| assert_eq!(take_line(one), sent.to_string()));
    };
    goes_on(&readers);
    for batches in 0..3 {
        let mut successor = Successor::ready(&control, 1);
        match batches {
            0 => successor.hear_shared(HEAD),
            _ => {
                successor.take_together(HEAD, batches - 1);
                assert_eq!(successor.hear_clients().0, batches as u64);
            }
        }
        drop(successor);
        daemon
            .stderr
            .wait_times("those that were not go on here", batches + 1);
        goes_on(&readers);
    }
    // It hangs with a batch, and after that with every try.
    let mut successor = Successor::ready(&control, 1);
    successor.take_shared(HEAD, "");
    assert_eq!(successor.hear_clients().0, 1);
    assert_eq!(successor.hear()["back"]["batch"], 1);
    goes_on(&readers);
    successor.say(r#"{"taken":{"batch":1,"stay":[]}}"#);
    successor.hear_shared(HEAD);
    assert_eq!(successor.hear()["back"]["batch"], 0);
    goes_on(&readers);
    drop(successor);
    daemon
        .stderr
        .wait_times("those that were not go on here", 4);
    goes_on(&readers);
    drop((readers, sender));
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_successor_that_takes_none_of_them_has_the_sockets_alone() {
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let args = ["--last", "1", "--control", &control];
    let daemon = Daemon::start(&[&["hub", "127.0.0.1:0"], &args[..]].concat());
    let (reader, sender) = (connect(&daemon.address), connect(&daemon.address));
    send(&sender, "x\n");
    assert_eq!(take_line(&reader), "x");
    let mut successor = Successor::ready(&control, 1);
    successor.take_shared(HEAD, r#"[0,"service"]"#);
    let kept = successor.hear();
    assert_eq!(
        kept["kept"]["stayed"],
        serde_json::json!([["service", 2]]),
        "{kept}"
    );
    assert_eq!(successor.hear(), "yours");
    assert_eq!(take_to_end(&reader), b"");
    let log = daemon.stderr.wait_line("clients moved");
    assert!(log.contains("moved=0, stayed=2, why=2 service"), "{log}");
}

/// As the program on a busy machine.
#[test]
fn a_successor_that_is_slow_has_more_time_with_each_try() {
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let args = ["--last", "1", "--control", &control];
    let mut daemon = Daemon::start(&[&["hub", "127.0.0.1:0"], &args[..]].concat());
    let (reader, sender) = (connect(&daemon.address), connect(&daemon.address));
    send(&sender, "x\n");
    assert_eq!(take_line(&reader), "x");
    let mut begin = Instant::now();
    let mut successor = Successor::ready(&control, 1);
    for slow in 0..4 {
        successor.hear_shared(HEAD);
        assert_eq!(successor.hear()["back"]["batch"], 0);
        let took = begin.elapsed();
        assert!(
            took >= Duration::from_millis(200 << slow),
            "{slow}: {took:?}"
        );
        begin = Instant::now();
        successor.say(r#"{"taken":{"batch":0,"stay":[]}}"#);
    }
    successor.take_together(HEAD, 1);
    assert_eq!(successor.hear(), "go_all");
    assert!(successor.hear().get("kept").is_some());
    assert_eq!(successor.hear(), "yours");
    // It has closed the descriptors, and the running process closes its own.
    assert_eq!(take_to_end(&reader), b"");
    drop((reader, sender));
    assert_eq!(daemon.wait_exit().code, Some(0));
}

#[test]
fn the_last_messages_and_the_figures_go_along() {
    let dir = Scratch::new();
    let admin = free_port().to_string();
    let args = ["hub", "127.0.0.1:0", "--last", "3", "--admin", &admin];
    let mut line = Line::start(&dir, &args);
    let address = line.first.address.clone();
    let (reader, sender) = (connect(&address), connect(&address));
    send(&sender, "1\n2\n3\n4\n");
    (1..=4).for_each(|number| assert_eq!(take_line(&reader), number.to_string()));
    line.restart();
    send(&sender, "5\n");
    assert_eq!(take_line(&reader), "5", "and nothing again");
    let newcomer = connect(&address);
    let kept = ["3", "4", "5"];
    kept.iter()
        .for_each(|kept| assert_eq!(take_line(&newcomer), *kept));
    line.restart();
    let newest = connect(&address);
    kept.iter()
        .for_each(|kept| assert_eq!(take_line(&newest), *kept));
    for figure in ["published_total 5", "given_total 11", "dropped_total 0"] {
        // What was given is counted a moment later.
        wait_until(figure, || {
            let metrics = asked(&admin, "/metrics");
            metrics.contains(&format!("poold_hub_{figure}\n"))
        });
    }
    drop((reader, sender, newcomer, newest));
    let log = line.stop();
    assert!(
        log.contains("5 messages published: 11 given to readers"),
        "{log}"
    );
}

#[test]
fn readers_of_another_port_keep_its_framing_and_its_filter() {
    let dir = Scratch::new();
    let port = free_port();
    let also = format!("{port};framing=nul;filter=a");
    let admin = free_port().to_string();
    let args = ["hub", "127.0.0.1:0", "--also", &also, "--admin", &admin];
    let mut line = Line::start(&dir, &args);
    let (sender, reader) = (
        connect(&line.first.address),
        connect(&format!("127.0.0.1:{port}")),
    );
    let plain = connect(&line.first.address);
    wait_in(&admin, 3);
    for round in 0..3 {
        send(&sender, format!("b {round}\na {round}\n"));
        assert_eq!(take_line(&plain), format!("b {round}"));
        assert_eq!(take_line(&plain), format!("a {round}"));
        let expected = format!("a {round}\0");
        let taken = crate::support::net::take(&reader, expected.len());
        assert_eq!(taken, expected.as_bytes());
        line.restart();
    }
    drop((sender, reader, plain));
    let log = line.stop();
    assert_eq!(log.matches("moved=3, stayed=0").count(), 3, "{log}");
}

#[test]
fn of_a_stream_no_entry_is_left_out_or_read_twice() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let (dir, url) = (Scratch::new(), redis.url("stream=feed"));
    let admin = free_port().to_string();
    let args = ["hub", "127.0.0.1:0", "--from", &url, "--admin", &admin];
    let mut line = Line::start(&dir, &args);
    line.first.stderr.wait_line("the source is connected");
    let reader = connect(&line.first.address);
    wait_in(&admin, 1);
    let add = |message: &str| redis.ask(&["XADD", "feed", "*", "message", message]);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| read_all(reader, 1));
        let writing = scope.spawn(|| {
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                add(&format!("0 {number}"));
                number += 1;
            }
            add(LAST);
            number
        });
        let over_then = SetAtEnd(&over);
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(50));
            line.restart();
        }
        drop(over_then);
        let count = writing.join().expect("it writes");
        assert_complete(&reading.join().expect("it reads"), &[count]);
    });
    line.stop();
}

#[test]
fn of_a_followed_file_no_line_is_left_out_or_read_twice() {
    let dir = Scratch::new();
    let path = dir.join("log");
    std::fs::write(&path, "old\n").expect("writable");
    let source = format!("file:{}", path.display());
    let admin = free_port().to_string();
    let args = ["hub", "127.0.0.1:0", "--from", &source, "--admin", &admin];
    let mut line = Line::start(&dir, &args);
    line.first.stderr.wait_line("the source is connected");
    let reader = connect(&line.first.address);
    let mut file = OpenOptions::new().append(true).open(&path).expect("ours");
    // What is written before the reader is in is not for it.
    wait_in(&admin, 1);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| read_all(reader, 1));
        let writing = scope.spawn(|| {
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                let text = format!("0 {number}\n");
                let (begin, rest) = text.split_at(2);
                file.write_all(begin.as_bytes()).expect("writable");
                thread::sleep(Duration::from_millis(1));
                file.write_all(rest.as_bytes()).expect("writable");
                number += 1;
            }
            file.write_all(format!("{LAST}\n").as_bytes())
                .expect("writable");
            number
        });
        let over_then = SetAtEnd(&over);
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(50));
            line.restart();
        }
        drop(over_then);
        let count = writing.join().expect("it writes");
        assert_complete(&reading.join().expect("it reads"), &[count]);
    });
    line.stop();
}
