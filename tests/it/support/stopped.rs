//! A terminal that takes no output, as after Ctrl-S.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use nix::pty::openpty;
use rustix::process::{Signal, kill_process};

use crate::support::daemon::{Daemon, Guard, poold};
use crate::support::net::{end, send, take, take_line, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{PATIENCE, wait_until};

/// A terminal, and its side that is not read.
fn stopped() -> (OwnedFd, OwnedFd) {
    let pair = openpty(None, None).expect("a terminal");
    (pair.slave, pair.master)
}

#[test]
fn a_stopped_console_holds_up_neither_the_room_nor_the_end() {
    let (terminal, _unread) = stopped();
    let mut command = poold(&["chat", "127.0.0.1:0", "--rate", "off"]);
    command.stdin(terminal.try_clone().expect("descriptors"));
    let mut daemon = Daemon::spawn(command.stdout(terminal));
    drop(command);
    let ann = crate::support::net::connect(&daemon.address);
    assert!(take_line(&ann).starts_with("-- welcome"));
    // More than a terminal holds.
    let line = format!("{}\n", "x".repeat(100));
    for _ in 0..200 {
        send(&ann, &line);
        take(&ann, "<guest-1> ".len() + line.len());
    }
    end(&ann);
    take_to_end(&ann);
    drop(ann);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn a_log_to_a_stopped_terminal_holds_up_neither_clients_nor_the_end() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let (terminal, _unread) = stopped();
    let mut command = poold(&["echo", &address, "--log-level", "debug"]);
    command.stdout(Stdio::null()).stderr(terminal);
    let mut daemon = Guard(command.spawn().expect("poold starts"));
    drop(command);
    wait_until("it listens", || UnixStream::connect(&path).is_ok());
    for _ in 0..500 {
        let mut client = UnixStream::connect(&path).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a socket");
        client.write_all(b"x").expect("it is read");
        client.read_exact(&mut [0]).expect("it is served");
    }
    kill_process(daemon.pid(), Signal::TERM).expect("it runs");
    assert_eq!(daemon.wait_exit(), Some(0));
}
