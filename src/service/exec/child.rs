//! A program's process: the leader of its own process group. It is always killed and reaped.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, pidfd_send_signal, waitpid};

use super::family::{self, Member};
use super::launch::Launched;

/// See the head of the file. Dropping it kills and reaps.
pub(super) struct Child {
    /// The id of the process and of its group.
    pid: Pid,
    pidfd: OwnedFd,
    /// The client's id.
    client: u64,
    /// The process that adopts its orphans.
    keeper: Option<Pid>,
    /// Descendants that had left the group when it was asked to end.
    strays: Vec<Member>,
    reaped: Option<ExitStatus>,
}

impl Child {
    pub(super) fn new(launched: Launched, client: u64, keeper: Option<Pid>) -> Child {
        let Launched { pid, pidfd } = launched;
        Child {
            pid,
            pidfd,
            client,
            keeper,
            strays: Vec::new(),
            reaped: None,
        }
    }

    /// Asks it and all its descendants to end.
    pub(super) fn ask_to_end(&mut self) {
        self.strays = family::strays(self.pid, self.client, self.keeper);
        self.signal(Signal::TERM);
        for stray in &self.strays {
            stray.signal(Signal::TERM);
            stray.signal(Signal::CONT);
        }
    }

    /// Tells it that its client has gone (HUP).
    pub(super) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        // Fails only if the group has ended already.
        let _ = kill_process_group(self.pid, signal);
        // A stopped process notices a signal only after CONT.
        let _ = kill_process_group(self.pid, Signal::CONT);
    }

    /// Kills the group, and the program itself, which may have left it for another.
    pub(super) fn kill(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Kills descendants that had left its group.
    pub(super) fn kill_strays(&mut self) {
        self.strays
            .extend(family::strays(self.pid, self.client, self.keeper));
        self.strays
            .iter()
            .for_each(|stray| stray.signal(Signal::KILL));
    }

    /// Kills what is left of the group, then takes the process's status. In this order, because the
    /// group's id may be used again once the process is reaped.
    pub(super) fn reap(&mut self) -> ExitStatus {
        self.kill();
        let status = loop {
            match waitpid(Some(self.pid), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(Some((_, status))) => break ExitStatus::from_raw(status.as_raw()),
                _ => break ExitStatus::default(),
            }
        };
        self.reaped = Some(status);
        status
    }
}

/// Readable when the process has ended.
impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.reaped.is_none() {
            self.reap();
        }
    }
}
