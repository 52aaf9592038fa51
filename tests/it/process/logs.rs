//! Log lines: for people, for machines, for the journal; few of them, however much happens.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use poold::{Options, Server, answer};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::Value;

use crate::support::admin::Watched;
use crate::support::daemon::{Daemon, Guard, POOLD, poold};
use crate::support::net::{connect, send, take_to_end};
use crate::support::passed::{cannot, is_ignored, lacks};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{EPISODE, PATIENCE, Race, Spool, in_time, wait_until};

/// The log of a daemon that was visited once and stopped.
fn log_of(args: &[&str]) -> String {
    let mut daemon = Daemon::echo(args);
    let client = connect(&daemon.address);
    send(&client, "x");
    drop(client);
    daemon.stderr.wait_line("closed");
    daemon.stop().stderr
}

#[test]
fn text_is_for_people_and_has_no_colour_in_a_pipe() {
    let log = log_of(&["--log-level", "debug"]);
    assert!(!log.contains('\x1b'), "{log}");
    let find = |part: &str| log.lines().find(|line| line.contains(part)).expect(part);
    let came = find("connected");
    assert!(came.starts_with("debug: connected ("), "{came}");
    assert!(came.contains("(id=1, peer=127.0.0.1:"), "{came}");
}

#[test]
fn logfmt_and_json_are_for_machines() {
    // The first lines and the last are enough; their addresses are in quotes.
    let lines = |format: &str| {
        let mut command = poold(&["echo", "127.0.0.1:0", "--log-format", format]);
        let mut daemon = Daemon::spawn(command.stdout(Stdio::null()));
        daemon.stop().stderr
    };
    for line in lines("logfmt").lines() {
        assert!(
            line.starts_with("ts=2") && line.contains(" level=info msg="),
            "{line}"
        );
    }
    for line in lines("json").lines() {
        let event: Value = serde_json::from_str(line).expect(line);
        assert!(event["timestamp"].is_string() && event["message"].is_string());
    }
}

#[test]
fn at_a_terminal_it_has_colour() {
    at_a_terminal("", "\x1b[2mdebug: \x1b[0mconnected");
}

#[test]
fn no_color_turns_colours_off() {
    at_a_terminal("1", "debug: connected");
}

fn at_a_terminal(no_color: &str, told: &str) {
    let mut command = Command::new("script");
    let run = format!("{POOLD} echo 127.0.0.1:0 --log-level debug");
    command.args(["-qc", &run, "/dev/null"]);
    command.env("NO_COLOR", no_color);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(child) = command.spawn() else {
        lacks("script");
        return;
    };
    let mut guard = Guard(child);
    let shown = Spool::of(guard.0.stdout.take().expect("piped"));
    let line = shown.wait_line("listening on ");
    let (_, address) = line.split_once("listening on ").expect("it is in it");
    drop(connect(address.trim_end()));
    let line = shown.wait_line("connected");
    assert!(line.starts_with(told), "{line:?}");
    // Ctrl-C, as a terminal sends it.
    let mut keys = guard.0.stdin.take().expect("piped");
    keys.write_all(b"\x03").expect("it reads");
    shown.wait_line("drained in");
    guard.wait_exit();
}

#[test]
fn a_dumb_terminal_gets_no_escapes() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    for (run, shown) in [
        (
            // A shell that ran the tests in the background has them ignore Ctrl-C.
            format!(
                "env --default-signal=INT {POOLD} status --watch {}",
                watched.tcp
            ),
            "queue wait",
        ),
        (format!("{POOLD} echo 127.0.0.1:0"), "Press Ctrl-C to stop"),
    ] {
        if shown == "queue wait" && is_ignored(Signal::INT) {
            cannot("start in the foreground");
            continue;
        }
        let mut command = Command::new("script");
        command
            .args(["-qfec", &run, "/dev/null"])
            .env("TERM", "dumb");
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(child) = command.spawn() else {
            lacks("script");
            return;
        };
        let mut guard = Guard(child);
        let screen = Spool::of(guard.0.stdout.take().expect("piped"));
        screen.wait_line(shown);
        // Ctrl-C, as a terminal sends it.
        let mut keys = guard.0.stdin.take().expect("piped");
        keys.write_all(b"\x03").expect("it reads");
        let all = screen.wait_end();
        assert!(
            !all.contains(&b'\x1b'),
            "{:?}",
            String::from_utf8_lossy(&all)
        );
        guard.wait_exit();
    }
}

#[test]
fn only_the_journal_gets_priorities() {
    for (is_journal, prefix) in [(true, "<6>"), (false, "")] {
        let (read, written) = std::io::pipe().expect("descriptors");
        let found = rustix::fs::fstat(&written).expect("a pipe");
        let inode = found.st_ino + u64::from(!is_journal);
        let mut command = poold(&["echo", "127.0.0.1:0"]);
        command.env("JOURNAL_STREAM", format!("{}:{inode}", found.st_dev));
        command.stdout(Stdio::null()).stderr(written);
        let guard = Guard(command.spawn().expect("poold starts"));
        drop(command);
        let line = Spool::of(read).wait_line("listening on ");
        assert!(line.starts_with(&format!("{prefix}listening")), "{line}");
        drop(guard);
    }
}

