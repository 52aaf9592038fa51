//! Hostile and broken clients: the log stays short, nothing leaks, no other client is hurt.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use poold::answer;
use rustix::process::Signal;

use crate::support::daemon::Daemon;
use crate::support::flood::Flood;
use crate::support::gate::SetAtEnd;
use crate::support::net::{connect, end, reset, send, take, take_all, take_line, take_to_end};
use crate::support::server::{finish, options, serve};
use crate::support::spool::{EPISODE, Race, in_time, wait_until};

#[test]
fn thousands_of_refusals_are_two_lines_in_the_log() {
    let full = ["-m", "1", "--when-full", "refuse", "--overload", "off"];
    let denied = ["--deny", "127.0.0.0/8", "--overload", "off"];
    std::thread::scope(|scope| {
        for args in [&full[..], &denied] {
            scope.spawn(|| in_time(EPISODE, |race| refuse_thousands(args, race)));
        }
    });
}

fn refuse_thousands(args: &[&str], race: &Race) {
    let daemon = Daemon::echo(args);
    let inside = connect(&daemon.address);
    for _ in 0..3000 {
        let _ = take_all(&connect(&daemon.address));
        race.step();
    }
    race.end();
    let line = daemon.stderr.wait_line("no more: ");
    let count = line
        .split("count=")
        .nth(1)
        .map(|rest| rest.trim_end_matches(')'));
    let count: u64 = count.and_then(|count| count.parse().ok()).expect("a count");
    assert!((2999..=3001).contains(&count), "{line}");
    let text = daemon.stderr.text();
    assert_eq!(
        text.lines().count(),
        5,
        "three to begin with, and two: {text}"
    );
    drop(inside);
}

#[test]
fn a_single_refusal_is_two_lines_too() {
    let daemon = Daemon::echo(&["--deny", "127.0.0.0/8"]);
    // Long enough for the watch to go to sleep: nothing else happens here that would wake it.
    std::thread::sleep(Duration::from_millis(500));
    assert!(take_all(&connect(&daemon.address)).0.is_empty());
    let line = daemon.stderr.wait_line("no more: ");
    assert!(line.contains("count=1"), "{line}");
}

#[test]
fn resets_without_end_leave_nothing_behind() {
    let daemon = Daemon::echo(&["--overload", "off"]);
    let neighbour = connect(&daemon.address);
    send(&neighbour, "x");
    assert_eq!(take(&neighbour, 1), b"x");
    let before = daemon.descriptors();
    let until = Instant::now() + Duration::from_secs(2);
    let count = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while Instant::now() < until {
                    let client = connect(&daemon.address);
                    send(&client, "never answered");
                    reset(client);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    eprintln!("{} resets", count.load(Ordering::Relaxed));
    daemon.wait_descriptors_at_most(before);
    send(&neighbour, "y");
    assert_eq!(take(&neighbour, 1), b"y");
    assert_eq!(
        daemon.stderr.text().lines().count(),
        3,
        "{}",
        daemon.stderr.text()
    );
}

#[test]
fn a_handler_that_panics_on_every_third_message_costs_no_worker_and_no_other_client() {
    let calls = AtomicUsize::new(0);
    let mut options = options();
    options.workers = 2;
    let (server, address) = serve(
        options,
        answer(move |line: &[u8]| {
            let bad = line == b"bad" && calls.fetch_add(1, Ordering::Relaxed) % 3 == 2;
            assert!(!bad, "on purpose");
            line.to_vec()
        }),
    );
    let neighbours: Vec<_> = (0..10).map(|_| connect(&address)).collect();
    let (mut good, mut closed) = (0, 0);
    for _ in 0..60 {
        let client = connect(&address);
        send(&client, "bad\n");
        end(&client);
        match &take_all(&client).0[..] {
            b"bad\n" => good += 1,
            b"" => closed += 1,
            other => panic!("{other:?}"),
        }
        neighbours.iter().for_each(|client| send(client, "good\n"));
        neighbours
            .iter()
            .for_each(|client| assert_eq!(take_line(client), "good"));
    }
    assert_eq!((good, closed), (40, 20));
    assert_eq!(server.handle().stats().panics, 20);
    drop(neighbours);
    let report = finish(server);
    assert_eq!(report.received - report.delivered, 20, "{report}");
}

#[test]
fn a_message_cannot_forge_a_line_of_the_output() {
    let mut daemon = Daemon::recv(&["--framing", "nul"]);
    let client = connect(&daemon.address);
    let forged = "x\nMessage from 10.0.0.1:1: forged\r\x1b[1A\u{85}\u{2028}\u{9b}2K\u{202e}\0";
    send(&client, forged);
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let exit = daemon.stop();
    let text = String::from_utf8(exit.stdout.clone()).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "{text}");
    let last = text.strip_suffix('\n').expect("a whole line");
    let harmful = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}');
    assert!(!last.contains(harmful), "{last:?}");
}

#[test]
fn clients_that_come_and_go_during_a_drain_lose_nothing_that_was_read() {
    let mut daemon = Daemon::recv(&["-w", "2", "--drain", "60s"]);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let Ok(client) = std::net::TcpStream::connect(&daemon.address) else {
                        return;
                    };
                    let _ = std::io::Write::write_all(&mut &client, b"one\ntwo\n");
                }
            });
        }
        let over_then = SetAtEnd(&over);
        daemon.stdout.wait_lines(2000);
        daemon.interrupt();
        daemon.stderr.wait_line("drained in");
        drop(over_then);
    });
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let report = exit.report();
    assert_eq!(report.received, report.delivered);
    assert_eq!(report.received, exit.lines().len() as u64);
    assert!(report.took() < Duration::from_secs(20), "{report:?}");
}

#[test]
fn two_signals_at_once_end_it_at_once_and_cleanly() {
    let mut daemon = Daemon::recv(&["--drain", "60s"]);
    let client = connect(&daemon.address);
    send(&client, "before\n");
    daemon.stdout.wait_line(": before");
    let begin = Instant::now();
    daemon.signal(Signal::TERM);
    daemon.signal(Signal::INT);
    let exit = daemon.wait_exit();
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    let report = exit.report();
    assert_eq!(
        (report.received, report.delivered, report.cut_off),
        (1, 1, 1)
    );
    drop(client);
}

#[test]
fn a_flood_of_silent_clients_blocks_no_client_that_asks() {
    // More silent clients than workers, as a scanner or a port check leaves them.
    let daemon = Daemon::echo(&["-w", "1"]);
    let silent: Vec<_> = (0..500).map(|_| connect(&daemon.address)).collect();
    let begun = Flood::start(&daemon.address, &["-c", "1", "-n", "20", "--churn"]);
    begun.wait_good();
    let begin = Instant::now();
    for _ in 0..20 {
        let check = connect(&daemon.address);
        send(&check, "alive?");
        assert_eq!(take(&check, 6), b"alive?");
    }
    assert!(
        begin.elapsed() < Duration::from_secs(15),
        "{:?}",
        begin.elapsed()
    );
    drop(silent);
    wait_until("they are gone", || daemon.descriptors() < 100);
}
