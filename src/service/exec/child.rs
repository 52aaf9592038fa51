//! A child process: started as the leader of its own process group, waited for beside its pipes,
//! told to end when its time is up, and never left behind.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::complaints::Complaints;
use super::pipes::{Pipe, Pipes};

/// How long a child may run, and what it gets to end itself.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After this it is told to end (TERM). Default: never.
    pub timeout: Option<Duration>,
    /// After this much more it is killed, with its process group.
    pub kill_after: Duration,
}

/// See the head of the file. Dropping it kills and reaps.
pub(super) struct Child {
    process: process::Child,
    pidfd: OwnedFd,
    group: Pid,
    reaped: Option<ExitStatus>,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Itself(ExitStatus),
    /// After it was told to, because its time was up or the server's.
    Stopped(Why),
}

/// Why a child was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Timeout,
    Drain,
    /// It printed more than a reply may have.
    Overlong,
}

/// What there is to do.
#[derive(Default)]
struct Seen {
    ended: bool,
    over: bool,
    pipes: Vec<Pipe>,
}

/// What is done next to a child, and when.
struct Plan {
    kill_after: Duration,
    due: Option<Instant>,
    told: Option<Why>,
}

impl Child {
    /// Starts the command with its standard error in a pipe.
    pub(super) fn start(command: &mut Command) -> io::Result<Child> {
        let mut process = command.stderr(Stdio::piped()).process_group(0).spawn()?;
        let group = Pid::from_child(&process);
        match pidfd_open(group, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Child {
                process,
                pidfd,
                group,
                reaped: None,
            }),
            Err(error) => {
                // It can't be waited for with a deadline, so it may not run.
                let _ = kill_process_group(group, Signal::KILL);
                let _ = process.wait();
                Err(error.into())
            }
        }
    }

    pub(super) fn errors(&mut self) -> Option<ChildStderr> {
        self.process.stderr.take()
    }

    pub(super) fn input(&mut self) -> Option<ChildStdin> {
        self.process.stdin.take()
    }

    pub(super) fn output(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// Waits for its end, passes on what comes through its pipes meanwhile, and makes an end when
    /// its time is up or `over` is readable.
    pub(super) fn wait(
        &mut self,
        patience: &Patience,
        over: &OwnedFd,
        pipes: &mut Pipes,
        complaints: &mut Complaints,
    ) -> End {
        let mut plan = Plan {
            kill_after: patience.kill_after,
            due: patience.timeout.map(|timeout| Instant::now() + timeout),
            told: None,
        };
        loop {
            let seen = self.look(over, pipes, &plan);
            let now = Instant::now();
            for pipe in seen.pipes {
                pipes.pass(pipe, complaints);
            }
            if pipes.is_overlong() && plan.told.is_none() {
                plan.tell(Why::Overlong, now, self.group);
            } else if seen.over && plan.told.is_none() {
                plan.tell(Why::Drain, now, self.group);
            } else if plan.due.is_some_and(|due| due <= now) {
                plan.tell(Why::Timeout, now, self.group);
            }
            if seen.ended {
                break;
            }
        }
        // What it left in its pipes; whoever else holds them is not waited for.
        pipes.pass_rest(complaints);
        let status = self.reap();
        match plan.told {
            Some(why) => End::Stopped(why),
            None => End::Itself(status),
        }
    }

    /// Waits until there is something to do.
    fn look(&self, over: &OwnedFd, pipes: &Pipes, plan: &Plan) -> Seen {
        let mut polled = vec![
            PollFd::new(&self.pidfd, PollFlags::IN),
            // Readable for ever once it is: then it has been heard.
            match plan.told {
                None => PollFd::new(over, PollFlags::IN),
                Some(_) => PollFd::new(&self.pidfd, PollFlags::IN),
            },
        ];
        let before = polled.len();
        let watched = pipes.watched();
        polled.extend(watched.iter().map(|(_, fd)| fd.clone()));
        let timeout = plan
            .due
            .map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        if poll(&mut polled, timeout.as_ref()).is_err() {
            // Interrupted: nothing was found.
            return Seen::default();
        }
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let ready = polled[before..].iter().zip(&watched);
        Seen {
            ended: is_ready(&polled[0]),
            over: plan.told.is_none() && is_ready(&polled[1]),
            pipes: ready
                .filter(|(fd, _)| is_ready(fd))
                .map(|(_, (pipe, _))| *pipe)
                .collect(),
        }
    }

    /// Kills what is left of the group, and takes the child's status. In this order: until the
    /// child is reaped nobody else can be given the group's number.
    fn reap(&mut self) -> ExitStatus {
        let _ = kill_process_group(self.group, Signal::KILL);
        let status = self.process.wait().unwrap_or_default();
        self.reaped = Some(status);
        status
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.reaped.is_none() {
            self.reap();
        }
    }
}

impl Plan {
    /// The first time asks the group to end, the next time makes it.
    fn tell(&mut self, why: Why, now: Instant, group: Pid) {
        // That somebody was quicker is no error.
        if self.told.is_none() {
            self.told = Some(why);
            self.due = Some(now + self.kill_after);
            let _ = kill_process_group(group, Signal::TERM);
            // Who was stopped could not notice.
            let _ = kill_process_group(group, Signal::CONT);
        } else if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
