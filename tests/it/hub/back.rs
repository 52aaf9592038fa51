//! What clients send to the sources, what tells readers of their losses, and the messages of the
//! last seconds.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use poold::service::hub::{HubSettings, Last};

use super::pty::Pty;
use super::sources::stop;
use super::{Running, wait_readers};
use crate::support::admin::Watched;
use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect, send, take, take_line, take_to_end};
use crate::support::server::finish;
use crate::support::spool::wait_until;

#[test]
fn what_clients_send_reaches_each_source_whole_and_in_order() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let mut device = Pty::new();
    let serial = format!("serial:{}", device.name);
    let watched = Watched::start(&[
        "hub",
        "127.0.0.1:0",
        "--from",
        &from,
        "--from",
        &serial,
        "--from",
        "exec:cat",
        "--write-back",
    ]);
    let daemon = &watched.daemon;
    daemon.stderr.wait_times("the source is connected", 3);
    let (source, _) = server.accept().expect("it connects");
    let (one, other) = (connect(&daemon.address), connect(&daemon.address));
    // It has no past to give to one who comes late.
    wait_readers(&watched, 2);
    let lines: String = (0..500).map(|at| format!("AT+{at}\n")).collect();
    send(&one, lines.replace('\n', "\r\n"));
    assert_eq!(take(&source, lines.len()), lines.as_bytes());
    let mut came = vec![0; lines.len()];
    device.main.read_exact(&mut came).expect("it is sent");
    assert_eq!(came, lines.as_bytes());
    // No other client gets it but from a source: the program answers what it reads.
    for at in 0..500 {
        assert_eq!(take_line(&other), format!("AT+{at}"));
    }
    drop((one, other));
    stop(watched.daemon);
}

#[test]
fn a_source_that_takes_nothing_is_told_and_loses_whole_messages() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let mut watched = Watched::start(&[
        "hub",
        "127.0.0.1:0",
        "--from",
        &from,
        "--write-back",
        "--outbox-max",
        "4k",
    ]);
    let (source, _) = server.accept().expect("it connects");
    watched.daemon.stderr.wait_line("the source is connected");
    let client = connect(&watched.daemon.address);
    let of = |name: &str| watched.metric(&format!("{name}{{source=\"{from}\"}}"));
    let mut sent = 0;
    while of("poold_source_unwritten_total") == 0.0 {
        let lines = (sent..sent + 1000).map(|at| format!("{at} {}\n", "x".repeat(200)));
        send(&client, lines.collect::<String>());
        sent += 1000;
    }
    watched
        .daemon
        .stderr
        .wait_line("the source does not take what clients send");
    let mut log = String::new();
    let mut reading = source.try_clone().expect("descriptors");
    let read = std::thread::spawn(move || {
        reading.read_to_string(&mut log).expect("UTF-8");
        log
    });
    wait_until("all is written or dropped", || {
        of("poold_source_written_total") + of("poold_source_unwritten_total") == f64::from(sent)
    });
    let written = of("poold_source_written_total");
    // The client leaves, so that the drain has nothing to wait for.
    drop(client);
    watched.daemon.stop();
    drop(source);
    let came = read.join().expect("it reads");
    assert!(came.lines().all(|line| line.len() > 200), "not whole");
    assert_eq!(came.lines().count() as f64, written);
}

#[test]
fn write_back_needs_a_source_that_can_be_written_to() {
    let output = poold(&["hub", "0", "--from", "-", "--write-back"]).output();
    let output = output.expect("poold starts");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("none of the sources can be written to"),
        "{said}"
    );
}

#[test]
fn a_line_stands_in_the_place_of_messages_that_were_dropped() {
    let running = Running::start(HubSettings {
        waiting_max: 8 * 1024,
        mark_drops: true,
        ..HubSettings::default()
    });
    let reader = running.join();
    let mut count = 0;
    while running.hub.stats().dropped < 500 {
        running
            .hub
            .publish([format!("{count} {}", "x".repeat(200)).as_bytes()]);
        count += 1;
    }
    let dropped = running.hub.stats().dropped;
    running.server.handle().drain();
    let text = String::from_utf8(take_to_end(&reader)).expect("UTF-8");
    let (mut next, mut told) = (0, 0);
    for line in text.lines() {
        if let Some(mark) = line.strip_prefix("# ") {
            let number: u64 = mark
                .split(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a number");
            assert!(mark.ends_with(" dropped"), "{mark}");
            next += number;
            told += number;
        } else {
            let number: u64 = line
                .split(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a number");
            assert_eq!(
                number, next,
                "a gap without a mark, or a mark in a wrong place"
            );
            next += 1;
        }
    }
    assert_eq!((next, told), (count, dropped));
    drop(reader);
    finish(running.server);
}

#[test]
fn a_newcomer_gets_the_messages_of_the_last_seconds() {
    let running = Running::start(HubSettings {
        last: Last::Time(Duration::from_secs(3600)),
        ..HubSettings::default()
    });
    running.hub.publish([&b"one"[..], b"two"]);
    running.hub.publish([&b"three"[..]]);
    let reader = running.join();
    for line in ["one", "two", "three"] {
        assert_eq!(take_line(&reader), line);
    }
    drop(reader);
    finish(running.server);
    let running = Running::start(HubSettings {
        last: Last::Time(Duration::from_millis(1)),
        ..HubSettings::default()
    });
    running.hub.publish([&b"old"[..]]);
    std::thread::sleep(Duration::from_millis(5));
    let mut reader = running.join();
    running.hub.publish([&b"new"[..]]);
    assert_eq!(take_line(&reader), "new");
    reader.flush().expect("a socket");
    drop(reader);
    finish(running.server);
}

#[test]
fn a_source_that_takes_nothing_each_time_it_is_open_fills_no_log() {
    let source = "exec:exec <&-; echo ran; sleep 0.05";
    let back = ["--write-back", "--retry-max", "20ms", "--from", source];
    let daemon = Daemon::start(&[&["hub", "127.0.0.1:0"], &back[..]].concat());
    let reader = connect(&daemon.address);
    for _ in 0..20 {
        assert_eq!(take_line(&reader), "ran");
    }
    drop(reader);
    let log = stop(daemon);
    let told = log.matches("the source takes nothing more").count();
    assert!((1..=3).contains(&told), "{log}");
}
