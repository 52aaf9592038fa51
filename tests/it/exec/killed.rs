//! poold itself is killed, either of its two processes: no program is left.

use std::os::unix::net::UnixStream;

use rustix::process::{Signal, kill_process};

use super::children::{Nap, children, pid, processes, server};
use super::shell;
use crate::support::daemon::{Guard, poold};
use crate::support::net::{connect, take_line};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;

/// A program that leaves children in its group, and others that have left it.
fn with_family(nap: &Nap) -> String {
    let Nap(time) = nap;
    format!("sleep {time} & setsid sleep {time} & echo on; trap '' TERM; sleep {time}")
}

#[test]
fn no_program_survives_the_keeper() {
    let nap = Nap::new();
    let mut daemon = shell(&["--kill-after", "100ms"], &with_family(&nap));
    let server = server(&daemon);
    let clients = [connect(&daemon.address), connect(&daemon.address)];
    clients
        .iter()
        .for_each(|client| assert_eq!(take_line(client), "on"));
    nap.wait_sleepers(6);
    daemon.signal(Signal::KILL);
    nap.wait_sleepers(0);
    wait_until("the server has ended", || {
        processes().iter().all(|one| one.pid != server)
    });
    assert_eq!(daemon.wait_exit().code, None);
}

#[test]
fn no_program_survives_the_server() {
    let nap = Nap::new();
    let mut daemon = shell(&[], &with_family(&nap));
    let clients = [connect(&daemon.address), connect(&daemon.address)];
    clients
        .iter()
        .for_each(|client| assert_eq!(take_line(client), "on"));
    nap.wait_sleepers(6);
    kill_process(pid(server(&daemon)), Signal::KILL).expect("it runs");
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(128 + 9));
    assert!(
        exit.stderr.contains("signal 9 ended the server"),
        "{}",
        exit.stderr
    );
    assert_eq!(nap.sleepers(), 0, "all have ended before poold has");
}

#[test]
fn no_program_survives_the_server_when_the_log_has_no_reader() {
    let (nap, dir) = (Nap::new(), Scratch::new());
    let socket = dir.join("socket");
    let address = format!("unix:{}", text(&socket));
    let mut command = poold(&["exec", &address, "--shell", &with_family(&nap)]);
    let (log, writer) = std::io::pipe().expect("descriptors");
    let mut keeper = Guard(command.stderr(writer).spawn().expect("poold starts"));
    drop(command);
    let mut client = None;
    wait_until("it listens", || {
        client = UnixStream::connect(&socket).ok();
        client.is_some()
    });
    nap.wait_sleepers(3);
    drop(log);
    let server = children(keeper.pid().as_raw_pid()).remove(0).pid;
    kill_process(pid(server), Signal::KILL).expect("it runs");
    assert_eq!(keeper.wait_exit(), Some(128 + 9));
    assert_eq!(nap.sleepers(), 0, "all have ended before poold has");
}
