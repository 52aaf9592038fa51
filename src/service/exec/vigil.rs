//! A worker's wait for its program: what comes through its pipes is passed on meanwhile, and the
//! program is told to end when its time is up.

use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::absence::{Absence, ClientGone, News};
use super::child::Child;
use super::pipes::{Pipe, Pipes};
use super::stderr::Complaints;

/// How long a program may run, and what it gets to end itself.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After this it is told to end (TERM). Default: never.
    pub timeout: Option<Duration>,
    /// After this much more it is killed, with its process group.
    pub kill_after: Duration,
    /// What becomes of it when its client has gone.
    pub client_gone: ClientGone,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Itself(ExitStatus),
    /// After it was told that its client had gone.
    HungUp,
    /// After it was told to, because its time was up or the server's.
    Stopped(Why),
}

/// Why a program was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Timeout,
    Drain,
    /// The server closed its client.
    Closed,
    /// It printed more than a reply may have.
    Overlong,
}

/// See the head of the file.
pub(super) struct Vigil<'a> {
    pub(super) child: Child,
    pub(super) pipes: Pipes,
    pub(super) complaints: Complaints,
    pub(super) absence: Absence<'a>,
    /// Readable once all programs are to end.
    pub(super) over: &'a OwnedFd,
    pub(super) plan: Plan,
}

/// What is done next to a program, and when.
pub(super) struct Plan {
    kill_after: Duration,
    due: Option<(Instant, Why)>,
    told: Option<Why>,
    hung_up: bool,
}

/// What there is to do.
struct Seen {
    ended: bool,
    over: bool,
    client: PollFlags,
    pipes: Vec<Pipe>,
}

impl Vigil<'_> {
    /// Waits for the program's end; `tell` is told of what concerns its client.
    pub(super) fn keep(&mut self, mut tell: impl FnMut(News)) -> End {
        loop {
            let seen = self.look();
            let now = Instant::now();
            for pipe in &seen.pipes {
                self.pipes.pass(*pipe, &mut self.complaints);
            }
            if seen.ended {
                break;
            }
            match self.absence.look(seen.client, now) {
                Some(News::Closed) => self.plan.close(now),
                Some(news) => {
                    if news == News::HangUp {
                        self.child.hang_up();
                        self.plan.hung_up = true;
                    }
                    tell(news);
                }
                None => {}
            }
            if self.pipes.is_overlong() {
                self.plan.ask(Why::Overlong, now, &mut self.child);
            } else if seen.over {
                self.plan.ask(Why::Drain, now, &mut self.child);
            }
            self.plan.keep(now, &mut self.child);
        }
        self.finish()
    }

    fn finish(&mut self) -> End {
        if self.plan.told.is_some() {
            self.child.kill_strays();
        }
        // What it left in its pipes; whoever else holds them is not waited for.
        self.pipes.pass_rest(&mut self.complaints);
        let status = self.child.reap();
        match self.plan.told {
            Some(why) => End::Stopped(why),
            None if self.plan.hung_up => End::HungUp,
            None => End::Itself(status),
        }
    }

    /// Waits until there is something to do.
    fn look(&self) -> Seen {
        let mut polled = Vec::with_capacity(6);
        polled.push(PollFd::new(&self.child, PollFlags::IN));
        // Readable for ever once it is: then it has been heard.
        let listens = self.plan.told.is_none();
        polled.extend(listens.then(|| PollFd::new(self.over, PollFlags::IN)));
        let client = self.absence.watched();
        let watches = client.is_some();
        polled.extend(client);
        let mut pipes = Vec::with_capacity(3);
        for (pipe, fd) in self.pipes.watched() {
            pipes.push(pipe);
            polled.push(fd);
        }
        let due = [self.plan.due.map(|(due, _)| due), self.absence.due()];
        let due = due.into_iter().flatten().min();
        let most = due.map(|due| due.saturating_duration_since(Instant::now()));
        // Rounded up, so that it is over when it ends.
        let most = most.map(|most| most + Duration::from_micros(10));
        let most = most.and_then(|most| Timespec::try_from(most).ok());
        if poll(&mut polled, most.as_ref()).is_err() {
            // Interrupted: nothing was found.
            polled.iter_mut().for_each(PollFd::clear_revents);
        }
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

    /// Its client has got its end, and so has its input: it has a while to notice.
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

    /// The first time asks it to end; it has a while for that.
    fn ask(&mut self, why: Why, now: Instant, child: &mut Child) {
        if self.told.is_none() {
            self.told = Some(why);
            self.due = Some((now + self.kill_after, why));
            child.ask_to_end();
        }
    }

    /// Does what is due.
    fn keep(&mut self, now: Instant, child: &mut Child) {
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
