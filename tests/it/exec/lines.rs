//! `--lines`: a program for each message.

use super::children::Nap;
use super::{program, shell, summary};
use crate::support::net::{connect, end, send, take, take_line, take_to_end};

#[test]
pub(crate) fn each_message_is_answered_by_a_program_and_idle_clients_hold_no_worker() {
    let mut daemon = program(&["--lines", "--workers", "1"], &["tr", "a-z", "A-Z"]);
    let clients: Vec<_> = (0..5).map(|_| connect(&daemon.address)).collect();
    for round in ["one", "two"] {
        for client in &clients {
            send(client, format!("{round}\r\n"));
            assert_eq!(take_line(client), round.to_uppercase());
        }
    }
    send(&clients[0], "three\nlast");
    end(&clients[0]);
    assert_eq!(take_to_end(&clients[0]), b"THREE\nLAST\n");
    drop(clients);
    let exit = daemon.stop();
    assert_eq!((exit.code, exit.report().delivered), (Some(0), 12));
    assert_eq!(summary(&exit), "12 programs run: 12 ended well");
}

#[test]
pub(crate) fn a_message_is_all_that_a_program_reads_and_all_that_it_prints_is_the_reply() {
    let script = "wc -c; echo second; exit 1";
    let mut daemon = shell(&["--lines", "--framing", "len16"], script);
    let client = connect(&daemon.address);
    send(&client, b"\0\x05a\nb\nc");
    assert_eq!(take(&client, 11), b"\0\x095\nsecond\n");
    // Longer than a pipe holds, both ways, and a program that does not read it.
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
    let mut daemon = program(
        &["--lines", "--message-max", "1m", "--reply-max", "1m"],
        &["cat"],
    );
    let client = connect(&daemon.address);
    let line = "x".repeat(500_000);
    send(&client, format!("{line}\n"));
    assert!(take_line(&client) == line);
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
    let mut daemon = program(&["--lines", "--message-max", "1m"], &["true"]);
    let client = connect(&daemon.address);
    send(&client, format!("{line}\nagain\n"));
    assert_eq!(
        (take_line(&client), take_line(&client)),
        (String::new(), String::new())
    );
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
pub(crate) fn a_typed_line_is_a_line_for_its_program_too() {
    let script = "while read -r line; do echo \"$line!\"; done";
    let mut daemon = shell(&["--lines", "--framing", "typed"], script);
    let client = connect(&daemon.address);
    send(&client, "one\r\ntwo\r");
    end(&client);
    assert_eq!(take_to_end(&client), b"one!\ntwo!\n");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
pub(crate) fn a_program_that_prints_too_much_or_takes_too_long_is_stopped_and_its_client_closed() {
    let args = [
        "--lines",
        "--reply-max",
        "10",
        "--timeout",
        "3s",
        "--kill-after",
        "50ms",
    ];
    let nap = Nap::new();
    let script = format!(
        "read -r how; case $how in long) yes;; *) exec sleep {};; esac",
        nap.0
    );
    let mut daemon = shell(&args, &script);
    let long = connect(&daemon.address);
    send(&long, "long\n");
    assert_eq!(take_to_end(&long), b"y\ny\ny\ny\ny\n");
    let slow = connect(&daemon.address);
    send(&slow, "slow\n");
    assert_eq!(take_to_end(&slow), b"");
    nap.wait_sleepers(0);
    drop((long, slow));
    let exit = daemon.stop();
    let expected = "2 programs run: 0 ended well, 1 stopped after --timeout, \
                    1 stopped after --reply-max";
    assert_eq!(summary(&exit), expected);
}

#[test]
pub(crate) fn the_deadline_of_a_drain_stops_them() {
    let nap = Nap::new();
    let args = ["--lines", "--drain", "100ms", "--kill-after", "100ms"];
    let mut daemon = program(&args, &["sleep", &nap.0]);
    let client = connect(&daemon.address);
    send(&client, "go\n");
    nap.wait_sleepers(1);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert_eq!(nap.sleepers(), 0);
    assert_eq!(
        summary(&exit),
        "1 program run: 0 ended well, 1 stopped in the drain"
    );
}
