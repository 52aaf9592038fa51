//! Common clients (nc, ncat, telnet, socat), and bytes that come in awkward pieces.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::daemon::{Daemon, Guard};
use crate::support::net::{connect, end, send, take_to_end};
use crate::support::passed::lacks;

/// Runs a program with this input until it ends by itself; `false` if it is not installed.
fn run(program: &str, args: &[&str], input: &[u8]) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        lacks(program);
        return false;
    };
    let mut guard = Guard(child);
    let mut stdin = guard.0.stdin.take().expect("piped");
    stdin.write_all(input).expect("it reads");
    drop(stdin);
    guard.wait_exit();
    true
}

/// The messages of the printed lines, and whether each was whole.
fn printed_after(program: &str, args: impl Fn(&str, &str) -> Vec<String>) {
    let mut daemon = Daemon::recv(&[]);
    let (host, port) = daemon.address.rsplit_once(':').expect("a port");
    let args = args(host, port);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if !run(program, &args, b"a\nb") {
        return;
    }
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{program}: {}", exit.stderr);
    let lines = exit.lines();
    assert_eq!(lines.len(), 2, "{program}: {lines:?}");
    assert!(
        lines[0].starts_with("Message from 127.0.0.1:"),
        "{program}: {lines:?}"
    );
    assert!(
        lines[0].ends_with(": a") && lines[1].ends_with(" (partial): b"),
        "{lines:?}"
    );
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn nc_sends_a_line_and_a_rest() {
    printed_after("nc", |host, port| words(&["-N", host, port]));
}

#[test]
fn ncat_sends_a_line_and_a_rest() {
    printed_after("ncat", |host, port| words(&["--send-only", host, port]));
}

#[test]
fn socat_sends_a_line_and_a_rest() {
    printed_after("socat", |host, port| {
        words(&["-u", "-", &format!("TCP:{host}:{port}")])
    });
}

#[test]
fn telnet_sends_a_line() {
    let mut daemon = Daemon::recv(&[]);
    let (host, port) = daemon.address.rsplit_once(':').expect("a port");
    let (host, port) = (host.to_owned(), port.to_owned());
    let mut command = Command::new("telnet");
    command
        .args([&host, &port])
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let Ok(child) = command.stderr(Stdio::null()).spawn() else {
        run("telnet", &[], b"");
        return;
    };
    let mut guard = Guard(child);
    // It quits at the end of its input, perhaps before it has sent it: keep that open.
    let mut stdin = guard.0.stdin.take().expect("piped");
    stdin.write_all(b"from telnet\n").expect("it reads");
    daemon.stdout.wait_lines(1);
    drop(guard);
    let exit = daemon.stop();
    assert!(
        exit.lines()[0].ends_with(": from telnet"),
        "{:?}",
        exit.lines()
    );
}

#[test]
fn a_character_that_two_packets_share_stays_whole() {
    let mut daemon = Daemon::recv(&[]);
    let client = connect(&daemon.address);
    send(
        &client,
        "before\n\u{e9}".as_bytes().split_last().expect("bytes").1,
    );
    // The first half has been read for sure when the line before it is printed.
    daemon.stdout.wait_line(": before");
    send(&client, [0xa9]);
    send(&client, "t\u{e9}\n");
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    let exit = daemon.stop();
    assert!(
        exit.lines()[1].ends_with(": \u{e9}t\u{e9}"),
        "{:?}",
        exit.lines()
    );
}
