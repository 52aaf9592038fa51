//! The plan of a run, from the arguments.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::time::Duration;

use super::args::{Expect, FloodArgs};
use super::interrupt::Interrupt;
use super::message::Shape;
use super::stream::{Secure, Stream, Target};
use crate::cli::exit::Failure;
use crate::limits::options::TIME_MAX;

/// A run that can be carried out.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The server.
    pub(crate) target: Target,
    /// Without: plain bytes.
    pub(crate) secure: Option<Secure>,
    pub(crate) clients: u64,
    /// Clients among `clients`, the first of them, with [`GREED`] for a pipeline.
    pub(crate) greedy: u64,
    /// Messages from each client, `u64::MAX` for no limit.
    pub(crate) messages: u64,
    /// What a message looks like.
    pub(crate) shape: Shape,
    /// What makes a client send.
    pub(crate) pace: Pace,
    /// Stop sending after this time.
    pub(crate) duration: Option<Duration>,
    /// Measure only from then on.
    pub(crate) warmup: Duration,
    /// The expected behaviour of the server.
    pub(crate) expect: Expect,
    /// How long a connection lives.
    pub(crate) connections: Connections,
    /// The meaning of a connection that the server ends.
    pub(crate) server_end: ServerEnd,
    /// Seed for the length of the pieces to write; whole writes without.
    pub(crate) pieces: Option<u64>,
    /// Threads that send.
    pub(crate) threads: u64,
    /// Maximum time without progress.
    pub(crate) timeout: Duration,
    /// What ends the run early.
    pub(crate) interrupt: Interrupt,
}

/// What makes a client send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// The replies to the last messages, this many.
    Replies(u64),
    /// The time: this many messages a second from all clients.
    Rate(f64),
}

/// How long a connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connections {
    /// For all of a client's messages.
    Kept,
    /// For one message.
    EachMessage,
}

/// The meaning of a connection that the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerEnd {
    /// A fault.
    Fault,
    /// Expected: the server is being stopped.
    Awaited,
}

/// Numbers are expected to stay below this when nothing limits them.
const UNLIMITED: u64 = 1_000_000_000_000;

/// Messages that a greedy client sends before it waits for the replies to all of them.
pub(crate) const GREED: u64 = 1024;

impl Plan {
    /// Makes the plan from the arguments; the error is for the command line.
    pub(crate) fn new(args: &FloodArgs, address: &str) -> Result<Plan, Failure> {
        let clients = args.clients.unwrap_or(64);
        let open_ended = args.duration.is_some() || args.until_closed;
        let messages = args
            .messages
            .unwrap_or(if open_ended { u64::MAX } else { 1000 });
        if args.greedy >= clients {
            let why = "--greedy: at least one of the --clients must not be greedy";
            return Err(Failure::usage(why));
        }
        if args
            .duration
            .is_some_and(|duration| duration <= args.warmup)
        {
            let why = "--duration: must be longer than 0 and than --warmup";
            return Err(Failure::usage(why));
        }
        if args.timeout.is_zero() {
            return Err(Failure::usage("--timeout: must be longer than 0"));
        }
        let times = [args.duration.unwrap_or_default(), args.warmup, args.timeout];
        if times.into_iter().any(|time| time > TIME_MAX) {
            return Err(Failure::usage(
                "--duration, --warmup, --timeout: at most 100 years",
            ));
        }
        let run = args.run.clone().unwrap_or_else(random_id);
        let size = args.size.unwrap_or(64);
        let shape = Shape::new(&run, size, clients, messages.min(UNLIMITED)).map_err(|least| {
            Failure::Usage(format!("--size: the header alone needs {least} bytes"))
        })?;
        Ok(Plan {
            target: Target::resolve(address)?,
            secure: args.secure(address)?,
            clients,
            greedy: args.greedy,
            messages,
            shape,
            pace: args.rate.map_or(Pace::Replies(args.pipeline), Pace::Rate),
            duration: args.duration,
            warmup: args.warmup,
            expect: args.expect,
            connections: match args.churn {
                true => Connections::EachMessage,
                false => Connections::Kept,
            },
            server_end: match args.until_closed {
                true => ServerEnd::Awaited,
                false => ServerEnd::Fault,
            },
            pieces: args.pieces,
            // A thread without a client has nothing to do.
            threads: args.threads.min(clients),
            timeout: args.timeout,
            interrupt: Interrupt::default(),
        })
    }

    /// Begins to connect.
    pub(crate) fn connect(&self) -> io::Result<Stream> {
        let mut stream = self.target.connect()?;
        if let Some(secure) = &self.secure {
            stream.secure(secure.session()?);
        }
        Ok(stream)
    }

    /// All messages of the run, when their number is known.
    pub(crate) fn total(&self) -> Option<u64> {
        (self.messages != u64::MAX).then(|| self.messages.saturating_mul(self.clients))
    }

    /// Whether this client floods beside the measured ones.
    pub(crate) fn is_greedy(&self, client: u64) -> bool {
        client < self.greedy
    }

    /// Whether each message has a reply that the client waits for.
    pub(crate) fn has_replies(&self) -> bool {
        self.expect != Expect::Nothing
    }
}

fn random_id() -> String {
    // The standard library's hasher is seeded by the system: enough to tell two runs apart.
    format!(
        "{:08x}",
        RandomState::new().hash_one(std::process::id()) as u32
    )
}
