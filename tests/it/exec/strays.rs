//! Descendants of a program that have left its process group.

use super::children::Nap;
use super::{shell, summary};
use crate::support::net::{connect, take_line, take_to_end};

#[test]
fn a_timeout_also_ends_processes_that_left_the_group() {
    let (nap, others) = (Nap::new(), Nap::new());
    // One whose parent lives, one whose parent has ended, and a child of that one.
    let script = format!(
        "setsid sleep {0} & (setsid sh -c 'sleep {0} & wait' &) ; echo on; trap '' TERM; wait",
        nap.0
    );
    let args = ["--timeout", "5s", "--kill-after", "200ms"];
    let mut daemon = shell(&args, &script);
    let mut other = shell(
        &["--drain", "1s"],
        &format!("setsid sleep {} & echo on; wait", others.0),
    );
    let stays = connect(&other.address);
    assert_eq!(take_line(&stays), "on");
    let client = connect(&daemon.address);
    assert_eq!(take_line(&client), "on");
    nap.wait_sleepers(2);
    assert_eq!(take_to_end(&client), b"");
    nap.wait_sleepers(0);
    // Of a client of the same number, but of another server.
    assert_eq!(others.sleepers(), 1);
    drop(client);
    let exit = daemon.stop();
    let expected = "1 program run: 0 ended well, 1 stopped after --timeout";
    assert_eq!(summary(&exit), expected);
    drop(stays);
    other.stop();
}
