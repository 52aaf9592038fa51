//! As the first process of a container: its signals drain it, and orphans that end are reaped.
//! Needs the right to make namespaces.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::exec::children::{children, pid};
use crate::support::daemon::{Daemon, POOLD};
use crate::support::net::{connect, end, send, take, take_to_end};
use crate::support::passed::cannot;
use crate::support::spool::wait_until;

const UNSHARE: [&str; 5] = [
    "--fork",
    "--kill-child",
    "--pid",
    "--mount-proc",
    "--propagation=private",
];

/// `poold ARGS…` as process 1 of a namespace; `None` where that is not allowed.
fn start(args: &[&str]) -> Option<Daemon> {
    let tried = Command::new("unshare").args(UNSHARE).arg("true").output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        cannot("allow process and mount namespaces (unshare, as root)");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(UNSHARE).arg(POOLD).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Some(Daemon::spawn(&mut command))
}

/// The first process, by its number outside.
fn first(daemon: &Daemon) -> i32 {
    let found = children(daemon.pid().as_raw_pid());
    assert_eq!(found.len(), 1);
    let status = std::fs::read_to_string(format!("/proc/{}/status", found[0].pid));
    let status = status.expect("it runs");
    assert!(
        status.lines().any(|line| {
            line.starts_with("NSpid:") && line.split_whitespace().last() == Some("1")
        })
    );
    found[0].pid
}

#[test]
fn its_signal_drains_it() {
    let Some(mut daemon) = start(&["recv", "127.0.0.1:0"]) else {
        return;
    };
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    daemon.stdout.wait_line(": hello");
    let first = pid(first(&daemon));
    rustix::process::kill_process(first, Signal::TERM).expect("it runs");
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(exit.report().delivered, 1);
}

#[test]
fn programs_leave_no_dead_behind_and_may_end_in_the_drain() {
    // Their parents end before them: they become the first process's.
    let script = "(sleep 0.05 & sleep 0.05 &) ; echo in; cat; echo end";
    let Some(mut daemon) = start(&["exec", "127.0.0.1:0", "-w", "4", "--shell", script]) else {
        return;
    };
    let clients: Vec<_> = (0..4).map(|_| connect(&daemon.address)).collect();
    for client in &clients {
        assert_eq!(take(client, 3), b"in\n");
        end(client);
        assert_eq!(take_to_end(client), b"end\n");
    }
    let last = connect(&daemon.address);
    assert_eq!(take(&last, 3), b"in\n");
    let first = first(&daemon);
    wait_until("only the server is left of its children", || {
        children(first).len() == 1
    });
    rustix::process::kill_process(pid(first), Signal::TERM).expect("it runs");
    daemon.stderr.wait_line("draining");
    send(&last, "more\n");
    end(&last);
    assert_eq!(take_to_end(&last), b"more\nend\n");
    drop((clients, last));
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("5 programs run: 5 ended well"),
        "{}",
        exit.stderr
    );
}
