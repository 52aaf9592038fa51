//! A program for each client, or for each message.
//!
//! [`Exec`] gives a client's socket to a program as its input and output; the worker waits until
//! it has ended, and takes nothing of what passes. [`Filter`] gives a program one message, and
//! answers with what it prints. In both a program leads a process group of its own, what it
//! says on its standard error goes to the log, and when it ends, whatever else is left of its
//! process group is killed.

mod absence;
mod child;
mod environment;
mod family;
mod filter;
mod launch;
mod pipes;
mod program;
mod socket;
mod stats;
mod stderr;
mod vigil;

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::process::{Pid, getppid};
use tracing::debug;

pub use absence::ClientGone;
pub use environment::Inherits;
pub use filter::Filter;
pub use launch::{Setting, hide_descriptors};
pub use program::Program;
pub use socket::Exec;

use crate::connection::Connection;
use crate::connection::client::Client;
use crate::net::address::Peer;
use absence::{Absence, News};
use child::Child;
use launch::{Failure, Launcher, Order};
use pipes::Pipes;
use stats::Tally;
use stderr::Complaints;
pub use vigil::Patience;
use vigil::{End, Plan, Vigil};

/// What clients are told that can't be served.
const BUSY: &str = "busy\n";

/// Between two tries to start a program that can't be started now, at first and at most.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// What is run, and how it is set up.
#[derive(Debug)]
pub struct Job {
    /// The program.
    pub program: Program,
    /// What is different for it.
    pub setting: Setting,
    /// What it gets of our environment.
    pub inherits: Inherits,
    /// What it gets besides.
    pub variables: Vec<(&'static str, OsString)>,
}

/// What both services share.
#[derive(Clone)]
pub struct Runner(Arc<Shared>);

struct Shared {
    program: Program,
    launcher: Launcher,
    variables: Vec<CString>,
    /// Who takes what programs leave behind.
    keeper: Option<Pid>,
    patience: Patience,
    tally: Tally,
    /// Readable once the drain's deadline has come: all programs are to end.
    over: OwnedFd,
}

/// Who a program is run for.
pub struct For {
    id: u64,
    peer: Peer,
    client: Client,
}

impl For {
    fn of(client: &Client) -> For {
        For {
            id: client.id(),
            peer: client.peer(),
            client: client.clone(),
        }
    }
}

/// What a program reads and where it prints.
enum Talk {
    /// The client's socket, as both.
    Socket,
    /// A message; what it prints is ours, up to so many bytes.
    Message(Bytes, usize),
}

/// What came of a run.
enum Ran {
    /// It could not be started.
    Not,
    /// It ended by itself, having printed this.
    Ended(Vec<u8>),
    /// It was told to end, having printed this.
    Stopped(Vec<u8>),
}

impl Runner {
    /// Runs this program.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn new(job: Job, patience: Patience) -> io::Result<Runner> {
        let over = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Runner(Arc::new(Shared {
            program: job.program,
            launcher: Launcher::new(job.setting),
            variables: environment::common(job.inherits, job.variables),
            keeper: getppid(),
            patience,
            tally: Tally::default(),
            over,
        })))
    }

    /// How many programs were run and how they ended, in a line.
    pub fn summary(&self) -> String {
        self.0.tally.to_string()
    }

    /// Clients that got nothing, since their program could not be started.
    pub fn unserved(&self) -> u64 {
        self.0.tally.unserved()
    }

    /// Runs a program to its end.
    fn run(&self, who: &For, talk: &Talk) -> Ran {
        let Some(connection) = who.client.connection() else {
            return Ran::Not;
        };
        let For { id, peer, .. } = *who;
        let tally = &self.0.tally;
        // Until it has been reaped.
        let running = tally.begin(peer);
        let mut pause = PAUSE_MIN;
        loop {
            let failure = match self.start(who, &connection, talk, running.of_address) {
                Ok((child, pipes)) => return self.see_through(who, &connection, child, pipes),
                Err(failure) => failure,
            };
            if !failure.is_want() {
                tally.not_started(id, peer, &failure);
                return Ran::Not;
            }
            tally.wanted(id, peer, &failure);
            match self.wait_before_next(&connection, pause) {
                Wait::Over => {
                    tally.not_started(id, peer, &failure);
                    return Ran::Not;
                }
                Wait::Gone => return Ran::Not,
                Wait::Again => pause = (pause * 2).min(PAUSE_MAX),
            }
        }
    }

    fn start(
        &self,
        who: &For,
        connection: &Connection,
        talk: &Talk,
        of_address: usize,
    ) -> Result<(Child, Pipes), Failure> {
        let Shared {
            program,
            launcher,
            variables,
            keeper,
            ..
        } = &*self.0;
        let failed = Failure::of("a pipe");
        let mut pipes = Pipes::errors().map_err(&failed)?;
        if let Talk::Message(message, reply_max) = talk {
            pipes = pipes
                .and_talk(message.clone(), *reply_max)
                .map_err(&failed)?;
        }
        let socket = connection.socket.as_fd();
        let (input, output) = pipes.its_talk().unwrap_or((socket, socket));
        let launched = launcher.launch(&Order {
            file: &program.file,
            words: &program.words,
            variables: [variables, &environment::of_client(&who.client, of_address)],
            input,
            output,
            errors: pipes.its_errors(),
        })?;
        pipes.begun();
        Ok((Child::new(launched, who.id, *keeper), pipes))
    }

    /// Waits until a program may be had again, or its client is served no more.
    fn wait_before_next(&self, connection: &Connection, pause: Duration) -> Wait {
        let mut polled = [
            PollFd::new(&self.0.over, PollFlags::IN),
            // A reset, or both ends.
            PollFd::from_borrowed_fd(connection.socket.as_fd(), PollFlags::empty()),
        ];
        let most = Timespec::try_from(pause).ok();
        if poll(&mut polled, most.as_ref()).is_err() {
            return Wait::Again;
        }
        let [over, gone] = polled.map(|fd| !fd.revents().is_empty());
        match (over, gone || connection.has_request()) {
            (true, _) => Wait::Over,
            (_, true) => Wait::Gone,
            _ => Wait::Again,
        }
    }

    fn see_through(&self, who: &For, connection: &Connection, child: Child, pipes: Pipes) -> Ran {
        let For { id, peer, .. } = *who;
        let Shared {
            patience,
            tally,
            over,
            ..
        } = &*self.0;
        let now = Instant::now();
        let mut vigil = Vigil {
            child,
            pipes,
            complaints: Complaints::new(id, peer),
            absence: Absence::new(connection, patience.client_gone, now),
            over,
            plan: Plan::new(patience, now),
        };
        let end = vigil.keep(|news| match news {
            News::HangUp => {
                tally.runs_on(id, peer, "the client has gone; its program is told (HUP)")
            }
            News::RunsOn => tally.runs_on(
                id,
                peer,
                "the client has sent its end, and its program runs on",
            ),
            News::Closed => {}
        });
        vigil.complaints.finish();
        debug!(id, %peer, end = ?end, "the program has ended");
        tally.ended(id, peer, &end);
        let printed = vigil.pipes.into_printed();
        match end {
            End::Itself(_) => Ran::Ended(printed),
            End::HungUp | End::Stopped(_) => Ran::Stopped(printed),
        }
    }

    fn cut_off(&self) {
        // It is full only if it is readable already.
        let _ = rustix::io::write(&self.0.over, &1_u64.to_ne_bytes());
    }

    /// Waits until no child is left, as long as it takes to end one.
    fn finish(&self) {
        const MORE: Duration = Duration::from_millis(500);
        self.0.tally.wait_none(self.0.patience.kill_after + MORE);
    }
}

/// What came of a wait for what a program needs.
enum Wait {
    Again,
    /// Its client is not there any more, or was closed.
    Gone,
    /// So is the server.
    Over,
}
