//! The terminal that poold was started in stays poold's alone.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::daemon::{Guard, POOLD};
use crate::support::net::{connect, send, take_line, take_to_end};
use crate::support::passed::lacks;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::Spool;

/// Tries to read from the terminal, then waits for two lines of the client.
const PROGRAM: &str = "#!/bin/sh
(read stolen </dev/tty) 2>/dev/null && echo stolen
read line; echo got $line; read line; echo whole
";

#[test]
fn a_program_cannot_open_the_terminal_and_does_not_see_its_interrupt() {
    let scratch = Scratch::new();
    let program = scratch.join("program");
    std::fs::write(&program, PROGRAM).expect("our own directory");
    let run = format!("{POOLD} exec 127.0.0.1:0 -- sh {}", text(&program));
    let mut command = Command::new("script");
    command.args(["-qfec", &run, "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(child) = command.spawn() else {
        lacks("script");
        return;
    };
    let mut guard = Guard(child);
    let shown = Spool::of(guard.0.stdout.take().expect("piped"));
    let line = shown.wait_line("listening on ");
    let (_, address) = line.split_once("listening on ").expect("it is in it");
    let client = connect(address.trim_end());
    send(&client, "one\n");
    assert_eq!(take_line(&client), "got one");
    // Ctrl-C, as a terminal sends it.
    let mut keys = guard.0.stdin.take().expect("piped");
    keys.write_all(b"\x03").expect("it reads");
    shown.wait_line("draining; press Ctrl-C again");
    send(&client, "two\n");
    assert_eq!(take_to_end(&client), b"whole\n");
    shown.wait_line("1 client left, 0 cut off");
    guard.wait_exit();
}
