//! `poold client` at a terminal, and what happens to it: signals, a server that is gone or too
//! fast, bytes that are no text.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use nix::pty::openpty;
use rustix::process::{Pid, Signal, kill_process};

use super::client_terminal::Stage;
use crate::support::daemon::{Guard, POOLD, poold};
use crate::support::net::{take_line, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::Spool;
use crate::support::terminal::Terminal;

/// A client at a terminal, and the other side of that.
fn at_terminal(stage: &Stage) -> (Guard, File) {
    let pty = openpty(None, None).expect("a terminal");
    let mut command = poold(&["client", &stage.address]);
    command.env("TERM", "xterm").stderr(Stdio::null());
    command.stdin(pty.slave.try_clone().expect("descriptors"));
    let client = command.stdout(pty.slave).spawn();
    (Guard(client.expect("poold starts")), pty.master.into())
}

#[test]
fn quit_ends_the_wait_for_a_server_that_is_gone() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&[], &[&stage.address]) else {
        return;
    };
    let server = stage.accept();
    terminal.wait_prompt(">");
    drop((server, stage));
    terminal.wait_text("trying again in");
    terminal.enter("/quit");
    terminal.wait_line("exit code 0");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let (stage, scratch) = (Stage::new(), Scratch::new());
    let pid = scratch.join("pid");
    let client = format!(
        "echo $$ >{}; exec {POOLD} client {}",
        text(&pid),
        stage.address
    );
    let Some(terminal) = Terminal::shell_after(&format!("sh -c '{client}'")) else {
        return;
    };
    let _server = stage.accept();
    terminal.wait_prompt(">");
    let pid = std::fs::read_to_string(&pid).expect("written first");
    let pid = pid.trim().parse().ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a number"), Signal::TERM).expect("it runs");
    let screen = terminal.wait_line("exit code 130");
    assert!(
        !screen.iter().any(|line| line.contains("-icanon")),
        "{screen:?}"
    );
}

#[test]
fn what_was_typed_is_sent_though_the_terminal_is_behind() {
    let stage = Stage::new();
    let (mut client, mut terminal) = at_terminal(&stage);
    let server = stage.accept();
    let mut prompt = Vec::new();
    while !prompt.windows(2).any(|two| two == b"> ") {
        let mut piece = [0; 64];
        let length = terminal.read(&mut piece).expect("a terminal");
        prompt.extend_from_slice(&piece[..length]);
    }
    // Until the client reads no more: the editor waits for the terminal, the rest for the editor.
    let most = Some(Duration::from_secs(1));
    server.set_write_timeout(most).expect("a socket");
    let lines = "<bob> and so on\n".repeat(10_000);
    while (&server).write_all(lines.as_bytes()).is_ok() {}
    terminal.write_all(b"bye\r\x04").expect("a terminal");
    let _shown = Spool::of(terminal);
    assert_eq!(take_line(&server), "bye");
    assert_eq!(take_to_end(&server), b"");
    drop(server);
    assert_eq!(client.wait_exit(), Some(0));
}

#[test]
fn what_is_no_utf_8_does_not_end_it() {
    let stage = Stage::new();
    let (_client, mut keyboard) = at_terminal(&stage);
    let server = stage.accept();
    let screen = Spool::of(keyboard.try_clone().expect("descriptors"));
    let mut press = |keys: &[u8]| keyboard.write_all(keys).expect("a terminal");
    screen.wait_times("> ", 1);
    press(b"one \xff");
    screen.wait_times("is no UTF-8", 1);
    press(b"two\r");
    assert_eq!(take_line(&server), "one two");
    // The end of the paste may be lost as well.
    press(b"\x1b[200~bad \xff paste\r\x1b[201~");
    screen.wait_times("is no UTF-8", 2);
    press(b"\x03three\r");
    assert_eq!(take_line(&server), "three");
}
