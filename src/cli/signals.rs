//! Signals; the only file that names `ctrlc`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::SigSet;
pub(super) use nix::sys::signal::Signal;
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::kept;
use crate::drain::ServerPhase;
use crate::error::{Error, Result};
use crate::server::Handle;

static IS_LEFT_ALONE: AtomicBool = AtomicBool::new(false);

/// From now on no signal hurries a drain. For a process that has a successor: a service manager
/// that stops the service also signals the old process, and again when the new one has ended.
pub(super) fn leave_alone() {
    IS_LEFT_ALONE.store(true, Ordering::Relaxed);
}

/// From now on a write beyond the file size limit (`ulimit -f`) fails, as on a full disk, and does
/// not end the process. For this thread and threads that it starts; programs start without it.
pub(super) fn outlive_file_limit() {
    block(Signal::SIGXFSZ);
}

/// Keeps SIGHUP ignored if it was ignored at the start, as with `nohup`: the handler would end
/// that. For a process without other threads; threads that it starts inherit it.
pub(super) fn respect_nohup() {
    if is_ignored(Signal::SIGHUP) {
        block(Signal::SIGHUP);
    }
}

/// Whether SIGCHLD was ignored at the start. The system then discards the exit status of children
/// (wait(2)), and a failed program seems to have ended well.
pub(super) fn ends_are_ignored() -> bool {
    is_ignored(Signal::SIGCHLD)
}

/// The signals that end a daemon: HUP is not one if it was ignored at the start.
pub(super) fn ends() -> impl Iterator<Item = Signal> {
    let all = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    all.into_iter()
        .filter(|signal| *signal != Signal::SIGHUP || !is_ignored(*signal))
}

/// Lets the signals that end a daemon come: the keeper holds them back, and so does what it starts.
pub(super) fn let_ends_come() {
    let ends: SigSet = ends().collect();
    if let Err(error) = ends.thread_unblock() {
        tracing::debug!(%error, "signals can't be unblocked");
    }
}

/// Whether this process ignores a signal, from proc_pid_status(5).
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Bit 0 is signal 1.
    mask.is_some_and(|mask| mask >> (signal as u32 - 1) & 1 == 1)
}

/// Ignores SIGUSR2, and keeps SIGUSR1 until it is [taken](Awaited::take). For threads and programs
/// as [`outlive_file_limit`].
pub(super) fn outlive_user_signals() {
    block(Signal::SIGUSR1);
    block(Signal::SIGUSR2);
}

/// Signals that only make this readable.
pub(super) struct Awaited(SignalFd);

impl Awaited {
    /// Call before other threads are started.
    pub(super) fn new(signals: &[Signal]) -> io::Result<Awaited> {
        signals.iter().copied().for_each(block);
        let signals = signals.iter().copied().collect();
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Awaited(SignalFd::with_flags(&signals, flags)?))
    }

    /// Takes a signal that has come.
    pub(super) fn take(&self) -> Option<Signal> {
        let come = self.0.read_signal().ok()??;
        Signal::try_from(come.ssi_signo.cast_signed()).ok()
    }
}

impl AsFd for Awaited {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn block(signal: Signal) {
    let mut signals = SigSet::empty();
    signals.add(signal);
    if let Err(error) = signals.thread_block() {
        tracing::debug!(%error, "{signal} can't be blocked");
    }
}

/// Makes Ctrl-C, SIGTERM and SIGHUP call this instead of ending the process.
///
/// # Errors
/// When the handler can't be installed, because the process has one.
pub(super) fn pass_on(act: impl FnMut() + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(act).map_err(|error| match error {
        ctrlc::Error::System(error) => error,
        other => io::Error::other(other),
    })
}

/// Makes Ctrl-C, SIGTERM and SIGHUP drain the server, after a delay if there is one; another signal
/// during the delay drains at once, and during the drain brings its deadline forward to now. If a
/// drain began for another reason, the first signal changes nothing, except that it takes back the
/// longer time of a hand-over: its sender may not know of that drain.
///
/// # Errors
/// As [`pass_on`].
pub(super) fn drain_on_signal(server: &Handle, delay: Duration) -> Result<()> {
    let server = server.clone();
    let mut is_first = true;
    let act = move |is_first: bool| match server.phase() {
        // The keeper was killed, so the server ends as well.
        _ if kept::is_gone() => server.hurry(),
        ServerPhase::Running if !server.is_leaving() && !delay.is_zero() => {
            let time = humantime::format_duration(delay);
            tracing::info!("draining in {time}; press Ctrl-C again to drain at once");
            server.drain_after(delay);
        }
        ServerPhase::Running => {
            let clients = Some(server.stats().clients).filter(|clients| *clients > 0);
            tracing::info!(clients, "draining; press Ctrl-C again to end at once");
            server.drain();
        }
        _ if IS_LEFT_ALONE.load(Ordering::Relaxed) => {
            server.drain();
            tracing::info!("draining already; --drain is the longest that it takes");
        }
        _ if is_first => {
            server.drain();
            tracing::info!("draining already; press Ctrl-C again to end at once");
        }
        _ => server.hurry(),
    };
    pass_on(move || {
        act(is_first);
        is_first = false;
    })
    .map_err(Error::start("the signal handler"))
}
