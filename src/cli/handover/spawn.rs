//! Starts the successor: the same program with the same arguments.
//!
//! A service manager watches its own children. It kills a main process that is not its child at
//! once instead of waiting for it, and may miss its end. So under a manager the successor's parent
//! is an intermediate process that waits for it and exits with the same code. When that process is
//! killed, the manager becomes the successor's parent, and only then is the successor named as the
//! main process.
//!
//! A server with a keeper has that start it: see `daemon/exec/keeper.rs`.

use std::env;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::cli::exit;
use crate::cli::kept::KeptSuccessor;

/// The variable that makes a process an intermediate one.
const GO_BETWEEN: &str = "POOLD_GO_BETWEEN";
/// This program's file, also after the file was replaced.
const ITSELF: &str = "/proc/self/exe";

/// The started successor.
pub(super) enum Successor {
    Own(Child),
    /// The intermediate process, if there is one.
    Behind(Child),
    /// Of a server with a keeper.
    Kept(KeptSuccessor),
}

impl Successor {
    /// Starts this program with the same arguments, told to take over. Uses the same path, so a new
    /// version there is used.
    pub(super) fn start() -> io::Result<Successor> {
        if let Some(kept) = KeptSuccessor::start()? {
            return Ok(Successor::Kept(kept));
        }
        if env::var_os("NOTIFY_SOCKET").is_none() {
            return again()?.spawn().map(Successor::Own);
        }
        // A group of its own, so one signal ends both processes.
        let go_between = Command::new(ITSELF)
            .arg0(program()?)
            .args(env::args_os().skip(1))
            .env(GO_BETWEEN, "true")
            .process_group(0)
            .spawn();
        go_between.map(Successor::Behind)
    }

    /// How it has ended, if it has.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<String>> {
        match self {
            Successor::Own(child) | Successor::Behind(child) => {
                let status = child.try_wait()?;
                Ok(status.map(|status| format!("the new process ended ({status})")))
            }
            // Only its parent knows the status.
            Successor::Kept(kept) => {
                let ended = || "the new process ended".to_owned();
                Ok(kept.has_ended().then(ended))
            }
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
            Successor::Kept(kept) => return kept.kill(),
        };
        let _ = child.wait();
    }

    /// Makes the successor the manager's child, if there is a manager; `false` if the manager goes
    /// on with the first keeper.
    pub(super) fn let_go(&mut self) -> bool {
        if let Successor::Behind(child) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
        !matches!(self, Successor::Kept(_))
    }
}

/// A successor, and when it must be ready.
pub(super) struct Started {
    pub(super) child: Successor,
    pub(super) until: Instant,
}

impl Started {
    /// Why it will not be ready, if so; it has ended then.
    pub(super) fn has_failed(&mut self, now: Instant) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) if now < self.until => None,
            Ok(None) => {
                self.child.kill();
                Some("the new process was not ready in time".to_owned())
            }
            Ok(Some(ended)) => Some(format!("{ended}, its log says why")),
            Err(error) => Some(format!("the new process can't be watched: {error}")),
        }
    }
}

/// Runs the intermediate process, if this is one; answers its exit code.
pub(crate) fn go_between() -> Option<ExitCode> {
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

/// This program with the same arguments, told to take over.
pub(crate) fn again() -> io::Result<Command> {
    let mut command = Command::new(program()?);
    command
        .args(env::args_os().skip(1))
        .env("POOLD_TAKE_OVER", "true");
    // These variables are for the first process only.
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
    Ok(command)
}

fn program() -> io::Result<std::ffi::OsString> {
    let unknown = || io::Error::other("the name by which this was started is unknown");
    env::args_os().next().ok_or_else(unknown)
}
