//! `poold flood` with many clients on many threads.

use std::process::{Command, Stdio};

use crate::support::daemon::{Daemon, POOLD};

#[test]
fn a_thread_needs_a_descriptor_as_well() {
    let daemon = Daemon::echo(&[]);
    let mut command = Command::new("sh");
    let script = "ulimit -Sn 128; exec \"$0\" flood \"$@\" -c 100 -n 2 --threads 100 --quiet";
    command.args(["-c", script, POOLD, &daemon.address]);
    let output = command.stdin(Stdio::null()).output();
    let output = output.expect("there is a shell");
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{found}");
    assert!(found.contains("100, 100 connected"), "{found}");
}
