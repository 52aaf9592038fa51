//! A program's process: the leader of its own process group, and never left behind.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};

use super::family::{self, Member};
use super::launch::Launched;

/// See the head of the file. Dropping it kills and reaps.
pub(super) struct Child {
    /// Of the process and of its group.
    pid: Pid,
    pidfd: OwnedFd,
    /// Its client's number.
    client: u64,
    /// Who takes what it leaves behind.
    keeper: Option<Pid>,
    /// Descendants that had left the group when it was told to end.
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

    /// Asks it to end, with all of its family.
    pub(super) fn ask_to_end(&mut self) {
        self.strays = family::strays(self.pid, self.client, self.keeper);
        self.signal(Signal::TERM);
        for stray in &self.strays {
            stray.signal(Signal::TERM);
            stray.signal(Signal::CONT);
        }
    }

    /// Says that there is nobody any more for whom it works.
    pub(super) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        // That somebody was quicker is no error.
        let _ = kill_process_group(self.pid, signal);
        // Who was stopped could not notice.
        let _ = kill_process_group(self.pid, Signal::CONT);
    }

    /// Makes it end.
    pub(super) fn kill(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
    }

    /// Makes those end who had left its group.
    pub(super) fn kill_strays(&mut self) {
        self.strays
            .extend(family::strays(self.pid, self.client, self.keeper));
        self.strays
            .iter()
            .for_each(|stray| stray.signal(Signal::KILL));
    }

    /// Kills what is left of the group, and takes the process's status. In this order: until it is
    /// reaped nobody else can be given the group's number.
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

/// Readable once it has ended.
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
