//! A program for each client, or for each message.
//!
//! [`Exec`] gives a client's socket to a child as its input and output; the worker waits until the
//! child has ended, and takes nothing of what passes. [`Filter`] gives a child one message, and
//! answers with what the child prints. In both a child is the leader of a process group of its own,
//! what it says on its standard error goes to the log, and when it ends, whatever else is left of
//! its group is killed.

mod child;
mod complaints;
mod filter;
mod pipes;
mod program;
mod socket;
mod tally;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use tracing::debug;

pub use filter::Filter;
pub use program::Program;
pub use socket::Exec;

use crate::client::Client;
use crate::peer::Peer;
pub use child::Patience;
use child::{Child, End};
use complaints::Complaints;
use pipes::Pipes;
use tally::Tally;

/// What clients are told that can't be served.
const BUSY: &str = "busy\n";

/// What both services share.
#[derive(Clone)]
pub struct Runner(Arc<Shared>);

struct Shared {
    program: Program,
    patience: Patience,
    tally: Tally,
    /// Readable once the drain's deadline has come: all children are to end.
    over: OwnedFd,
}

/// Who a child is run for.
pub struct For {
    id: u64,
    peer: Peer,
    local: Option<SocketAddr>,
}

impl For {
    fn of(client: &Client) -> For {
        For {
            id: client.id(),
            peer: client.peer(),
            local: client.local_address(),
        }
    }
}

/// What a child reads and where it prints.
enum Talk {
    /// The client's socket, as both.
    Socket(OwnedFd, OwnedFd),
    /// A message; what it prints is ours, up to so many bytes.
    Message(Vec<u8>, usize),
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
    pub fn new(program: Program, patience: Patience) -> io::Result<Runner> {
        let over = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Runner(Arc::new(Shared {
            program,
            patience,
            tally: Tally::default(),
            over,
        })))
    }

    /// How many programs were run and how they ended, in a line.
    pub fn summary(&self) -> String {
        self.0.tally.to_string()
    }

    /// Runs a child to its end.
    fn run(&self, who: &For, talk: Talk) -> Ran {
        let For { id, peer, .. } = *who;
        let tally = &self.0.tally;
        // Until the child has been reaped.
        let running = tally.begin(peer);
        let ran = match self.start(who, talk, running.of_address) {
            Ok((child, pipes)) => self.see_through(who, child, pipes),
            Err(error) => {
                tally.not_started(id, peer, &error);
                Ran::Not
            }
        };
        drop(running);
        ran
    }

    fn start(&self, who: &For, talk: Talk, of_address: usize) -> io::Result<(Child, Pipes)> {
        let mut command = self.0.program.command(who, of_address);
        match talk {
            Talk::Socket(input, output) => {
                let mut child = Child::start(command.stdin(input).stdout(output))?;
                let pipes = Pipes::errors(child.errors())?;
                Ok((child, pipes))
            }
            Talk::Message(message, reply_max) => {
                command.stdin(Stdio::piped()).stdout(Stdio::piped());
                let mut child = Child::start(&mut command)?;
                let pipes = Pipes::errors(child.errors())?;
                let (input, output) = (child.input(), child.output());
                let pipes = pipes.and_talk(input, message, output, reply_max)?;
                Ok((child, pipes))
            }
        }
    }

    fn see_through(&self, who: &For, mut child: Child, mut pipes: Pipes) -> Ran {
        let For { id, peer, .. } = *who;
        let Shared {
            patience,
            tally,
            over,
            ..
        } = &*self.0;
        let mut complaints = Complaints::new(id, peer);
        let end = child.wait(patience, over, &mut pipes, &mut complaints);
        complaints.finish();
        debug!(id, %peer, end = ?end, "the program has ended");
        tally.ended(id, peer, &end);
        let printed = pipes.into_printed();
        match end {
            End::Itself(_) => Ran::Ended(printed),
            End::Stopped(_) => Ran::Stopped(printed),
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
