//! Changes of a running daemon, and the permission for them.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::admin::Watched;
use crate::support::daemon::poold;
use crate::support::flood::Flood;
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::spool::{at_most, wait_until};

#[test]
fn the_socket_is_private_and_goes_with_the_daemon() {
    let mut watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let path = watched.unix.trim_start_matches("unix:").to_owned();
    let mode = std::fs::metadata(&path).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let exit = watched.daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn a_client_is_closed_by_its_number_and_gets_what_it_is_owed() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let clients = [0, 1].map(|_| connect(&watched.daemon.address));
    for client in &clients {
        send(client, "hello\n");
        assert_eq!(take_line(client), "hello");
    }
    let (went, said, error) = watched.tool(&["close", "1"]);
    assert!(went && said.contains("client 1"), "{said}{error}");
    assert_eq!(take_to_end(&clients[0]), b"");
    send(&clients[1], "still here\n");
    assert_eq!(take_line(&clients[1]), "still here");
    let (went, _, error) = watched.tool(&["close", "99"]);
    assert!(!went && error.contains("there is no client 99"), "{error}");
    // Not over TCP.
    let (went, _, error) = watched.tool(&["close", "2", "--admin", &watched.tcp]);
    assert!(!went && error.contains("read-only"), "{error}");
    send(&clients[1], "and here\n");
    assert_eq!(take_line(&clients[1]), "and here");
}

#[test]
fn accepting_is_paused_and_resumed() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let here = connect(&watched.daemon.address);
    send(&here, "a\n");
    assert_eq!(take_line(&here), "a");
    assert!(watched.tool(&["pause"]).0);
    assert_eq!(watched.get("/readyz").status, 503);
    let waits = connect(&watched.daemon.address);
    send(&waits, "b\n");
    for _ in 0..20 {
        send(&here, "a\n");
        assert_eq!(take_line(&here), "a");
    }
    assert_eq!(watched.metric("poold_clients_accepted_total"), 1.0);
    assert!(watched.tool(&["resume", &watched.unix]).0);
    assert_eq!(take_line(&waits), "b");
    assert_eq!(watched.get("/readyz").status, 200);
}

#[test]
fn a_change_is_made_even_if_its_answer_is_not_read() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    for ask in ["status", "clients", "pause"] {
        let (read, written) = std::io::pipe().expect("descriptors");
        drop(read);
        let mut command = poold(&[ask, &watched.unix]);
        let output = command.stdout(written).output().expect("poold starts");
        assert_eq!(output.status.code(), Some(141), "{ask}: {output:?}");
        assert_eq!(output.stderr, b"", "{ask}");
    }
}

#[test]
fn a_drain_serves_clients_that_waited_while_paused() {
    let mut watched = Watched::start(&["echo", "127.0.0.1:0"]);
    assert_eq!(watched.post("/pause").status, 200);
    let waits = connect(&watched.daemon.address);
    send(&waits, "b\n");
    assert_eq!(watched.post("/drain").status, 200);
    end(&waits);
    assert_eq!(take_to_end(&waits), b"b\n");
    assert_eq!(watched.daemon.wait_exit().code, Some(0));
}

#[test]
fn readiness_ends_before_the_drain_begins() {
    let args = ["echo", "127.0.0.1:0", "--drain-delay", "1h"];
    let mut watched = Watched::start(&args);
    let here = connect(&watched.daemon.address);
    assert_eq!(watched.get("/readyz").status, 200);
    watched.daemon.signal(Signal::TERM);
    wait_until("it says so", || watched.get("/readyz").status == 503);
    assert_eq!(watched.metric("poold_phase{phase=\"leaving\"}"), 1.0);
    assert_eq!(watched.get("/healthz").status, 200);
    // Connected clients and new ones are served as before.
    for client in [&here, &connect(&watched.daemon.address)] {
        send(client, "hello\n");
        assert_eq!(take_line(client), "hello");
    }
    watched.daemon.signal(Signal::TERM);
    drop(here);
    let exit = watched.daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stderr.contains("draining in 1h"), "{}", exit.stderr);
}