#[test]
fn what_is_cut_or_makes_no_sense_is_told() {
    for (args, sent, told) in [
        (
            &["--framing", "octet"][..],
            "<13>no count\n",
            "malformed octet count",
        ),
        (
            &["--message-max", "4"],
            "too long\n",
            "longer than message-max",
        ),
        (
            &["--message-max", "4", "--overlong", "drop"],
            "too long\n",
            "longer than message-max",
        ),
        (
            &["--message-max", "4", "--overlong", "close"],
            "too long\n",
            "more than 4 bytes",
        ),
    ] {
        let mut daemon = Daemon::recv(args);
        let client = connect(&daemon.address);
        send(&client, sent);
        let line = daemon.stderr.wait_line(told);
        assert!(
            line.starts_with("warning: ") && line.contains("peer=127.0.0.1:"),
            "{line}"
        );
        drop(client);
        daemon.stop();
    }
}

/// What this process has logged.
static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct ToLogged;

impl Write for ToLogged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.lock().expect("a list").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_handler_that_panics_for_every_client_fills_no_disk() {
    tracing_subscriber::fmt()
        .with_writer(|| ToLogged)
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .init();
    in_time(EPISODE, a_hundred_panics);
}

fn a_hundred_panics(_: &Race) {
    let service = answer(|_: &[u8]| -> Vec<u8> { panic!("this panic is part of the test") });
    let server = Server::bind("127.0.0.1:0", Options::default(), service).expect("a free port");
    let address = server.address().to_string();
    let mut ports = Vec::new();
    for _ in 0..100 {
        let client = connect(&address);
        send(&client, "go\n");
        assert_eq!(take_to_end(&client), b"");
        let port = client.local_addr().expect("bound").port();
        ports.push(format!("peer=127.0.0.1:{port}"));
    }
    assert_eq!(server.handle().stats().panics, 100);
    let logged = || String::from_utf8(LOGGED.lock().expect("a list").clone()).expect("UTF-8");
    wait_until("the first is told", || logged().contains(&ports[0]));
    // Other tests of this process have panics of their own; the peers are ours.
    let ours = |line: &&str| ports.iter().any(|port| line.contains(port.as_str()));
    let all = logged();
    let lines: Vec<_> = all.lines().filter(ours).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("the handler panicked"), "{lines:?}");
    drop(server);
}

/// Asks so often that each time is logged, and a thread that logs waits if one does.
fn visit(path: &Path, times: usize) {
    for _ in 0..times {
        let mut client = UnixStream::connect(path).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a socket");
        client.write_all(b"x").expect("it is read");
        client.read_exact(&mut [0]).expect("it is served");
    }
}

#[test]
fn an_unread_log_delays_neither_clients_nor_the_end() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let (reader, writer) = std::io::pipe().expect("descriptors");
    let mut command = poold(&["echo", &address, "--log-level", "debug"]);
    command.stdout(Stdio::null()).stderr(writer);
    let mut daemon = Guard(command.spawn().expect("poold starts"));
    drop(command);
    wait_until("it listens", || UnixStream::connect(&path).is_ok());
    // Two lines each, of 30 bytes and more; a pipe holds 64 KiB.
    visit(&path, 2000);
    let log = Spool::of(File::from(OwnedFd::from(reader)));
    wait_until("what was left out is told", || {
        visit(&path, 1);
        log.text().contains("the log was not taken")
    });
    kill_process(daemon.pid(), Signal::TERM).expect("it runs");
    assert_eq!(daemon.wait_exit(), Some(0));
    let log = String::from_utf8(log.wait_end()).expect("UTF-8");
    let told = "warning: the log was not taken; lines are left out of it (lines=";
    assert!(log.lines().any(|line| line.starts_with(told)), "{log}");
    assert!(log.lines().last().expect("lines").starts_with("drained in"));
}

#[test]
fn an_unread_log_does_not_keep_it_from_draining() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let (_reader, writer) = std::io::pipe().expect("descriptors");
    let mut command = poold(&["echo", &address, "--log-level", "debug"]);
    command.stdout(Stdio::null()).stderr(writer);
    let mut daemon = Guard(command.spawn().expect("poold starts"));
    wait_until("it listens", || UnixStream::connect(&path).is_ok());
    visit(&path, 2000);
    kill_process(daemon.pid(), Signal::TERM).expect("it runs");
    assert_eq!(daemon.wait_exit(), Some(0));
}

#[test]
fn a_line_that_a_full_disk_has_cut_is_ended_before_the_next() {
    let dir = Scratch::new();
    let (path, log) = (dir.join("socket"), dir.join("log"));
    let address = format!("unix:{}", text(&path));
    let written = File::options().append(true).create(true).open(&log);
    let mut command = poold(&["echo", &address, "--log-level", "debug"]);
    command
        .stdout(Stdio::null())
        .stderr(written.expect("our own directory"));
    let mut daemon = Guard(command.spawn().expect("poold starts"));
    let read = || std::fs::read_to_string(&log).expect("text is UTF-8");
    wait_until("it listens", || read().contains("Press Ctrl-C to stop\n"));
    // The limit on a file's size is as a full disk.
    let usual = getrlimit(Resource::Fsize);
    let full = |length: usize| Rlimit {
        current: Some(length as u64),
        ..usual
    };
    let before = read().len();
    let fits = "debug: conn";
    prlimit(
        Some(daemon.pid()),
        Resource::Fsize,
        full(before + fits.len()),
    )
    .expect("our own child");
    visit(&path, 3);
    prlimit(Some(daemon.pid()), Resource::Fsize, usual).expect("our own child");
    wait_until("what was left out is told", || {
        visit(&path, 1);
        read().contains("the log was not taken")
    });
    kill_process(daemon.pid(), Signal::TERM).expect("it runs");
    assert_eq!(daemon.wait_exit(), Some(0));
    let log = read();
    assert!(log[before..].starts_with(&format!("{fits}\n")), "{log}");
}
