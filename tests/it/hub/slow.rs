//! Readers that do not keep up: dropped for, closed or waited for, and every loss counted.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use poold::service::hub::{HubSettings, Slow};

use super::Running;
use crate::support::net::{send, take, take_line, take_to_end};
use crate::support::server::finish;
use crate::support::spool::wait_until;

/// Bytes of an outbox, and of the queue beside it.
const SMALL: usize = 8 * 1024;

fn small(slow: Slow) -> HubSettings {
    HubSettings {
        slow,
        slow_wait: Duration::from_secs(60),
        waiting_max: SMALL,
        ..HubSettings::default()
    }
}

/// Publishes numbered messages until `is_enough`; answers how many, all that were ever published.
fn flood(running: &Running, mut is_enough: impl FnMut() -> bool) -> u64 {
    let mut count = 0;
    while !is_enough() {
        let message = format!("{count} {}", "x".repeat(200));
        running.hub.publish([message.as_bytes()]);
        count += 1;
    }
    count
}

fn number(line: &str) -> u64 {
    let number = line.split(' ').next().expect("a number");
    number.parse().expect("a number")
}

fn numbers(reader: TcpStream, last: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    for line in BufReader::new(reader).lines() {
        seen.push(number(&line.expect("UTF-8")));
        if seen.last() == Some(&last) {
            break;
        }
    }
    seen
}

#[test]
fn the_oldest_are_dropped_and_each_is_counted() {
    let running = Running::start(small(Slow::Drop));
    let stopped = running.join();
    let id = running.server.handle().registry().list()[0].id;
    // Far beyond what its outbox, its queue and the system hold for it.
    let count = flood(&running, || running.hub.dropped_of(id) > Some(500));
    let dropped = running.hub.dropped_of(id).expect("it is here");
    let seen = numbers(stopped, count - 1);
    assert_eq!(seen.len() as u64 + dropped, count, "sent = read + dropped");
    assert!(seen.is_sorted(), "not in order");
    // What was given is counted a moment later.
    wait_until("all are counted", || {
        let stats = running.hub.stats();
        (stats.given, stats.dropped) == (count - dropped, dropped)
    });
    assert_eq!(running.hub.stats().published, count);
    finish(running.server);
}

#[test]
fn the_others_lose_nothing_beside_one_that_stopped() {
    let running = Running::start(HubSettings {
        waiting_max: 1024 * 1024,
        ..small(Slow::Drop)
    });
    let (stopped, sender) = (running.join(), running.join());
    let reader = running.join();
    let reading = std::thread::spawn(move || numbers(reader, 19_999));
    for start in (0..20_000).step_by(50) {
        let lines = (start..start + 50).map(|at| format!("{at} {}\n", "x".repeat(200)));
        send(&sender, lines.collect::<String>());
        // A closed loop: the one that reads is never far behind.
        running.wait_published(start + 50);
        wait_until("the reader keeps up", || running.hub.stats().slow <= 1);
    }
    let seen = reading.join().expect("it reads");
    assert_eq!(seen, (0..20_000).collect::<Vec<_>>());
    assert!(running.hub.stats().dropped > 0, "the other one lost some");
    drop((stopped, sender));
    finish(running.server);
}

#[test]
fn each_of_many_readers_has_read_or_lost_all_that_was_sent() {
    let running = Running::start(small(Slow::Drop));
    let pauses = [Duration::ZERO, Duration::from_millis(1), Duration::MAX].repeat(6);
    let drains = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = { pauses.iter() }
            .map(|pause| {
                let reader = running.join();
                scope.spawn(move || read_slowly(&reader, *pause, drains))
            })
            .collect();
        let list = running.server.handle().registry().list();
        let mut ids: Vec<_> = list.iter().map(|client| client.id).collect();
        ids.sort_unstable();
        let count = flood(&running, || running.hub.stats().dropped > 10_000);
        let dropped: Vec<_> = { ids.iter() }
            .map(|id| running.hub.dropped_of(*id).expect("it is here"))
            .collect();
        running.server.handle().drain();
        drains.store(true, Ordering::Relaxed);
        for (reader, dropped) in readers.into_iter().zip(&dropped) {
            let read = reader.join().expect("it reads");
            assert_eq!(read + dropped, count, "sent = read + dropped");
        }
        wait_until("all are counted", || {
            let stats = running.hub.stats();
            stats.given + stats.dropped == count * pauses.len() as u64
        });
        let lost = running.hub.stats().dropped;
        assert_eq!(lost, dropped.iter().sum::<u64>());
    });
    finish(running.server);
}

