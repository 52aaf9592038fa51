//! Signals: the drain, its deadline, its speed, its report.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::daemon::{Daemon, Exit, POOLD, poold};
use crate::support::flood::{Flood, check};
use crate::support::net::{connect, is_reset, send, take, take_all, take_to_end, wait_reset};
use crate::support::passed::{cannot, is_ignored};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{Race, in_time, is_quiet};

#[test]
pub(crate) fn after_nohup_a_hangup_is_nothing() {
    let mut command = Command::new("nohup");
    command
        .args([POOLD, "echo", "127.0.0.1:0"])
        .stdout(Stdio::null());
    let mut daemon = Daemon::spawn(command.stdin(Stdio::null()));
    let client = connect(&daemon.address);
    daemon.signal(Signal::HUP);
    for _ in 0..50 {
        send(&client, "x");
        assert_eq!(take(&client, 1), b"x");
    }
    drop(client);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0));
    assert!(!exit.stderr.contains("draining already"), "{}", exit.stderr);
}

#[test]
pub(crate) fn what_five_hundred_senders_were_received_of_is_printed() {
    let mut daemon = Daemon::recv(&["-w", "4"]);
    let args = ["-c", "500", "--expect", "nothing", "--until-closed"];
    let flood = Flood::start(&daemon.address, &args);
    daemon.stdout.wait_lines(20_000);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let report = exit.report();
    assert_eq!((report.left, report.cut_off), (500, 0));
    assert_eq!(report.received, report.delivered);
    assert_eq!(report.received, exit.lines().len() as u64);
    check(&exit.stdout, &["--cut", "-c", "500"]);
    flood.wait_good();
}

#[test]
pub(crate) fn a_client_that_does_not_close_is_reset_at_the_deadline() {
    in_time(Duration::from_secs(2), three_do_not_close);
}

fn three_do_not_close(race: &Race) {
    let mut daemon = Daemon::recv(&["--drain", "2s"]);
    let deaf: Vec<_> = (0..3).map(|_| connect(&daemon.address)).collect();
    for client in &deaf {
        send(client, "I stay\n");
    }
    daemon.stdout.wait_lines(3);
    let polite = connect(&daemon.address);
    send(&polite, "I go\n");
    daemon.stdout.wait_lines(4);
    let begin = Instant::now();
    race.begin();
    daemon.interrupt();
    assert_eq!(take_to_end(&polite), b"");
    drop(polite);
    for client in &deaf {
        assert_eq!(take_to_end(client), b"", "the end comes first, to all");
        assert!(!is_reset(client), "and not a reset at once");
    }
    race.end();
    deaf.iter().for_each(wait_reset);
    assert!(
        begin.elapsed() >= Duration::from_millis(1990),
        "{:?}",
        begin.elapsed()
    );
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    let report = exit.report();
    assert_eq!((report.left, report.cut_off), (1, 3));
    assert_eq!((report.received, report.delivered), (4, 4));
    assert!((2000..17_000).contains(&report.ms), "{report:?}");
}

