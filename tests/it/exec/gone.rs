//! Programs whose clients have gone.

use std::fs;
use std::net::TcpStream;

use rustix::process::Signal;

use super::children::{Nap, Process, children, server};
use super::{program, shell, stop_well, summary};
use crate::support::admin::Watched;
use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, reset, send, take_line, take_to_end};
use crate::support::spool::wait_until;

/// Departed clients of programs that never end hold no worker for long.
fn is_served_after(daemon: &Daemon, leave: fn(TcpStream)) {
    let server = server(daemon);
    let clients = [0, 1].map(|_| connect(&daemon.address));
    wait_until("both run", || children(server).len() == 2);
    clients.into_iter().for_each(leave);
    let third = connect(&daemon.address);
    wait_until("one runs, for the third", || {
        let environment = |child: &Process| fs::read(format!("/proc/{}/environ", child.pid));
        let is_thirds = |variable: &[u8]| variable == b"POOLD_CLIENT=3";
        let all = children(server);
        let all = all
            .iter()
            .map(|child| environment(child).unwrap_or_default());
        let all: Vec<_> = all.collect();
        all.len() == 1 && all[0].split(|byte| *byte == 0).any(is_thirds)
    });
    daemon.stderr.wait_line("the client has gone");
    leave(third);
    wait_until("none runs", || children(server).is_empty());
}

#[test]
pub(crate) fn a_program_whose_client_has_reset_is_told() {
    let mut daemon = program(&["-w", "2"], &["tail", "-f", "/dev/null"]);
    is_served_after(&daemon, reset);
    let exit = daemon.stop();
    let expected = "3 programs run: 0 ended well, 3 told that its client had gone";
    assert_eq!(summary(&exit), expected);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
pub(crate) fn the_end_is_taken_for_absence_where_that_is_asked_for() {
    let args = ["-w", "2", "--client-gone", "hangup-on-fin"];
    let mut daemon = program(&args, &["tail", "-f", "/dev/null"]);
    is_served_after(&daemon, drop);
    daemon.stop();
}

#[test]
pub(crate) fn a_program_goes_on_where_that_is_asked_for() {
    let mut daemon = shell(
        &["--client-gone", "finish"],
        "echo on; cat; echo went on >&2",
    );
    let client = connect(&daemon.address);
    assert_eq!(take_line(&client), "on");
    reset(client);
    daemon.stderr.wait_line("stderr: went on (id=1");
    wait_until("it has ended", || children(server(&daemon)).is_empty());
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn a_client_that_has_sent_its_end_still_gets_all() {
    // Longer than the end is looked for after, and than it takes to tell of it.
    let mut daemon = shell(&[], "cat; sleep 7; echo late");
    let client = connect(&daemon.address);
    send(&client, "early\n");
    end(&client);
    assert_eq!(take_line(&client), "early");
    let line = daemon.stderr.wait_line("its program runs on");
    assert!(line.contains("id=1"), "{line}");
    assert_eq!(take_to_end(&client), b"late\n");
    drop(client);
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn a_client_of_messages_that_has_gone_holds_no_worker() {
    let mut daemon = shell(&["-w", "1", "--lines"], "read how; $how");
    let client = connect(&daemon.address);
    send(&client, "tail -f /dev/null\n");
    wait_until("it runs", || !children(server(&daemon)).is_empty());
    reset(client);
    let next = connect(&daemon.address);
    send(&next, "echo on\n");
    assert_eq!(take_line(&next), "on");
    drop(next);
    daemon.stop();
}

#[test]
pub(crate) fn a_client_that_is_closed_ends_its_program_in_time() {
    let nap = Nap::new();
    let script = format!(
        "trap 'echo told >&2; exit' TERM; setsid sleep {} & echo on; while :; do sleep 0.1; done",
        nap.0
    );
    let args = [
        "exec",
        "127.0.0.1:0",
        "--kill-after",
        "3s",
        "--shell",
        &script,
    ];
    let mut watched = Watched::start(&args);
    let client = connect(&watched.daemon.address);
    assert_eq!(take_line(&client), "on");
    nap.wait_sleepers(1);
    let (went, _, error) = watched.tool(&["close", "1"]);
    assert!(went, "{error}");
    watched.daemon.stderr.wait_line("stderr: told");
    assert_eq!(take_to_end(&client), b"");
    // What has left its group ends with it.
    nap.wait_sleepers(0);
    drop(client);
    watched.daemon.signal(Signal::TERM);
    let exit = watched.daemon.wait_exit();
    let expected = "1 program run: 0 ended well, 1 stopped after its client was closed";
    assert_eq!(summary(&exit), expected);
}
