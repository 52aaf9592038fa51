//! A server that is killed, stopped, full or loading under `recv`: nothing that was acknowledged is
//! lost, and copies have the same number.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;

use super::remote::{follow, stored};
use crate::support::admin::Watched;
use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::redis::Redis;
use crate::support::spool::wait_until;

/// Sends lines and waits for each piece's acknowledgement, until it is to stop. Answers how many
/// lines were acknowledged.
pub(super) fn send_until(stop: &AtomicBool, address: &str, who: usize) -> u64 {
    let stream = connect(address);
    let mut acks = BufReader::new(stream.try_clone().expect("a descriptor"));
    let (mut sent, mut safe) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let lines: String = (sent..sent + 20).map(|n| format!("{who} {n}\n")).collect();
        (&stream).write_all(lines.as_bytes()).expect("it reads");
        sent += 20;
        while safe < sent {
            safe = next_ack(&mut acks);
        }
    }
    safe
}

fn next_ack(acks: &mut BufReader<TcpStream>) -> u64 {
    let mut line = String::new();
    acks.read_line(&mut line).expect("it answers");
    let count = line
        .trim()
        .strip_prefix("ack ")
        .expect("an acknowledgement");
    count.parse().expect("a number")
}

/// The lines that were acknowledged, from what [`send_until`] has answered.
pub(super) fn lines_of(safe: &[u64]) -> BTreeSet<String> {
    let all = safe.iter().enumerate();
    all.flat_map(|(who, &count)| (0..count).map(move |n| format!("{who} {n}")))
        .collect()
}

/// Asserts that no number stands for two messages, and answers how many entries are copies.
pub(super) fn copies(redis: &Redis, stream: &str) -> usize {
    let mut messages = BTreeMap::new();
    let mut count = 0;
    for line in redis.ask(&["--csv", "XRANGE", stream, "-", "+"]) {
        // One line for all: id, then name and value of each field.
        let words: Vec<_> = line.split(',').map(|word| word.trim_matches('"')).collect();
        for entry in words.chunks_exact(7) {
            let (number, message) = (entry[2].to_owned(), entry[4..].join(","));
            let first = messages.entry(number).or_insert_with(|| message.clone());
            assert_eq!(*first, message, "one number, two messages");
            count += 1;
        }
    }
    count - messages.len()
}

/// How often the server is killed: `POOLD_KILLS`, or ten times.
fn kills() -> usize {
    let given = std::env::var("POOLD_KILLS").ok();
    given.map_or(10, |count| count.parse().expect("a number"))
}

#[test]
fn a_killed_server_loses_nothing_that_was_acknowledged_and_copies_are_marked() {
    let settings = ["appendonly yes", "appendfsync always"];
    if let Some(redis) = Redis::start(&settings) {
        survives(redis, kills());
    }
}

/// A server with WAITAOF needs no `always`.
#[test]
fn a_killed_valkey_loses_nothing_that_its_disk_has_confirmed() {
    let settings = ["appendonly yes", "appendfsync everysec"];
    if let Some(valkey) = Redis::valkey(&settings) {
        survives(valkey, 2);
    }
}

fn survives(mut redis: Redis, kills: usize) {
    let url = redis.url("stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack", "--sync"]);
    let (mut tail, printed, log) = follow(&url, &["--from", "start", "--format", "raw"]);
    let stop = AtomicBool::new(false);
    let safe: Vec<u64> = std::thread::scope(|scope| {
        let (stop, address) = (&stop, &daemon.address);
        let senders: Vec<_> = (0..8)
            .map(|who| scope.spawn(move || send_until(stop, address, who)))
            .collect();
        // `tail` waits for a server it has reached, and ends where it reaches none at the start.
        printed.wait_lines(1);
        for _ in 0..kills {
            let before = redis.length("logs");
            wait_until("more is stored", || redis.length("logs") > before + 200);
            redis.restart();
        }
        stop.store(true, Ordering::Relaxed);
        senders
            .into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);

    let acknowledged = lines_of(&safe);
    let lines = stored(&url, &["--format", "raw"]);
    let once: BTreeSet<_> = lines.iter().cloned().collect();
    assert_eq!(once.len(), lines.len(), "each is printed once");
    assert_eq!(acknowledged.difference(&once).count(), 0, "{}", exit.stderr);
    let copies = copies(&redis, "logs");
    assert_eq!(lines.len() + copies, redis.length("logs"));
    println!("{} lines, {copies} copies", lines.len());

    // The one that was connected all the time has the same.
    printed.wait_lines(lines.len());
    let followed = printed.text();
    let followed: BTreeSet<_> = followed.lines().map(str::to_owned).collect();
    assert_eq!(followed, once, "{}", log.text());
    assert_eq!(printed.text().lines().count(), lines.len());
    tail.0.kill().expect("our own child");
    let told = log.text();
    assert!(
        told.contains("waiting for the server") && !told.contains("missing"),
        "{told}"
    );
}

