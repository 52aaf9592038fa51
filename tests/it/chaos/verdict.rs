//! The checks after the last client has gone.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rustix::process::Signal;

use super::checker;
use crate::support::daemon::{Daemon, Exit};

fn terminate(mut daemon: Daemon) -> Exit {
    daemon.signal(Signal::TERM);
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(!exit.stderr.contains("panicked"), "{}", exit.stderr);
    let report = exit.report();
    assert_eq!(
        (report.left, report.cut_off),
        (0, 0),
        "no client was connected"
    );
    assert_eq!(report.received, report.delivered);
    exit
}

pub fn of_echo(daemon: Daemon) {
    let report = terminate(daemon).report();
    eprintln!("chaos: echo received and delivered {}", report.received);
}

/// Every line of the file is whole and counted; each checker's are all there, once, in order.
pub fn of_recv(daemon: Daemon, file: &Path, sent: &[u64], warm_up: u64) {
    let report = terminate(daemon).report();
    let printed = BufReader::new(File::open(file).expect("it was written"));
    let mut next = vec![0; sent.len()];
    let mut lines = 0;
    for line in printed.lines() {
        let line = line.expect("text is UTF-8");
        lines += 1;
        assert!(line.starts_with("Message from 127.0.0.1:"), "torn: {line}");
        let Some((_, message)) = line.split_once(": checker ") else {
            continue;
        };
        let checker = message.split(' ').next().and_then(|word| word.parse().ok());
        let checker: usize = checker.unwrap_or_else(|| panic!("torn: {line}"));
        let expected = checker::line(checker as u64, next[checker]);
        let found = format!("checker {message}\n");
        assert!(found == expected, "expected {expected} but found {found}");
        next[checker] += 1;
    }
    eprintln!("chaos: recv received {lines}, of these the checkers' {next:?}");
    assert_eq!(next, sent, "of each checker, in the file and sent");
    assert_eq!((report.received, report.delivered), (lines, lines));
    assert!(lines >= warm_up + sent.iter().sum::<u64>());
}
