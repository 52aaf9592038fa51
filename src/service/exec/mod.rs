//! Runs a program for each client, or for each message.
//!
//! [`Exec`] gives a client's socket to a program as its input and output; the worker waits until
//! the program has ended, and does not touch the data, except to encrypt it. [`Filter`] gives a
//! program one message, and answers with its output. In both, a program leads a process group of
//! its own, its standard error goes to the log, and when it ends, the rest of its process group is
//! killed.

mod child;
mod client_watch;
mod environment;
mod family;
mod filter;
mod launch;
mod pipes;
mod program;
mod pump;
mod socket;
mod stats;
mod stderr;
mod supervisor;

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use rustix::process::{Pid, getppid};
use tracing::debug;

pub use client_watch::ClientGone;
pub use environment::Inherits;
pub use filter::Filter;
pub use launch::Setting;
pub use program::Program;
pub use socket::Exec;
pub use stats::ProgramStats;

use crate::connection::Connection;
use crate::connection::client::Client;
use crate::connection::secured::Secured;
use crate::net::address::Peer;
use crate::net::ready::wait;
use child::Child;
use client_watch::{ClientEvent, ClientWatch};
use launch::{Failure, LaunchSpec, Launcher};
use pipes::Pipes;
use pump::{Pair, Pump};
use stats::ProgramTally;
use stderr::StderrLog;
pub use supervisor::Patience;
use supervisor::{End, Plan, Supervisor};

/// Sent to clients that can't be served.
const BUSY: &str = "busy\n";

