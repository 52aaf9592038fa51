//! A take-over that comes to nothing changes nothing.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::process::{Output, Stdio};

use rustix::process::Signal;

use crate::daemon::{Daemon, POOLD, poold};
use crate::net::{connect, send, take, take_to_end};
use crate::scratch::{Scratch, text};
use crate::spool::{PATIENCE, wait_until};

fn run(args: &[&str]) -> (Option<i32>, String) {
    let mut command = poold(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let Output { status, stderr, .. } = command.output().expect("poold starts");
    (status.code(), String::from_utf8(stderr).expect("UTF-8"))
}

fn echo(dir: &Scratch) -> (Daemon, String) {
    let control = text(&dir.join("control")).to_owned();
    (Daemon::echo(&["--control", &control]), control)
}

fn still_serves(daemon: &Daemon) {
    let client = connect(&daemon.address);
    send(&client, "x");
    assert_eq!(take(&client, 1), b"x");
}

/// A successor by hand: it says this, and hears an answer.
fn talk(control: &str, says: &str) -> (UnixStream, String) {
    let mut stream = UnixStream::connect(control).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    writeln!(stream, "{says}").expect("it reads");
    let heard = next_line(&stream);
    (stream, heard)
}

fn next_line(stream: &UnixStream) -> String {
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(1, stream);
    reader.read_line(&mut line).expect("a line");
    line
}

const TAKE_OVER: &str = r#"{"take_over":{"version":1,"pid":1}}"#;

#[test]
fn a_program_that_does_not_start_any_more() {
    let dir = Scratch::new();
    let (program, control) = (dir.join("poold"), dir.join("control"));
    symlink(POOLD, &program).expect("a fresh name");
    let mut command = std::process::Command::new(&program);
    command.args(["echo", "127.0.0.1:0", "--control", text(&control)]);
    let mut daemon = Daemon::spawn(&mut command);
    std::fs::remove_file(&program).expect("it is there");
    let (code, said) = run(&["restart", "--control", text(&control)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot start"), "{said}");
    // And one that starts and ends.
    std::fs::write(&program, "#!/bin/sh\nexit 7\n").expect("a file");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, mode).expect("our own file");
    let (code, said) = run(&["restart", "--control", text(&control)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("exit status: 7"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    still_serves(&daemon);
    // And the next one works.
    std::fs::remove_file(&program).expect("it is there");
    symlink(POOLD, &program).expect("a fresh name");
    assert_eq!(run(&["restart", "--control", text(&control)]).0, Some(0));
    let exit = daemon.wait_exit_alone();
    assert_eq!(exit, Some(0));
    let pid = daemon.stderr.wait_line("handed over");
    kill_successor(&pid);
}

/// The process id in `… (pid=4711)`.
fn kill_successor(line: &str) {
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    let pid = digits.parse().ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process id"), Signal::TERM).expect("it runs");
}

#[test]
fn a_successor_that_dies_with_the_sockets() {
    let dir = Scratch::new();
    let (mut daemon, control) = echo(&dir);
    let mut begin = None;
    for _ in 0..3 {
        let (stream, heard) = talk(&control, TAKE_OVER);
        assert!(heard.contains("sockets"), "{heard}");
        let (_, second) = talk(&control, TAKE_OVER);
        assert!(second.contains("already"), "{second}");
        still_serves(&daemon);
        drop(stream);
        daemon.stderr.wait_line("a successor ended");
        let open = *begin.get_or_insert_with(|| daemon.descriptors());
        daemon.wait_descriptors_at_most(open);
    }
    still_serves(&daemon);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn what_makes_no_sense_is_answered_and_closed() {
    let dir = Scratch::new();
    let (mut daemon, control) = echo(&dir);
    for (nonsense, part) in [
        (r#"{"take_over":{"version":99,"pid":1}}"#, "another version"),
        (r#""ready""#, "no sense"),
    ] {
        let (_, heard) = talk(&control, nonsense);
        assert!(heard.contains(part), "{heard}");
    }
    let (_, heard) = talk(&control, "GET / HTTP/1.0\r\n\r");
    assert_eq!(heard, "", "closed without a word");
    // More than it listens to at once, all of them silent.
    let silent: Vec<_> = (0..20)
        .map(|_| UnixStream::connect(&control).expect("room in the backlog"))
        .collect();
    still_serves(&daemon);
    drop(silent);
    let (_, heard) = talk(&control, TAKE_OVER);
    assert!(heard.contains("sockets"), "{heard}");
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_stop_in_the_middle_ends_it_as_ever() {
    let dir = Scratch::new();
    let socket = dir.join("socket");
    let address = format!("unix:{}", text(&socket));
    let control = text(&dir.join("control")).to_owned();
    let mut daemon = Daemon::start(&["recv", &address, "--control", &control]);
    let (stream, heard) = talk(&control, TAKE_OVER);
    assert!(heard.contains("sockets"), "{heard}");
    daemon.interrupt();
    assert!(next_line(&stream).contains("ends"));
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(!socket.exists() && !dir.join("control").exists());
}

#[test]
fn a_successor_for_another_address_is_told_so() {
    let dir = Scratch::new();
    let (mut daemon, control) = echo(&dir);
    let args = ["echo", "127.0.0.2:1", "--control", &control, "--take-over"];
    let (code, said) = run(&args);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&daemon.address), "{said}");
    daemon.stderr.wait_line("a successor ended");
    still_serves(&daemon);
    assert!(dir.join("control").exists());
    let (code, said) = run(&["echo", "0", "--control", &control]);
    assert_eq!(
        code,
        Some(1),
        "without --take-over the socket is in use: {said}"
    );
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn one_that_is_started_by_hand_takes_over_and_without_another_just_starts() {
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let args = ["--control", &control, "--take-over"];
    let mut old = Daemon::echo(&args);
    old.stderr.wait_line("nobody to take over from");
    let resting = connect(&old.address);
    let mut new = Daemon::start(&[&["echo", &old.address], &args[..]].concat());
    assert_eq!(new.address, old.address);
    assert_eq!(take_to_end(&resting), b"");
    drop(resting);
    assert_eq!(old.wait_exit().code, Some(0));
    still_serves(&new);
    assert!(dir.join("control").exists());
    assert_eq!(new.stop().code, Some(0));
    wait_until("its files are gone", || !dir.join("control").exists());
}

#[test]
fn nobody_to_restart_is_one_line() {
    let (code, said) = run(&["restart", "--control", "/nonexistent/control"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("cannot reach") && said.lines().count() == 1,
        "{said}"
    );
}
