//! The successor's start: this program again, as it was started.
//!
//! A service manager minds its own children. A main process that is not one is killed at once where
//! it should be waited for, and its end may go unnoticed. So under a manager the successor's parent
//! is a go-between, a process that waits for it and ends as it does. When that is killed, the
//! manager gets the successor for a child, and only then is it named as the main process.

use std::env;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::cli::exit;

/// Makes a process a go-between.
const GO_BETWEEN: &str = "POOLD_GO_BETWEEN";
/// The program that runs, also after its file was replaced.
const ITSELF: &str = "/proc/self/exe";

/// A process that was started to be the successor.
pub(super) enum Successor {
    Own(Child),
    /// The manager's, once this one is killed.
    Behind(Child),
}

impl Successor {
    /// Starts this program again: by the same path, so that a new version is found there, with the
    /// same arguments, and told to take over.
    pub(super) fn start() -> io::Result<Successor> {
        if env::var_os("NOTIFY_SOCKET").is_none() {
            return again()?.spawn().map(Successor::Own);
        }
        // A group of its own, so that one signal ends it and the process behind it.
        let go_between = Command::new(ITSELF)
            .arg0(program()?)
            .args(env::args_os().skip(1))
            .env(GO_BETWEEN, "true")
            .process_group(0)
            .spawn();
        go_between.map(Successor::Behind)
    }

    /// How it has ended, if it has.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        match self {
            Successor::Own(child) | Successor::Behind(child) => child.try_wait(),
        }
    }

    /// Ends it.
    pub(super) fn kill(&mut self) {
        let child = match self {
            Successor::Own(child) => {
                let _ = child.kill();
                child
            }
            Successor::Behind(child) => {
                let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
                child
            }
        };
        let _ = child.wait();
    }

    /// Makes it the manager's child, if there is one.
    pub(super) fn let_go(&mut self) {
        if let Successor::Behind(child) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// If this process was started to be a go-between: is that, and answers when it is over.
pub(in crate::cli) fn go_between() -> Option<ExitCode> {
    env::var_os(GO_BETWEEN)?;
    let ended = again().and_then(|mut command| command.env_remove(GO_BETWEEN).status());
    Some(match ended {
        Ok(status) => {
            let code = status.code().or(status.signal().map(|signal| 128 + signal));
            let code = code.and_then(|code| u8::try_from(code).ok());
            code.unwrap_or(exit::FAILED).into()
        }
        Err(error) => exit::failure(&format!("cannot start the new process: {error}")),
    })
}

fn again() -> io::Result<Command> {
    let mut command = Command::new(program()?);
    command
        .args(env::args_os().skip(1))
        .env("POOLD_TAKE_OVER", "true");
    // They are for one process: the first.
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
    Ok(command)
}

fn program() -> io::Result<std::ffi::OsString> {
    let unknown = || io::Error::other("nobody knows by what name this was started");
    env::args_os().next().ok_or_else(unknown)
}