/// The first and the longest wait before another try to start a program.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// The program, and its setup.
#[derive(Debug)]
pub struct Job {
    /// The program.
    pub program: Program,
    /// Its process's settings.
    pub setting: Setting,
    /// What it inherits of poold's environment.
    pub inherits: Inherits,
    /// Further variables.
    pub variables: Vec<(&'static str, OsString)>,
}

/// Runs programs for both services.
#[derive(Clone)]
pub struct Runner(Arc<Shared>);

struct Shared {
    program: Program,
    launcher: Launcher,
    variables: Vec<CString>,
    /// The process that adopts programs' orphans.
    keeper: Option<Pid>,
    patience: Patience,
    tally: ProgramTally,
    /// Readable once the drain's deadline has passed: all programs are to end.
    over: OwnedFd,
}

/// The client that a program is run for.
pub struct Requester {
    id: u64,
    peer: Peer,
    client: Client,
}

impl Requester {
    fn of(client: &Client) -> Requester {
        Requester {
            id: client.id(),
            peer: client.peer(),
            client: client.clone(),
        }
    }
}

/// A program's input and output.
enum ProgramIo {
    /// The client's socket for both.
    Socket,
    /// A socket of its own for both, beside the client's session.
    Pair,
    /// A message as input; at most this many bytes of output.
    Message(Bytes, usize),
}

/// A program that runs.
struct Started {
    child: Child,
    pipes: Pipes,
    pair: Option<Pair>,
}

/// The result of a run.
enum Outcome {
    /// The program could not be started.
    NotStarted,
    /// The program ended by itself; its output.
    Ended(Vec<u8>),
    /// The program was told to end; its output so far.
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
            tally: ProgramTally::default(),
            over,
        })))
    }

    /// A line with the numbers of programs and how they ended.
    pub fn summary(&self) -> String {
        self.0.tally.to_string()
    }

    /// The programs in figures.
    pub fn stats(&self) -> ProgramStats {
        self.0.tally.stats()
    }

    /// Clients whose program could not be started.
    pub fn unserved(&self) -> u64 {
        self.0.tally.unserved()
    }

    /// Runs a program to its end, with the client's session if it has a [`Pair`](ProgramIo::Pair).
    fn run(&self, requester: &Requester, io: &ProgramIo, secured: Option<&mut Secured>) -> Outcome {
        let Some(connection) = requester.client.connection() else {
            return Outcome::NotStarted;
        };
        let Requester { id, peer, .. } = *requester;
        let tally = &self.0.tally;
        // Lives until the program is reaped.
        let running = tally.begin(peer);
        let mut pause = PAUSE_MIN;
        loop {
            let failure = match self.start(requester, &connection, io, running.of_address) {
                Ok(Started { child, pipes, pair }) => {
                    tally.started();
                    let pump = secured
                        .zip(pair)
                        .map(|(secured, pair)| Pump::new(&connection, secured, pair));
                    return self.see_through(requester, &connection, (child, pipes, pump));
                }
                Err(failure) => failure,
            };
            if !failure.is_want() {
                tally.not_started(id, peer, &failure);
                return Outcome::NotStarted;
            }
            tally.wanted(id, peer, &failure);
            match self.wait_before_next(&connection, pause) {
                WaitEnd::Over => {
                    tally.not_started(id, peer, &failure);
                    return Outcome::NotStarted;
                }
                WaitEnd::Gone => return Outcome::NotStarted,
                WaitEnd::Again => pause = (pause * 2).min(PAUSE_MAX),
            }
        }
    }

    fn start(
        &self,
        requester: &Requester,
        connection: &Connection,
        io: &ProgramIo,
        of_address: usize,
    ) -> Result<Started, Failure> {
        let Shared {
            program,
            launcher,
            variables,
            keeper,
            ..
        } = &*self.0;
        let failed = Failure::of("a pipe");
        let mut pipes = Pipes::errors().map_err(&failed)?;
        if let ProgramIo::Message(message, reply_max) = io {
            pipes = pipes
                .with_message(message.clone(), *reply_max)
                .map_err(&failed)?;
        }
        let pair = match io {
            ProgramIo::Pair => Some(Pair::new().map_err(Failure::of("a socket"))?),
            ProgramIo::Socket | ProgramIo::Message(..) => None,
        };
        let socket = pair
            .as_ref()
            .map_or(connection.socket.as_fd(), |pair| pair.its());
        let (input, output) = pipes.its_message().unwrap_or((socket, socket));
        let launched = launcher.launch(&LaunchSpec {
            file: &program.file,
            words: &program.words,
            variables: [
                variables,
                &environment::of_client(&requester.client, of_address),
            ],
            input,
            output,
            errors: pipes.its_errors(),
        })?;
        pipes.begun();
        Ok(Started {
            child: Child::new(launched, requester.id, *keeper),
            pipes,
            pair,
        })
    }

    /// Waits before another try to start a program; ends when its client or the server does.
    fn wait_before_next(&self, connection: &Connection, pause: Duration) -> WaitEnd {
        let mut polled = [
            PollFd::new(&self.0.over, PollFlags::IN),
            // A reset, or the end of both directions.
            PollFd::from_borrowed_fd(connection.socket.as_fd(), PollFlags::empty()),
        ];
        if wait(&mut polled, Some(pause)).is_err() {
            return WaitEnd::Again;
        }
        let [over, gone] = polled.map(|fd| !fd.revents().is_empty());
        match (over, gone || connection.has_request()) {
            (true, _) => WaitEnd::Over,
            (_, true) => WaitEnd::Gone,
            _ => WaitEnd::Again,
        }
    }

    fn see_through(
        &self,
        requester: &Requester,
        connection: &Connection,
        (child, pipes, pump): (Child, Pipes, Option<Pump<'_>>),
    ) -> Outcome {
        let Requester { id, peer, .. } = *requester;
        let Shared {
            patience,
            tally,
            over,
            ..
        } = &*self.0;
        let now = Instant::now();
        let mut supervisor = Supervisor {
            child,
            pipes,
            pump,
            stderr: StderrLog::new(id, peer),
            client_watch: ClientWatch::new(connection, patience.client_gone, now),
            over,
            plan: Plan::new(patience, now),
        };
        let end = supervisor.run(|event| match event {
            ClientEvent::HangUp => {
                tally.runs_on(id, peer, "the client has gone; its program is told (HUP)")
            }
            ClientEvent::RunsOn => tally.runs_on(
                id,
                peer,
                "the client has sent its end, and its program runs on",
            ),
            ClientEvent::Closed => {}
        });
        supervisor.stderr.finish();
        if let Some(pump) = supervisor.pump {
            pump.finish();
        }
        debug!(id, %peer, end = ?end, "the program has ended");
        tally.ended(id, peer, &end);
        let printed = supervisor.pipes.into_printed();
        match end {
            End::Itself(_) => Outcome::Ended(printed),
            End::HungUp | End::Stopped(_) => Outcome::Stopped(printed),
        }
    }

    fn cut_off(&self) {
        // The write fails only if it is readable already.
        let _ = rustix::io::write(&self.0.over, &1_u64.to_ne_bytes());
    }

    /// Waits until no program is left, at most as long as it takes to kill one.
    fn finish(&self) {
        const MORE: Duration = Duration::from_millis(500);
        self.0.tally.wait_none(self.0.patience.kill_after + MORE);
    }
}

/// The result of the wait before another try.
enum WaitEnd {
    Again,
    /// The client has left, or was closed.
    Gone,
    /// The drain's deadline has passed.
    Over,
}
