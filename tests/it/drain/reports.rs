//! The last report says what the service has served.

use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, send, take_to_end};
use crate::support::server::{finish, lend, options};
use crate::support::spool::wait_until;

/// Two clients that say a line, and what the daemon says of that in the end.
fn after_two_clients(args: &[&str]) -> String {
    let mut daemon = Daemon::start(args);
    for _ in 0..2 {
        let client = connect(&daemon.address);
        send(&client, "one\n");
        end(&client);
        take_to_end(&client);
    }
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let mut lines = exit.stderr.lines();
    let line = lines.find(|line| line.starts_with("drained in "));
    let line = line.and_then(|line| line.split_once(" cut off, "));
    let (_, report) = line.expect("a report");
    report.to_owned()
}

#[test]
fn each_service_reports_what_it_has_served() {
    for (args, report) in [
        (
            &["exec", "127.0.0.1:0", "--", "cat"][..],
            "2 clients served in all",
        ),
        (
            &["exec", "127.0.0.1:0", "--lines", "--", "cat"],
            "2 messages received, 2 delivered",
        ),
        (&["recv", "127.0.0.1:0"], "2 messages received, 2 delivered"),
        (&["echo", "127.0.0.1:0"], "2 pieces received, 2 delivered"),
        (
            &["echo", "127.0.0.1:0", "--framing", "lines"],
            "2 messages received, 2 delivered",
        ),
        (
            &["discard", "127.0.0.1:0"],
            "2 pieces received, 2 delivered",
        ),
    ] {
        assert_eq!(after_two_clients(args), report, "{args:?}");
    }
}

#[test]
fn a_stream_service_reports_the_clients_that_it_served() {
    let (server, address) = lend(options(), |_| Ok(()));
    let client = connect(&address);
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let handle = server.handle();
    wait_until("it has left", || handle.stats().clients == 0);
    let mut report = finish(server);
    assert_eq!(report.served, 1);
    report.took = Duration::ZERO;
    assert_eq!(
        report.to_string(),
        "drained in 0 ms: 0 clients left, 0 cut off, 1 client served in all"
    );
}