#[test]
fn an_announced_drain_begins_by_itself() {
    let args = ["echo", "127.0.0.1:0", "--drain-delay", "300ms"];
    let mut watched = Watched::start(&args);
    let begin = Instant::now();
    let (_, said, _) = watched.tool(&["drain"]);
    assert!(said.contains("draining in 300ms"), "{said}");
    let exit = watched.daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let took = begin.elapsed();
    let most = Duration::from_secs(20);
    assert!(
        took >= Duration::from_millis(300) && took < most,
        "{took:?}"
    );
}

#[test]
fn an_announced_drain_begins_when_it_is_asked_for_again() {
    let args = ["echo", "127.0.0.1:0", "--drain-delay", "1h"];
    let mut watched = Watched::start(&args);
    let (_, said, _) = watched.tool(&["drain"]);
    assert!(said.contains("draining in 1h; ask again"), "{said}");
    let (went, said, _) = watched.tool(&["drain"]);
    assert!(went && !said.contains("1h"), "{said}");
    let exit = watched.daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn limits_and_the_log_level_are_changed() {
    let watched = Watched::start(&["echo", "127.0.0.1:0", "--when-full", "refuse"]);
    let post = |path: &str| watched.post(path);
    assert_eq!(post("/set").status, 400);
    assert_eq!(post("/set?workers=0").status, 400);
    assert_eq!(post("/set?workers=many").status, 400);
    assert_eq!(post("/set?colour=red").status, 400);
    assert_eq!(post("/set?max-clients=1&stuck-after=soon").status, 400);
    assert_ne!(watched.metric("poold_clients_max"), 1.0, "all or nothing");
    assert_eq!(post("/set?max-clients=1&log-level=debug").status, 200);
    let first = connect(&watched.daemon.address);
    send(&first, "a\n");
    assert_eq!(take_line(&first), "a");
    assert_eq!(take_to_end(&connect(&watched.daemon.address)), b"");
    let (went, ..) = watched.tool(&["set", "max-clients", "2"]);
    assert!(went);
    let second = connect(&watched.daemon.address);
    send(&second, "b\n");
    assert_eq!(take_line(&second), "b");
    watched.daemon.stderr.wait_line("debug: connected");
    let (went, said, error) = watched.tool(&["set", "workers", "5000"]);
    assert!(!went && said.is_empty(), "{said}");
    assert!(error.contains("out of bounds; 1 to 1024"), "{error}");
}

#[test]
fn what_makes_no_sense_ends_with_2_and_what_can_not_be_done_with_1() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    for (code, args) in [
        (2, &["set", "workers", "5000"][..]),
        (2, &["set", "stuck-after", "soon"]),
        (2, &["clients", "--state", "asleep"]),
        (2, &["clients", "nowhere"]),
        (1, &["clients", "unix:/no/such/socket"]),
        (1, &["close", "99"]),
        (1, &["pause", &watched.tcp]),
    ] {
        let admin = format!("{},{}", watched.tcp, watched.unix);
        let output = poold(args).env("POOLD_ADMIN", admin).output();
        let output = output.expect("poold starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn workers_are_changed_under_load_and_nothing_is_lost() {
    let watched = Watched::start(&["echo", "127.0.0.1:0", "-w", "4"]);
    let flood = Flood::start(
        &watched.daemon.address,
        &["-c", "50", "-t", "120s", "-p", "4"],
    );
    wait_until("it floods", || {
        watched.metric("poold_clients_accepted_total") == 50.0
    });
    let outside = watched.daemon.threads() - 4;
    for workers in [64, 2, 64, 1, 7, 2] {
        let begin = Instant::now();
        assert_eq!(watched.post(&format!("/set?workers={workers}")).status, 200);
        let took = begin.elapsed();
        assert!(took < at_most(Duration::from_millis(500)), "{took:?}");
        wait_until("there are so many threads", || {
            watched.daemon.threads() == outside + workers
        });
        assert_eq!(watched.metric("poold_workers"), workers as f64);
        let before = watched.metric("poold_messages_received_total");
        wait_until("it goes on", || {
            watched.metric("poold_messages_received_total") > before + 100.0
        });
    }
    flood.interrupt();
    flood.wait_good();
}
