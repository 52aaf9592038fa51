//! Two signals in the middle of a move: the first one drains, the second one ends.

use rustix::process::Signal;

use super::moved_fails::Successor;
use crate::support::daemon::Daemon;
use crate::support::net::{connect, send, take_all, take_line};
use crate::support::scratch::{Scratch, text};

/// The services, what a client is sent first, and what their clients have in common begins with.
const SERVICES: [(&[&str], &str, Option<&str>); 3] = [
    (&["echo", "127.0.0.1:0"], "x", None),
    (
        &["hub", "127.0.0.1:0", "--echo"],
        "x",
        Some("poold hub 1\n"),
    ),
    (
        &["chat", "127.0.0.1:0"],
        "-- welcome",
        Some("poold chat 1\n"),
    ),
];

#[test]
fn a_client_that_is_between_two_processes_is_counted_and_ends_with_the_old_one() {
    for (service, first, shared) in SERVICES {
        let dir = Scratch::new();
        let control = text(&dir.join("control")).to_owned();
        let args = ["--control", &control, "--drain", "1h"];
        let mut daemon = Daemon::start(&[service, &args[..]].concat());
        let client = connect(&daemon.address);
        send(&client, "x\n");
        assert!(take_line(&client).starts_with(first));
        let mut successor = Successor::ready(&control, 1);
        if let Some(head) = shared {
            successor.take_shared(head, "");
        }
        assert_eq!(successor.hear_clients(), (1, 1));
        daemon.signal(Signal::TERM);
        daemon.stderr.wait_line("draining; press Ctrl-C again");
        daemon.signal(Signal::TERM);
        // The successor says nothing. On a busy machine the client was back before the second
        // signal: then it has had its end, and was not cut off.
        let exit = daemon.wait_exit();
        let report = exit.report();
        let code = if report.cut_off > 0 { 3 } else { 0 };
        assert_eq!(exit.code, Some(code), "{}", exit.stderr);
        assert_eq!(report.left + report.cut_off, 1, "{}", exit.stderr);
        // The end or a reset: nothing else has its descriptor.
        let _ = take_all(&client);
        drop(client);
    }
}
