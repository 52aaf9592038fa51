//! The keeper of `poold exec`: a process that starts the server as its child, passes signals on,
//! and waits for it.
//!
//! Orphans of the server's children become children of the keeper (it is a subreaper), so there is
//! no zombie, and when the server ends in any way, the keeper ends all that is left. If the keeper
//! is killed, a signal tells the server, which sees that its parent has changed and ends its
//! children itself. So if either of the two is killed, no program survives.
//!
//! ```text
//! first keeper ─┬─ server ── programs                drains: no client, as long as programs run
//!               └─ keeper ── server ── programs      the successor
//! ```
//!
//! So what a server starts ends with it, and a successor must not: a server with a control socket
//! asks the first keeper, over a socket that is its standard input, to start one, with a keeper of
//! its own. Each keeper has the orphans of its own server's programs. The first one stays until all
//! have ended: a service manager, a shell or a container that waits for poold waits for it. It
//! understands one request only, so that it may be older than the others.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{
    Signal, WaitStatus, getpid, set_child_subreaper, set_parent_process_death_signal, setsid,
};

use super::wards::Wards;
use crate::cli::kept::{self, FIRST_KEEPER, KEPT_BY, keeper};
use crate::cli::signals::{self, Awaited};
use crate::error::{Error, Result};

/// This program, also after its file was replaced.
const ITSELF: &str = "/proc/self/exe";

/// Which of the two this process is.
pub(super) enum Role {
    Server,
    /// The keeper, when its server has ended with this code.
    Keeper(ExitCode),
}

/// In the server: returns at once. In the keeper: starts the server, and returns when it has ended.
/// A server that `may_restart` can ask for a successor.
///
/// # Errors
/// When the server can't be started or watched.
pub(super) fn keep(may_restart: bool) -> Result<Role> {
    let cannot = Error::start("the server's process");
    if !kept::is_server() {
        return run(may_restart).map(Role::Keeper).map_err(cannot);
    }
    if keeper().is_none() {
        // No signal would come.
        return Err(cannot(io::Error::other("its keeper has ended")));
    }
    be_kept(may_restart).map_err(cannot)?;
    Ok(Role::Server)
}

fn be_kept(may_restart: bool) -> io::Result<()> {
    // The keeper may have gone before: `kept::is_gone` sees it.
    set_parent_process_death_signal(Some(Signal::TERM))?;
    signals::let_ends_come();
    // A session of its own, without a terminal, for its programs as well: Ctrl-C comes to the
    // keeper, which passes it on, once.
    setsid()?;
    // Without this its name is "exe", as the file that was started.
    let _ = rustix::thread::set_name(c"poold");
    match may_restart {
        true => kept::take_socket(),
        false => Ok(()),
    }
}

fn run(may_restart: bool) -> io::Result<ExitCode> {
    set_child_subreaper(Some(getpid()))?;
    let is_first = kept::parent_named(FIRST_KEEPER).is_none();
    if !is_first {
        // Its server ends as well then.
        set_parent_process_death_signal(Some(Signal::TERM))?;
    }
    signals::outlive_user_signals();
    let awaited = [signals::Signal::SIGUSR1, signals::Signal::SIGCHLD];
    let awaited: Vec<_> = awaited.into_iter().chain(signals::ends()).collect();
    let signals = Awaited::new(&awaited)?;
    let mut words = env::args_os();
    let mut command = Command::new(ITSELF);
    if let Some(name) = words.next() {
        command.arg0(name);
    }
    command
        .args(words)
        .env(KEPT_BY, getpid().as_raw_pid().to_string())
        // The service manager's sockets and variables are for the server.
        .env_remove("LISTEN_PID")
        .env_remove("WATCHDOG_PID");
    // The server of a successor has this one's standard input, the socket to the first keeper.
    let mut wards = Wards::of_server(command, may_restart && is_first).map_err(why_not)?;
    let status = wards.wait_for_all(&signals)?;
    kept::end_the_rest(&[]);
    Ok(code(status))
}

/// Describes why the server can't be started.
fn why_not(error: io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => "exec needs /proc; mount it",
        io::ErrorKind::WouldBlock => {
            "no process can be started; raise the limit (ulimit -u, pids.max, TasksMax=)"
        }
        _ => return error,
    };
    io::Error::other(format!("{error}: {advice}"))
}

/// The server's exit code, or 128 + N for signal N, as shells show it.
fn code(status: WaitStatus) -> ExitCode {
    let code = match status.terminating_signal() {
        Some(signal) => 128 + signal,
        None => status.exit_status().unwrap_or(1),
    };
    u8::try_from(code).unwrap_or(1).into()
}
