//! How programs end: by themselves, by their time, in a drain. No process is left.

use super::children::{Nap, wait_no_children};
use super::{program, shell, stop_well, summary};
use crate::support::net::{connect, end, send, take_line, take_to_end, wait_reset};
use crate::support::passed::is_installed;

#[test]
pub(crate) fn a_program_that_takes_too_long_is_told_to_end() {
    let mut daemon = shell(
        &["--timeout", "2s", "--kill-after", "20s"],
        "trap 'echo told; exit' TERM; echo on; while :; do sleep 0.01; done",
    );
    assert_eq!(take_to_end(&connect(&daemon.address)), b"on\ntold\n");
    let exit = daemon.stop();
    let expected = "1 program run: 0 ended well, 1 stopped after --timeout";
    assert_eq!(summary(&exit), expected);
}

#[test]
pub(crate) fn one_that_is_stopped_is_let_go_on_to_end() {
    let args = ["--timeout", "2s", "--kill-after", "1h"];
    let mut daemon = shell(&args, "echo on; kill -STOP $$");
    let client = connect(&daemon.address);
    assert_eq!(take_line(&client), "on");
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let expected = "1 program run: 0 ended well, 1 stopped after --timeout";
    assert_eq!(summary(&daemon.stop()), expected);
}

#[test]
pub(crate) fn one_that_ignores_that_is_killed_with_its_group() {
    let nap = Nap::new();
    let mut daemon = shell(
        &["--timeout", "2s", "--kill-after", "100ms"],
        &format!(
            "trap '' TERM; sleep {} & echo on; while :; do wait; done",
            nap.0
        ),
    );
    let client = connect(&daemon.address);
    assert_eq!(take_line(&client), "on");
    assert_eq!(take_to_end(&client), b"");
    nap.wait_sleepers(0);
    wait_no_children(&daemon);
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

/// It leads its group no more: it has gone over to that of its child.
const CHANGES_ITS_GROUP: &str = "
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    os.setpgid(child, child)
    os.setpgid(0, child)
    os.write(1, b'on\\n')
while True:
    time.sleep(1000)
";

#[test]
fn one_that_has_left_its_own_group_is_killed_as_well() {
    if !is_installed("python3") {
        return;
    }
    // Long enough for Python to start beside other work.
    let limits = ["--timeout", "5s", "--kill-after", "100ms"];
    let mut daemon = program(&limits, &["python3", "-c", CHANGES_ITS_GROUP]);
    let client = connect(&daemon.address);
    assert_eq!(take_line(&client), "on");
    assert_eq!(take_to_end(&client), b"");
    wait_no_children(&daemon);
    drop(client);
    let expected = "1 program run: 0 ended well, 1 stopped after --timeout";
    assert_eq!(summary(&daemon.stop()), expected);
}

#[test]
pub(crate) fn what_a_program_leaves_behind_ends_with_it() {
    let nap = Nap::new();
    let mut daemon = shell(&["--workers", "1"], &format!("sleep {} & echo on", nap.0));
    // More often than there are workers: pipes that are still open block no worker.
    for _ in 0..3 {
        assert_eq!(take_to_end(&connect(&daemon.address)), b"on\n");
        nap.wait_sleepers(0);
    }
    wait_no_children(&daemon);
    stop_well(&mut daemon, 3);
}

#[test]
pub(crate) fn a_process_that_left_its_group_delays_no_client_and_ends_with_poold() {
    let nap = Nap::new();
    let script = format!("setsid sleep {} >/dev/null & echo on", nap.0);
    let mut daemon = shell(&["--workers", "1"], &script);
    for _ in 0..3 {
        assert_eq!(take_line(&connect(&daemon.address)), "on");
    }
    stop_well(&mut daemon, 3);
    nap.wait_sleepers(0);
}

#[test]
pub(crate) fn in_a_drain_running_programs_go_on_and_waiting_clients_are_refused() {
    let mut daemon = shell(&["--workers", "1", "--drain", "20s"], "echo on; exec cat");
    let runs = connect(&daemon.address);
    assert_eq!(take_line(&runs), "on");
    let waits = connect(&daemon.address);
    send(&waits, "?");
    daemon.interrupt();
    assert_eq!(take_to_end(&waits), b"busy\n");
    drop(waits);
    // Its input has not ended.
    send(&runs, "more\n");
    assert_eq!(take_line(&runs), "more");
    end(&runs);
    assert_eq!(take_to_end(&runs), b"");
    drop(runs);
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!((exit.report().left, exit.report().cut_off), (2, 0));
    assert_eq!(summary(&exit), "1 program run: 1 ended well");
}

#[test]
pub(crate) fn the_deadline_asks_first_and_then_kills() {
    let nap = Nap::new();
    let mut daemon = shell(
        &["--drain", "100ms", "--kill-after", "2s"],
        &format!(
            "read -r how; test $how = deaf && trap '' TERM || trap 'echo asked >&2; exit' TERM; \
             sleep {} & echo on; while :; do wait; done",
            nap.0
        ),
    );
    let clients = ["deaf\n", "polite\n"].map(|how| {
        let client = connect(&daemon.address);
        send(&client, how);
        assert_eq!(take_line(&client), "on");
        client
    });
    let exit = daemon.stop();
    clients.iter().for_each(wait_reset);
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert_eq!(exit.report().cut_off, 2, "{}", exit.stderr);
    assert!(
        exit.stderr.contains("stderr: asked (id=2"),
        "{}",
        exit.stderr
    );
    let expected = "2 programs run: 0 ended well, 2 stopped in the drain";
    assert_eq!(summary(&exit), expected);
    nap.wait_sleepers(0);
}
