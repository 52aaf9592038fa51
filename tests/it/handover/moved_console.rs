//! A chat with a console is restarted: what is typed is said once, and in its order.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::daemon::{Guard, POOLD, poold};
use crate::support::net::{connect, take_line};
use crate::support::passed::lacks;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::Spool;

/// Lines that are typed and not heard yet: far less than a terminal keeps.
const AHEAD: usize = 10;

#[test]
fn what_is_typed_at_the_console_is_said_once() {
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    // The shell stays, so the terminal is not taken from the successors.
    let shell = format!(
        "{POOLD} chat 127.0.0.1:0 --rate off --overload off --control {control}; sleep 1000"
    );
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
    let line = screen.wait_line("listening on ");
    let (_, address) = line.split_once("listening on ").expect("it is in it");
    screen.wait_line("-- welcome; you are console");
    let ann = connect(address.trim_end());
    assert!(take_line(&ann).starts_with("-- welcome"));
    let (mut typed, mut heard, mut now) = (0, 0, None);
    for _ in 0..3 {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let restart = scope.spawn(|| {
                let output = poold(&["restart", "--control", &control]).output();
                is_over.store(true, Ordering::Relaxed);
                let said = output.expect("poold starts").stdout;
                let said = String::from_utf8(said).expect("UTF-8");
                let pid = said.split_whitespace().find_map(|word| word.parse().ok());
                pid.and_then(Pid::from_raw).expect("a process id")
            });
            let mut left = 2 * AHEAD;
            while left > 0 {
                if is_over.load(Ordering::Relaxed) {
                    left -= 1;
                }
                let line = format!("number {typed}\n");
                keys.write_all(line.as_bytes()).expect("it reads");
                typed += 1;
                while heard + AHEAD < typed {
                    assert_eq!(take_line(&ann), format!("<console> number {heard}"));
                    heard += 1;
                }
            }
            now = Some(restart.join().expect("it is restarted"));
        });
    }
    while heard < typed {
        assert_eq!(take_line(&ann), format!("<console> number {heard}"));
        heard += 1;
    }
    kill_process(now.expect("it was restarted"), Signal::TERM).expect("it runs");
    drop(ann);
    screen.wait_line("drained in ");
}