#[test]
pub(crate) fn a_client_that_does_not_read_its_replies_gets_a_reset_and_no_false_end() {
    let mut daemon = Daemon::echo(&["--drain", "300ms"]);
    let client = connect(&daemon.address);
    client.set_nonblocking(true).expect("a socket");
    // Until the replies fill its outbox and both buffers, so that nothing moves any more.
    let block = [b'x'; 1 << 16];
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < Duration::from_secs(1) {
        match std::io::Write::write(&mut &client, &block) {
            Ok(_) => quiet_since = Instant::now(),
            Err(_) => std::thread::yield_now(),
        }
    }
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert_eq!(exit.report().cut_off, 1);
    client.set_nonblocking(false).expect("a socket");
    let (_, end) = take_all(&client);
    let error = end.expect_err("a reset, not an end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

/// The best of several runs, so that a busy machine is not taken for a slow daemon; it has ten times
/// as long, which is less than any clock of the daemon's takes.
fn best(runs: usize, what: &str, bound: u64, mut run: impl FnMut() -> u64) {
    let bound = if is_quiet() { bound } else { bound * 10 };
    let mut all = Vec::new();
    for _ in 0..runs {
        let took = run();
        if took < bound {
            return;
        }
        all.push(took);
    }
    panic!("{what}: {all:?} ms, never under {bound}");
}

#[test]
pub(crate) fn an_idle_daemon_stops_within_ten_milliseconds() {
    best(10, "idle", 10, || Daemon::recv(&[]).stop().report().ms);
    best(10, "with resting clients", 10, || {
        let mut daemon = Daemon::echo(&[]);
        let clients: Vec<_> = (0..20).map(|_| connect(&daemon.address)).collect();
        for client in &clients {
            send(client, "x");
            assert_eq!(take(client, 1), b"x");
        }
        daemon.interrupt();
        for client in clients {
            assert_eq!(take_to_end(&client), b"");
        }
        let exit = daemon.wait_exit();
        assert_eq!(exit.report().left, 20);
        exit.report().ms
    });
}

#[test]
pub(crate) fn a_drain_ends_with_its_last_client() {
    best(10, "after the last client", 5, || {
        let mut daemon = Daemon::echo(&[]);
        let client = connect(&daemon.address);
        send(&client, "x");
        assert_eq!(take(&client, 1), b"x");
        let begin = Instant::now();
        daemon.interrupt();
        assert_eq!(take_to_end(&client), b"");
        // It stays a while for no reason of the daemon's.
        while begin.elapsed() < Duration::from_millis(60) {
            std::thread::yield_now();
        }
        let stayed = u64::try_from(begin.elapsed().as_millis()).expect("short");
        drop(client);
        let exit = daemon.wait_exit();
        assert_eq!(exit.code, Some(0));
        exit.report().ms.saturating_sub(stayed)
    });
}

fn interrupted_twice(first: Signal, second: Signal) -> (Exit, Duration) {
    let mut daemon = Daemon::recv(&["--drain", "60s"]);
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    daemon.stdout.wait_lines(1);
    daemon.signal(first);
    assert_eq!(take_to_end(&client), b"");
    let begin = Instant::now();
    daemon.signal(second);
    wait_reset(&client);
    let exit = daemon.wait_exit();
    (exit, begin.elapsed())
}

#[test]
pub(crate) fn a_second_signal_ends_it_at_once() {
    for (first, second) in [
        (Signal::INT, Signal::INT),
        (Signal::TERM, Signal::INT),
        (Signal::HUP, Signal::TERM),
    ] {
        if first == Signal::HUP && is_ignored(first) {
            cannot("start without nohup");
            continue;
        }
        let (exit, took) = interrupted_twice(first, second);
        assert_eq!(exit.code, Some(3), "{}", exit.stderr);
        assert!(took < Duration::from_secs(20), "{took:?}");
        let report = exit.report();
        assert_eq!((report.left, report.cut_off), (0, 1));
        assert_eq!((report.received, report.delivered), (1, 1));
    }
}

#[test]
pub(crate) fn the_first_signal_leaves_a_drain_its_time_that_another_has_begun() {
    let dir = Scratch::new();
    let admin = format!("unix:{}", text(&dir.join("admin")));
    let mut daemon = Daemon::recv(&["--admin", &admin, "--drain", "60s"]);
    let client = connect(&daemon.address);
    let asked = poold(&["drain", "--admin", &admin]).output();
    assert!(asked.expect("poold starts").status.success());
    assert_eq!(take_to_end(&client), b"");
    daemon.signal(Signal::TERM);
    daemon.stderr.wait_line("draining already");
    send(&client, "still here\n");
    daemon.stdout.wait_line("still here");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_exit().code, Some(3));
}

/// The reset at the deadline is not taken for the client's own end, whichever worker sees it first.
#[test]
pub(crate) fn each_client_that_stays_is_counted_as_cut_off() {
    let mut daemon = Daemon::recv(&["--drain", "60s"]);
    let clients: Vec<_> = (0..400).map(|_| connect(&daemon.address)).collect();
    // Their handshakes are over, in the test over TLS.
    clients.iter().for_each(|client| send(client, "hello\n"));
    daemon.stdout.wait_lines(400);
    daemon.signal(Signal::TERM);
    for client in &clients {
        assert_eq!(take_to_end(client), b"");
    }
    daemon.signal(Signal::TERM);
    let report = daemon.wait_exit().report();
    assert_eq!((report.left, report.cut_off), (0, 400));
}
