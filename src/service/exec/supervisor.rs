//! A worker's wait for its program: passes on what comes through its pipes, and ends the program
//! when its time is up.

use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::child::Child;
use super::client_watch::{ClientEvent, ClientGone, ClientWatch};
use super::pipes::{Pipe, Pipes};
use super::pump::Pump;
use super::stderr::StderrLog;
use crate::net::ready::wait;

/// A program's time limits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After this the program is told to end (TERM). Default: never.
    pub timeout: Option<Duration>,
    /// After this much more it is killed with its process group.
    pub kill_after: Duration,
    /// What happens when its client has gone.
    pub client_gone: ClientGone,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Itself(ExitStatus),
    /// After HUP, because its client had gone.
    HungUp,
    /// After it was told to end.
    Stopped(Why),
}

/// Why a program was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Timeout,
    Drain,
    /// The server closed its client.
    Closed,
    /// It printed more than `reply_max`.
    Overlong,
}

/// See the head of the file.
pub(super) struct Supervisor<'a> {
    pub(super) child: Child,
    pub(super) pipes: Pipes,
    /// With TLS.
    pub(super) pump: Option<Pump<'a>>,
    pub(super) stderr: StderrLog,
    pub(super) client_watch: ClientWatch<'a>,
    /// Readable once all programs are to end.
    pub(super) over: &'a OwnedFd,
    pub(super) plan: Plan,
}

/// The next step towards a program's end, and its time.
pub(super) struct Plan {
    kill_after: Duration,
    due: Option<(Instant, Why)>,
    told: Option<Why>,
    hung_up: bool,
}

/// The result of a poll.
struct Seen {
    ended: bool,
    over: bool,
    client: PollFlags,
    pipes: Vec<Pipe>,
    /// The client's socket, and poold's of the pair.
    pump: [PollFlags; 2],
}

impl Supervisor<'_> {
    /// Waits for the program's end; calls `tell` for events of its client.
    pub(super) fn run(&mut self, mut tell: impl FnMut(ClientEvent)) -> End {
        loop {
            let mut seen = self.look();
            let now = Instant::now();
            for pipe in &seen.pipes {
                self.pipes.pass(*pipe, &mut self.stderr);
            }
            if seen.ended {
                break;
            }
            let [client, program] = seen.pump;
            let pump = self.pump.as_mut();
            if pump.is_some_and(|pump| pump.pass(client, program)) {
                // Its session's end, and perhaps not the connection's.
                seen.client |= PollFlags::RDHUP;
            }
            match self.client_watch.look(seen.client, now) {
                Some(ClientEvent::Closed) => self.plan.close(now),
                Some(event) => {
                    if event == ClientEvent::HangUp {
                        self.child.hang_up();
                        self.plan.hung_up = true;
                    }
                    tell(event);
                }
                None => {}
            }
            if self.pipes.is_overlong() {
                self.plan.ask(Why::Overlong, now, &mut self.child);
            } else if seen.over {
                self.plan.ask(Why::Drain, now, &mut self.child);
            }
            self.plan.step(now, &mut self.child);
        }
        self.finish()
    }

    fn finish(&mut self) -> End {
        if self.plan.told.is_some() {
            self.child.kill_strays();
        }
        // Reads what is left in the pipes, without waiting for other processes that hold them.
        self.pipes.pass_rest(&mut self.stderr);
        let status = self.child.reap();
        match self.plan.told {
            Some(why) => End::Stopped(why),
            None if self.plan.hung_up => End::HungUp,
            None => End::Itself(status),
        }
    }

    /// Waits for an event or a deadline.
    fn look(&self) -> Seen {
        let mut polled = Vec::with_capacity(8);
        polled.push(PollFd::new(&self.child, PollFlags::IN));
        // It stays readable, so poll it only until the program was told to end.
        let listens = self.plan.told.is_none();
        polled.extend(listens.then(|| PollFd::new(self.over, PollFlags::IN)));
        let client = self.client_watch.watched();
        let watches = client.is_some();
        polled.extend(client);
        let mut pipes = Vec::with_capacity(3);
        for (pipe, fd) in self.pipes.watched() {
            pipes.push(pipe);
            polled.push(fd);
        }
        let pump = self.pump.as_ref().map(Pump::watched).unwrap_or_default();
        let pumps = [0, 1].map(|at| pump[at].is_some());
        polled.extend(pump.into_iter().flatten());
        let due = [self.plan.due.map(|(due, _)| due), self.client_watch.due()];
        let due = due.into_iter().flatten().min();
        let most = due.map(|due| due.saturating_duration_since(Instant::now()));
        // Rounded up, so that the deadline has passed when the poll returns.
        let most = most.map(|most| most + Duration::from_micros(10));
        let has_more = self.pump.as_ref().is_some_and(Pump::has_more);
        let most = if has_more { Some(Duration::ZERO) } else { most };
        // After an interrupted wait there are no events.
        let _ = wait(&mut polled, most);
        let mut found = polled.iter().map(PollFd::revents);
        let mut next = |is_there: bool| {
            let flags = is_there.then(|| found.next()).flatten();
            flags.unwrap_or(PollFlags::empty())
        };
        Seen {
            ended: !next(true).is_empty(),
            over: !next(listens).is_empty(),
            client: next(watches),
            pipes: pipes
                .into_iter()
                .filter(|_| !next(true).is_empty())
                .collect(),
            pump: pumps.map(next),
        }
    }
}

impl Plan {
    pub(super) fn new(patience: &Patience, now: Instant) -> Plan {
        let Patience {
            timeout,
            kill_after,
            ..
        } = *patience;
        Plan {
            kill_after,
            due: timeout.map(|timeout| (now + timeout, Why::Timeout)),
            told: None,
            hung_up: false,
        }
    }

    /// The server has closed the client, so the program's input has ended: gives the program some
    /// time to notice.
    fn close(&mut self, now: Instant) {
        let at = now + self.kill_after;
        if self.told.is_none()
            && self
                .due
                .is_none_or(|(due, why)| due > at && why != Why::Closed)
        {
            self.due = Some((at, Why::Closed));
        }
    }

    /// Tells the program to end, once, and gives it some time.
    fn ask(&mut self, why: Why, now: Instant, child: &mut Child) {
        if self.told.is_none() {
            self.told = Some(why);
            self.due = Some((now + self.kill_after, why));
            child.ask_to_end();
        }
    }

    /// Does the next step, if it is due.
    fn step(&mut self, now: Instant, child: &mut Child) {
        let Some((_, why)) = self.due.filter(|(due, _)| *due <= now) else {
            return;
        };
        if self.told.is_some() {
            self.due = None;
            child.kill();
        } else {
            self.ask(why, now, child);
        }
    }
}
