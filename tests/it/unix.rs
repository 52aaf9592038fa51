//! `unix:PATH`: who may connect, whose file it is, and when it goes.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;

use crate::daemon::{Daemon, poold};
use crate::scratch::{Scratch, text};
use crate::spool::{PATIENCE, wait_until};
use crate::tool::{Flood, check};

fn connect(path: &str) -> UnixStream {
    let stream = UnixStream::connect(path).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

fn read_to_end(mut stream: &UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an end");
    bytes
}

#[test]
fn it_is_private_and_removed_at_the_end() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let mut daemon = Daemon::start(&["recv", &address]);
    assert_eq!(daemon.address, address);
    let mode = fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    let mut client = connect(text(&path));
    client.write_all(b"hello\n").expect("it is read");
    let line = daemon.stdout.wait_line(": hello");
    let expected = format!("Message from unix:{}: hello", std::process::id());
    assert_eq!(line, expected);
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
    assert!(!path.exists(), "it is removed");
}

#[test]
fn a_flood_passes_through_it_as_through_tcp() {
    let dir = Scratch::new();
    let address = format!("unix:{}", text(&dir.join("socket")));
    let mut daemon = Daemon::start(&["recv", &address]);
    let shape = ["-c", "100", "-n", "100"];
    let args = [&shape[..], &["--expect", "nothing", "--pieces", "5"]].concat();
    Flood::start(&address, &args).wait_good();
    let exit = daemon.stop();
    check(&exit.stdout, &shape);
    assert_eq!(exit.report().delivered, 10_000);
}

#[test]
fn a_stale_socket_is_replaced() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    drop(UnixListener::bind(&path).expect("a fresh name"));
    assert!(path.exists(), "left behind by a process that died");
    let mut daemon = Daemon::start(&["echo", &format!("unix:{}", text(&path))]);
    let mut client = connect(text(&path));
    client.write_all(b"x").expect("it is read");
    let mut byte = [0];
    client.read_exact(&mut byte).expect("an answer");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

/// Fails to start there, with one line.
fn refused(address: &str) -> String {
    let mut command = poold(&["recv", address]);
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    let output = output.expect("poold starts");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[test]
fn a_socket_in_use_and_a_file_that_is_none_are_left_alone() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let mut daemon = Daemon::start(&["recv", &address]);
    assert!(refused(&address).contains("in use"));
    connect(text(&path))
        .write_all(b"still mine\n")
        .expect("it is read");
    daemon.stdout.wait_line(": still mine");
    assert_eq!(daemon.stop().code, Some(0));

    let file = dir.join("precious");
    fs::write(&file, "data").expect("a file");
    let line = refused(&format!("unix:{}", text(&file)));
    assert!(line.contains("no socket"), "{line}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "data");
    assert!(refused("unix:/nonexistent/socket").contains("/nonexistent/socket"));
}

#[test]
fn the_successor_that_starts_during_a_drain_keeps_its_socket() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let mut old = Daemon::start(&["recv", &address]);
    let client = connect(text(&path));
    (&client).write_all(b"hello\n").expect("it is read");
    old.stdout.wait_line(": hello");
    old.interrupt();
    assert_eq!(read_to_end(&client), b"");
    wait_until("the old one listens no more", || {
        UnixStream::connect(&path).is_err()
    });
    let mut new = Daemon::start(&["recv", &address]);
    drop(client);
    assert_eq!(old.wait_exit().code, Some(0));
    connect(text(&path))
        .write_all(b"to the new one\n")
        .expect("it is read");
    new.stdout.wait_line(": to the new one");
    assert_eq!(new.stop().code, Some(0));
    assert!(!path.exists());
    assert!(dir.path().exists());
}
