//! Real senders that lose messages when their connection ends: none over three restarts.
//!
//! As they were before, Python's `SysLogHandler` and pino-socket lost every message after a restart,
//! and graypy, pygelf and logging-gelf one.

use std::io::Write;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::takeover::Line;
use crate::recv::senders::{Running, node, python};
use crate::support::daemon::calm;
use crate::support::passed::brought;
use crate::support::scratch::Scratch;

const RESTARTS: usize = 3;
const MESSAGES: usize = 60;
/// Between two messages, so that they come before, in and after the restarts.
const PACE: Duration = Duration::from_millis(20);

/// Runs a sender of so many messages across the restarts.
fn run(who: &str, framing: &str, start: impl Fn(&str) -> Running) {
    let dir = Scratch::new();
    let args = [
        "recv",
        "127.0.0.1:0",
        "--format",
        "json",
        "--framing",
        framing,
    ];
    let mut line = Line::start(&dir, &calm(&args));
    let port = line.first.address.rsplit_once(':').expect("a port").1;
    let mut running = start(port);
    let mut input = running.guard.0.stdin.take().expect("piped");
    let mut say = move |number: usize| writeln!(input, "message {number} .").expect("it reads");
    say(0);
    line.first.stdout.wait_lines(1);
    thread::scope(|scope| {
        let said = scope.spawn(move || {
            for number in 1..MESSAGES {
                say(number);
                thread::sleep(PACE);
            }
            // Its input ends when all has arrived.
            say
        });
        (0..RESTARTS).for_each(|_| line.restart());
        let say = said.join().expect("it reads");
        line.first.stdout.wait_lines(MESSAGES);
        drop(say);
    });
    running.end();
    let log = line.stop();
    assert_eq!(
        log.matches("moved=1, stayed=0").count(),
        RESTARTS,
        "{who}: {log}"
    );
    let printed = String::from_utf8(line.first.stdout.wait_end()).expect("JSON is UTF-8");
    for (number, line) in printed.lines().enumerate() {
        let line: Value = serde_json::from_str(line).expect("one object a line");
        let message = line["message"].as_str().expect("a text");
        assert!(
            message.contains(&format!("message {number} .")),
            "{who}: {message}"
        );
    }
    assert_eq!(printed.lines().count(), MESSAGES, "{who}");
}

#[test]
fn real_senders_lose_nothing_in_restarts() {
    let (Some(venv), Some(modules)) = (brought("venv"), brought("node_modules")) else {
        return;
    };
    thread::scope(|scope| {
        for (who, framing) in [
            ("syslog", "nul"),
            ("graypy", "gelf"),
            ("pygelf", "gelf"),
            ("logging-gelf", "gelf"),
        ] {
            let venv = &venv;
            scope.spawn(move || {
                run(who, framing, |port| {
                    Running::start(python(venv, who, port).arg("-"))
                });
            });
        }
        run("pino-socket", "lines", |port| {
            Running::start(node(&modules, "pino-socket", port).arg("-"))
        });
    });
}