#[test]
fn a_server_that_is_away_holds_the_clients_back_and_is_told_once() {
    let Some(mut redis) = Redis::start(&["appendonly yes", "appendfsync always"]) else {
        return;
    };
    let url = redis.url("stream=logs&entry=batch");
    let args = ["recv", "127.0.0.1:0", "--output", &url, "--format", "text"];
    let mut watched = Watched::start(&args);
    redis.kill();
    let lines =
        |who: usize| -> String { (0..100_000).map(|n| format!("{who} {n:80}\n")).collect() };
    std::thread::scope(|scope| {
        for who in 0..4 {
            let address = &watched.daemon.address;
            scope.spawn(move || {
                let client = connect(address);
                send(&client, lines(who));
                end(&client);
                take_to_end(&client);
            });
        }
        wait_until("it is not ready", || watched.get("/readyz").status == 503);
        let before = watched.daemon.memory("VmRSS");
        wait_until("it is away for a while", || {
            watched.metric("poold_output_blocked_seconds") > 3.0
        });
        let after = watched.daemon.memory("VmRSS");
        assert!(after < before + 4096, "{before} KiB, then {after} KiB");
        assert!(watched.metric("poold_remote_away_seconds_total") > 2.0);
        redis.run();
        redis.wait();
    });
    wait_until("it is ready again", || watched.get("/readyz").status == 200);
    let exit = watched.daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let told = |what: &str| exit.stderr.matches(what).count();
    assert_eq!(told("cannot write the output"), 1, "{}", exit.stderr);
    assert_eq!(told("writing the output again"), 1, "{}", exit.stderr);
    assert_eq!(told("the output blocks"), 0, "{}", exit.stderr);
    assert_eq!(exit.report().delivered, 400_000);
    assert_eq!(stored(&url, &[]).len(), 400_000);
}

#[test]
fn a_server_that_stands_still_is_given_up_and_what_it_did_take_is_a_copy() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let client = connect(&daemon.address);
    send(&client, "one\n");
    assert_eq!(take_line(&client), "ack 1");
    redis.stand_still();
    send(&client, "two\n");
    daemon.stderr.wait_line("the server did not answer in time");
    redis.signal(Signal::CONT);
    assert_eq!(take_line(&client), "ack 2");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
    assert_eq!(stored(&url, &["--format", "raw"]), ["one", "two"]);
    assert_eq!(redis.length("logs"), 2 + copies(&redis, "logs"));
}

#[test]
fn a_full_server_is_told_and_waited_for() {
    let Some(redis) = Redis::start(&["maxmemory-policy noeviction"]) else {
        return;
    };
    let url = redis.url("stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let used = redis.ask(&["INFO", "memory"]);
    let used = used
        .iter()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let used: u64 = used.expect("a figure").trim().parse().expect("a number");
    redis.ask(&[
        "CONFIG",
        "SET",
        "maxmemory",
        &(used + (1 << 20)).to_string(),
    ]);
    let client = connect(&daemon.address);
    let lines: String = (0..30_000).map(|n| format!("{n:100}\n")).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            send(&client, &lines);
            end(&client);
        });
        let line = daemon.stderr.wait_line("cannot write the output");
        assert!(
            line.contains("raise maxmemory") && line.contains("OOM"),
            "{line}"
        );
        redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
        let acks = String::from_utf8(take_to_end(&client)).expect("text");
        assert_eq!(acks.lines().last(), Some("ack 30000"));
    });
    assert_eq!(daemon.stop().code, Some(0));
    // What was refused in the midst of a pipeline comes after what followed it.
    let mut there = stored(&url, &["--format", "raw"]);
    there.sort_unstable();
    let expected = lines.lines().map(str::to_owned);
    assert!(there.into_iter().eq(expected));
}

#[test]
fn a_server_that_loads_is_waited_for_at_the_start() {
    // A millisecond for each key; it answers meanwhile.
    let settings = [
        "appendonly yes",
        "key-load-delay 1000",
        "loading-process-events-interval-bytes 1024",
    ];
    let Some(mut redis) = Redis::start(&settings) else {
        return;
    };
    let keys: Vec<String> = (0..8000).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    redis.ask(&[&["MSET"], &keys[..]].concat());
    redis.ask(&["BGREWRITEAOF"]);
    wait_until("it is written", || {
        redis
            .ask(&["INFO", "persistence"])
            .iter()
            .any(|line| line.trim() == "aof_rewrite_in_progress:0")
            && redis
                .ask(&["INFO", "persistence"])
                .iter()
                .any(|line| line.trim() == "aof_rewrite_scheduled:0")
    });
    redis.kill();
    redis.run();
    redis.wait_loading();
    let url = redis.url("stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    assert_eq!(take_line(&client), "ack 1");
    drop(client);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("still loads its data"),
        "{}",
        exit.stderr
    );
}

#[test]
fn a_type_that_changes_meanwhile_is_told() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    redis.ask(&["SET", "logs", "text"]);
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    let line = daemon.stderr.wait_line("cannot write the output");
    assert!(line.contains("WRONGTYPE"), "{line}");
    redis.ask(&["DEL", "logs"]);
    assert_eq!(take_line(&client), "ack 1");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_tail_goes_on_from_its_cursor() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let (url, file) = (redis.url("stream=logs"), redis.path("cursor"));
    let daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let client = connect(&daemon.address);
    let tail = |sent: &str| {
        send(&client, sent);
        take_line(&client);
        stored(&url, &["--cursor", &file, "--format", "raw"])
    };
    assert_eq!(tail("one\n"), ["one"]);
    assert_eq!(tail("two\n"), ["two"]);
    assert_eq!(stored(&url, &["--format", "raw"]), ["one", "two"]);
}
