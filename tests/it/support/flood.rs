//! `poold flood` as the client of a test, and its check of what a receiver has printed.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use rustix::process::{Signal, kill_process};
use serde_json::Value;

use crate::support::daemon::{Guard, poold, stand_still};
use crate::support::spool::Spool;

/// A running `poold flood`.
pub struct Flood {
    guard: Guard,
    stdout: Spool,
    stderr: Spool,
}

impl Flood {
    pub fn start(address: &str, args: &[&str]) -> Flood {
        Flood::spawn(&[&["flood", address, "--json", "-q"], args].concat(), &[])
    }

    fn spawn(args: &[&str], input: &[u8]) -> Flood {
        let mut command = poold(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut guard = Guard(command.spawn().expect("poold starts"));
        let stdout = Spool::of(guard.0.stdout.take().expect("piped"));
        let stderr = Spool::of(guard.0.stderr.take().expect("piped"));
        let mut stdin = guard.0.stdin.take().expect("piped");
        stdin.write_all(input).expect("it reads all");
        Flood {
            guard,
            stdout,
            stderr,
        }
    }

    /// Sends Ctrl-C.
    pub fn interrupt(&self) {
        kill_process(self.guard.pid(), Signal::INT).expect("our own child");
    }

    /// Stops it until it may go on.
    pub fn stand_still(&self) {
        stand_still(self.guard.pid());
    }

    pub fn go_on(&self) {
        kill_process(self.guard.pid(), Signal::CONT).expect("our own child");
    }

    /// Waits for the exit of a flood that prints no result; returns the exit code.
    pub fn wait_silent(mut self) -> Option<i32> {
        let code = self.guard.wait_exit();
        assert_eq!(self.stdout.wait_end(), b"");
        code
    }

    /// Waits for the exit; returns the exit code and the result.
    pub fn wait(mut self) -> (Option<i32>, Value) {
        let code = self.guard.wait_exit();
        let result = serde_json::from_slice(&self.stdout.wait_end());
        let trouble = self.stderr.text();
        (
            code,
            result.unwrap_or_else(|error| panic!("{error}: {trouble}")),
        )
    }

    /// Waits for the exit and asserts that the flood found no fault; returns the result.
    pub fn wait_good(self) -> Value {
        let (code, result) = self.wait();
        assert_eq!(code, Some(0), "{result}");
        result
    }
}

/// Runs a flood and asserts that it finds no fault; returns the result.
pub fn flood(address: &str, args: &[&str]) -> Value {
    Flood::start(address, args).wait_good()
}

/// Checks what a receiver has printed, with `flood --check`.
pub fn check(printed: &[u8], args: &[&str]) -> Value {
    Flood::spawn(
        &[&["flood", "--check", "-", "--json"], args].concat(),
        printed,
    )
    .wait_good()
}

/// The printed messages by client of the flood: its peer label, and its sequence numbers in order.
pub fn by_client(printed: &[u8]) -> BTreeMap<u64, (String, Vec<u64>)> {
    let mut clients: BTreeMap<u64, (String, Vec<u64>)> = BTreeMap::new();
    for line in str::from_utf8(printed).expect("text is UTF-8").lines() {
        let (label, message) = line
            .split_once(": ")
            .unwrap_or_else(|| panic!("torn: {line}"));
        let words: Vec<&str> = message.split(' ').collect();
        let ["flood", _, client, number, padding] = words[..] else {
            panic!("torn: {line}");
        };
        assert!(padding.ends_with('.'), "torn: {line}");
        let client = client.parse().expect("a number");
        let (peer, numbers) = clients.entry(client).or_default();
        if peer.is_empty() {
            label.clone_into(peer);
        }
        assert_eq!(peer, label, "one client, one connection");
        numbers.push(number.parse().expect("a number"));
    }
    clients
}
