//! `poold exec` with real programs, watched from outside.

pub mod children;
pub(crate) mod ends;
mod gets;
pub(crate) mod gone;
mod killed;
pub(crate) mod lines;
mod many;
pub(crate) mod queue;
mod start;
mod strays;
pub(crate) mod talk;
mod terminal;
pub(crate) mod want;

use crate::support::daemon::{Daemon, Exit};

/// `poold exec 127.0.0.1:0 ARGS… --shell SCRIPT`.
fn shell(args: &[&str], script: &str) -> Daemon {
    Daemon::start(&[&["exec", "127.0.0.1:0"], args, &["--shell", script]].concat())
}

/// `poold exec 127.0.0.1:0 ARGS… -- WORDS…`.
fn program(args: &[&str], words: &[&str]) -> Daemon {
    Daemon::start(&[&["exec", "127.0.0.1:0"], args, &["--"], words].concat())
}

/// The last line: how all programs ended.
fn summary(exit: &Exit) -> &str {
    let line = exit
        .stderr
        .lines()
        .rev()
        .find(|line| line.contains(" run: "));
    line.unwrap_or_else(|| panic!("no summary in:\n{}", exit.stderr))
}

/// Stops it; all clients have left, and this many programs ended well and none otherwise.
fn stop_well(daemon: &mut Daemon, ended: usize) -> Exit {
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let plural = if ended == 1 { "" } else { "s" };
    let expected = format!("{ended} program{plural} run: {ended} ended well");
    assert_eq!(summary(&exit), expected);
    exit
}