/// Reads a byte at each pause until `all` is to be read; answers how many lines came.
fn read_slowly(mut reader: &TcpStream, pause: Duration, all: &AtomicBool) -> u64 {
    let mut lines = 0;
    while pause > Duration::ZERO && !all.load(Ordering::Relaxed) {
        std::thread::sleep(pause.min(Duration::from_millis(1)));
        if pause < Duration::MAX {
            lines += u64::from(take(reader, 1) == b"\n");
        }
    }
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer).expect("it goes on, or ends") {
            0 => return lines,
            length => lines += buffer[..length].iter().filter(|b| **b == b'\n').count() as u64,
        }
    }
}

#[test]
fn a_slow_reader_is_closed_if_that_is_wanted() {
    let running = Running::start(small(Slow::Close));
    let (stopped, reader) = (running.join(), running.join());
    let mut next = 0;
    flood(&running, || {
        // The other one keeps up.
        while next < running.hub.stats().published {
            assert_eq!(number(&take_line(&reader)), next);
            next += 1;
        }
        running.hub.stats().readers == 1
    });
    let lines = take_to_end(&stopped);
    let lines = String::from_utf8(lines).expect("UTF-8");
    assert!(lines.ends_with('\n'), "whole messages");
    let seen = lines.lines().count() as u64;
    let stats = running.hub.stats();
    let both = next + seen;
    assert!(
        stats.given >= both && stats.dropped > 0,
        "{stats:?}, {both}"
    );
    drop(reader);
    finish(running.server);
}

#[test]
fn a_slow_reader_is_waited_for_and_loses_nothing() {
    let running = Running::start(small(Slow::Wait));
    let (slow, sender) = (running.join(), running.join());
    let sending = std::thread::spawn(move || {
        for at in 0..5_000 {
            send(&sender, format!("{at} {}\n", "x".repeat(200)));
        }
        sender
    });
    wait_until("the sender waits", || running.hub.is_full());
    let seen = numbers(slow, 4_999);
    assert_eq!(seen, (0..5_000).collect::<Vec<_>>());
    assert_eq!(running.hub.stats().dropped, 0);
    drop(sending.join().expect("it sends"));
    finish(running.server);
}

#[test]
fn the_wait_for_a_slow_reader_has_an_end() {
    let running = Running::start(HubSettings {
        slow_wait: Duration::from_millis(100),
        ..small(Slow::Wait)
    });
    let (stopped, sender) = (running.join(), running.join());
    for at in 0..5_000 {
        send(&sender, format!("{at} {}\n", "x".repeat(200)));
    }
    // Read to the last one, though one of two does not read.
    running.wait_published(5_000);
    assert_eq!(running.hub.stats().readers, 1, "it is closed");
    drop((stopped, sender));
    finish(running.server);
}

#[test]
fn a_drain_gives_readers_what_they_are_owed() {
    let running = Running::start(small(Slow::Drop));
    let slow = running.join();
    // Its queue is in use, and nothing of it is dropped yet.
    let count = flood(&running, || running.hub.stats().slow == 1);
    running.server.handle().drain();
    let lines = String::from_utf8(take_to_end(&slow)).expect("UTF-8");
    let seen: Vec<_> = lines.lines().map(number).collect();
    assert_eq!(seen, (0..count).collect::<Vec<_>>());
    drop(slow);
    finish(running.server);
}
