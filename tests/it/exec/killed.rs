//! poold itself is killed, either of its two processes: no program is left.

use rustix::process::{Signal, kill_process};

use super::children::{Nap, pid, processes, server};
use super::shell;
use crate::support::net::{connect, take_line};
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
