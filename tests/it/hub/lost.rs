//! Sources that are lost: nothing spins, each is named once, and readers stay. A take-over opens
//! them when the process before has let go.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::pty::Pty;
use super::sources::stop;
use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect, send, take_line};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{EPISODE, Race, in_time, wait_until};

#[test]
fn lost_sources_of_all_kinds_cost_nothing_and_have_a_line_each() {
    in_time(EPISODE, all_kinds_are_lost);
}

fn all_kinds_are_lost(_: &Race) {
    let dir = Scratch::new();
    let fifo = dir.join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from(0o600), 0).expect("a free name");
    let mut device = Pty::new();
    let link = dir.join("tty");
    std::os::unix::fs::symlink(&device.name, &link).expect("a free name");
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let sources = [
        server.local_addr().expect("bound").to_string(),
        format!("serial:{}", text(&link)),
        "exec:exit 7".to_owned(),
        format!("file:{}", text(&dir.join("none"))),
        format!("unix:{}", text(&dir.join("nobody"))),
        format!("fifo:{}", text(&fifo)),
        "-".to_owned(),
    ];
    let mut command = poold(&["hub", "127.0.0.1:0", "--keep", "--last", "9"]);
    for source in &sources {
        command.args(["--from", source]);
    }
    let mut daemon = Daemon::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()));
    for source in [&sources[0], &sources[1], &sources[5]] {
        wait_until("it is connected", || {
            let log = daemon.stderr.text();
            let mut lines = log.lines().filter(|line| line.contains("is connected"));
            lines.any(|line| line.contains(source.as_str()))
        });
    }
    let reader = connect(&daemon.address);
    let (mut source, _) = server.accept().expect("it connects");
    source.write_all(b"before\n").expect("it is read");
    assert_eq!(take_line(&reader), "before");
    device.main.write_all(b"line\n").expect("it is read");
    assert_eq!(take_line(&reader), "line");
    // Lost for good.
    std::fs::remove_file(&link).expect("ours");
    drop((source, server, device));
    daemon.stderr.wait_times("the source is lost", 5);
    daemon.takes_at_most(0.01, Duration::from_secs(1));
    let mut writer = std::fs::OpenOptions::new().write(true).open(&fifo);
    let writer = writer.as_mut().expect("it is open");
    writer.write_all(b"after\n").expect("it is read");
    assert_eq!(take_line(&reader), "after", "the reader stays");
    drop(reader);
    let log = daemon.stop().stderr;
    for source in &sources[..5] {
        let told = log
            .lines()
            .filter(|line| line.contains("is lost") && line.contains(source.as_str()));
        // A server and a device have two reasons: their end, and that they are not there.
        assert!((1..=2).contains(&told.count()), "{source}:\n{log}");
    }
    assert!(log.contains("the standard input has ended"), "{log}");
}

#[test]
fn a_successor_opens_a_source_when_its_predecessor_has_let_go() {
    let dir = Scratch::new();
    let control = dir.join("control");
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let start = |address: &str| {
        let args = [
            "hub",
            address,
            "--from",
            &from,
            "--last",
            "9",
            "--take-over",
        ];
        let control = ["--control", text(&control)];
        Daemon::start(&[&args[..], &control].concat())
    };
    let mut first = start("127.0.0.1:0");
    let (mut source, _) = server.accept().expect("it connects");
    let reader = connect(&first.address);
    send(&source, "one\n");
    assert_eq!(take_line(&reader), "one");
    let second = start(&first.address);
    let (next, _) = server.accept().expect("it connects");
    // The end of the one before came earlier.
    source.set_nonblocking(true).expect("a socket");
    let mut rest = [0; 1];
    match source.read(&mut rest) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("still open: {other:?}"),
    }
    send(&next, "two\n");
    // Its reader is the successor's, and so are the last messages.
    assert_eq!(take_line(&reader), "two");
    let other = connect(&second.address);
    for message in ["one", "two"] {
        assert_eq!(take_line(&other), message);
    }
    drop((reader, other));
    assert_eq!(first.wait_exit().code, Some(0));
    stop(second);
}

#[test]
fn how_often_a_source_was_lost_is_told_with_the_next_line() {
    in_time(EPISODE, a_source_is_lost_six_times);
}

fn a_source_is_lost_six_times(race: &Race) {
    let dir = Scratch::new();
    let path = dir.join("runs");
    std::fs::write(&path, "").expect("writable");
    // It ends at once six times, and then after the time that makes it a new episode.
    let runs = text(&path);
    let source =
        format!("exec:if [ $(wc -l < {runs}) -lt 6 ]; then echo >> {runs}; else sleep 6; fi");
    let args = [
        "hub",
        "127.0.0.1:0",
        "--retry-max",
        "20ms",
        "--from",
        &source,
    ];
    let daemon = Daemon::start(&args);
    wait_until("it has ended six times", || {
        let runs = std::fs::read_to_string(&path).expect("ours");
        runs.lines().count() == 6
    });
    race.end();
    let line = daemon.stderr.wait_line("earlier=");
    assert!(line.contains("the source is lost"), "{line}");
    assert!(line.ends_with("earlier=5)"), "{line}");
    stop(daemon);
}
