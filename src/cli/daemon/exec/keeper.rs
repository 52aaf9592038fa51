//! The keeper of `poold exec`: a process that starts the server as its child, passes signals on,
//! and waits for it.
//!
//! Orphans of the server's children become children of the keeper (it is a subreaper), so there is
//! no zombie, and when the server ends in any way, the keeper ends all that is left. If the keeper
//! is killed, a signal tells the server, which sees that its parent has changed and ends its
//! children itself. So if either of the two is killed, no program survives.

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, pidfd_open, pidfd_send_signal,
    set_child_subreaper, set_parent_process_death_signal, setsid, wait,
};

use crate::cli::kept::{KEPT_BY, keeper};
use crate::cli::signals::{self, Awaited};
use crate::error::{Error, Result};

/// This program, also after its file was replaced.
const ITSELF: &str = "/proc/self/exe";
/// Maximum wait for the end of killed processes.
const END_MAX: Duration = Duration::from_secs(2);

/// Which of the two this process is.
pub(super) enum Role {
    Server,
    /// The keeper, when its server has ended with this code.
    Keeper(ExitCode),
}

/// In the server: returns at once. In the keeper: starts the server, and returns when it has ended.
///
/// # Errors
/// When the server can't be started or watched.
pub(super) fn keep() -> Result<Role> {
    let cannot = Error::start("the server's process");
    if keeper().is_some() {
        // The keeper may have gone before: then no signal would come.
        set_parent_process_death_signal(Some(Signal::TERM))
            .map_err(|error| cannot(error.into()))?;
        // A session of its own, without a terminal, for its programs as well: Ctrl-C comes to the
        // keeper, which passes it on, once.
        setsid().map_err(|error| cannot(error.into()))?;
        // Without this its name is "exe", as the file that was started.
        let _ = rustix::thread::set_name(c"poold");
        return Ok(Role::Server);
    }
    run().map(Role::Keeper).map_err(cannot)
}

fn run() -> io::Result<ExitCode> {
    set_child_subreaper(Some(getpid()))?;
    signals::outlive_user_signals();
    let awaited = [signals::Signal::SIGUSR1, signals::Signal::SIGCHLD];
    let signals = Awaited::new(&awaited)?;
    let mut words = env::args_os();
    let mut command = Command::new(ITSELF);
    if let Some(name) = words.next() {
        command.arg0(name);
    }
    // Before the server starts: a stop may come as soon as it says that it listens.
    let watched: Arc<OnceLock<OwnedFd>> = Arc::default();
    let told = Arc::clone(&watched);
    signals::pass_on(move || {
        // It may have ended.
        let _ = pidfd_send_signal(told.wait(), Signal::TERM);
    })?;
    let server = command
        .args(words)
        .env(KEPT_BY, getpid().as_raw_pid().to_string())
        // The service manager's sockets and variables are for the server.
        .env_remove("LISTEN_PID")
        .env_remove("WATCHDOG_PID")
        .spawn()
        .map_err(why_not)?;
    let server = Pid::from_child(&server);
    let pidfd = pidfd_open(server, PidfdFlags::empty())?;
    let pidfd = watched.get_or_init(|| pidfd);
    let status = wait_for(server, pidfd, &signals)?;
    end_the_rest();
    Ok(code(status))
}

/// Describes why the server can't be started.
fn why_not(error: io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => "exec needs /proc; mount it",
        io::ErrorKind::WouldBlock => {
            "no process is to be had; raise the limit (ulimit -u, pids.max, TasksMax=)"
        }
        _ => return error,
    };
    io::Error::other(format!("{error}: {advice}"))
}

/// Waits for the server, and reaps orphans meanwhile; passes SIGUSR1 on.
fn wait_for(server: Pid, pidfd: &OwnedFd, signals: &Awaited) -> io::Result<WaitStatus> {
    loop {
        while let Some(signal) = signals.take() {
            if signal == signals::Signal::SIGUSR1 {
                // It may have ended.
                let _ = pidfd_send_signal(pidfd, Signal::USR1);
            }
        }
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == server => return Ok(status),
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                Err(error) => return Err(error.into()),
            }
        }
        // SIGCHLD, which stays pending, reports each child that ends from now on.
        match poll(&mut [PollFd::new(signals, PollFlags::IN)], None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Kills the children that are left, and orphans that this makes.
pub(super) fn end_the_rest() {
    let until = Instant::now() + END_MAX;
    loop {
        let left = children();
        if left.is_empty() || Instant::now() >= until {
            return;
        }
        for child in left {
            if let Ok(pidfd) = pidfd_open(child, PidfdFlags::empty()) {
                let _ = pidfd_send_signal(&pidfd, Signal::KILL);
                let most = until.saturating_duration_since(Instant::now());
                let most = Timespec::try_from(most).ok();
                let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], most.as_ref());
            }
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    }
}

/// The children of this process.
fn children() -> Vec<Pid> {
    let own = getpid();
    let Ok(all) = Path::new("/proc").read_dir() else {
        return Vec::new();
    };
    let numbers = all.flatten().filter_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name in parentheses: the state, then the parent.
        let (_, fields) = stat.rsplit_once(") ")?;
        let parent: i32 = fields.split(' ').nth(1)?.parse().ok()?;
        (parent == own.as_raw_pid()).then_some(number)
    });
    numbers.filter_map(Pid::from_raw).collect()
}

/// The server's exit code, or 128 + N for signal N, as shells show it.
fn code(status: WaitStatus) -> ExitCode {
    let code = match status.terminating_signal() {
        Some(signal) => {
            eprintln!("poold: signal {signal} ended the server; its programs are ended");
            128 + signal
        }
        None => status.exit_status().unwrap_or(1),
    };
    u8::try_from(code).unwrap_or(1).into()
}
