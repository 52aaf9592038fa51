//! A chat in the background of a shell, which has the terminal.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::daemon::{Guard, POOLD};
use crate::support::net::{connect, send, take_line};
use crate::support::passed::lacks;
use crate::support::spool::Spool;

#[test]
fn what_is_typed_for_the_shell_does_not_stop_it() {
    let shell =
        format!("sh -mc '{POOLD} chat 127.0.0.1:0 & read one; echo got $one; read two; fg'");
    let mut command = Command::new("script");
    command.args(["-qfec", &shell, "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(child) = command.spawn() else {
        lacks("script");
        return;
    };
    let mut guard = Guard(child);
    let screen = Spool::of(guard.0.stdout.take().expect("piped"));
    let mut keys = guard.0.stdin.take().expect("piped");
    let mut type_in = |keystrokes: &str| keys.write_all(keystrokes.as_bytes()).expect("it reads");
    let line = screen.wait_line("listening on ");
    let (_, address) = line.split_once("listening on ").expect("it is in it");
    screen.wait_line("-- welcome; you are console");
    type_in("first\n");
    screen.wait_line("got first");
    let eve = connect(address.trim_end());
    assert!(take_line(&eve).starts_with("-- welcome"));
    send(&eve, "hello\n");
    assert_eq!(take_line(&eve), "<guest-1> hello");
    // Brought to the front, it listens.
    type_in("second\n");
    screen.wait_line(" chat 127.0.0.1:0");
    type_in("to all\n");
    assert_eq!(take_line(&eve), "<console> to all");
    drop(eve);
    type_in("\x03");
    screen.wait_line("drained in ");
    guard.wait_exit();
}
