//! Chat with what people have at hand: nc, ncat, telnet.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::daemon::Guard;
use crate::net::take_line;
use crate::spool::Spool;
use crate::talk::{Talker, chat};

/// Starts a program that talks to the chat; `None` if it is not installed.
fn start(program: &str, args: &[&str]) -> Option<Guard> {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    match command.stderr(Stdio::null()).spawn() {
        Ok(child) => Some(Guard(child)),
        Err(_) => {
            let must = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!must, "{program} is missing, and this is CI");
            eprintln!("passed over: {program} is not installed");
            None
        }
    }
}

// (The telnet of Debian drops the byte 0x80, so the words here do without it.)
/// A person at a terminal talks with somebody else, and leaves.
fn talks_both_ways(program: &str) {
    let daemon = chat(&[]);
    let (host, port) = daemon.address.rsplit_once(':').expect("a port");
    let ann = Talker::named(&daemon, "ann");
    let Some(mut guard) = start(program, &[host, port]) else {
        return;
    };
    let shown = Spool::of(guard.0.stdout.take().expect("piped"));
    let mut stdin = guard.0.stdin.take().expect("piped");
    shown.wait_line("-- welcome; you are guest-2, in lobby with 1 other; /help");
    stdin
        .write_all("/nick Jürgen\nhello 世界\n".as_bytes())
        .expect("it reads");
    ann.wait("<Jürgen> hello 世界");
    ann.say("welcome, Jürgen");
    shown.wait_line("<ann> welcome, Jürgen");
    stdin.write_all(b"/quit\n").expect("it reads");
    shown.wait_line("-- goodbye");
    ann.wait("-- Jürgen left");
    drop(stdin);
    guard.wait_exit();
}

#[test]
fn nc_talks_both_ways() {
    talks_both_ways("nc");
}

#[test]
fn ncat_talks_both_ways() {
    talks_both_ways("ncat");
}

#[test]
fn telnet_talks_both_ways() {
    talks_both_ways("telnet");
}

#[test]
fn a_line_piped_into_nc_is_heard_and_comes_back() {
    let daemon = chat(&[]);
    let (host, port) = daemon.address.rsplit_once(':').expect("a port");
    let ann = Talker::named(&daemon, "ann");
    let Some(mut guard) = start("nc", &["-N", host, port]) else {
        return;
    };
    let shown = Spool::of(guard.0.stdout.take().expect("piped"));
    let mut stdin = guard.0.stdin.take().expect("piped");
    stdin.write_all(b"hello").expect("it reads");
    drop(stdin);
    guard.wait_exit();
    assert!(shown.wait_end().ends_with(b"<guest-2> hello\n"));
    ann.wait("<guest-2> hello");
    assert_eq!(take_line(&ann.stream), "-- guest-2 left");
}
