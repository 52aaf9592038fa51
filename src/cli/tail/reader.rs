//! Reads the stream in one way or another, and connects again as long as needed.

use std::io::{self, Write};
use std::time::Duration;

use crate::cli::exit::{Failure, print};
use crate::redis::failure::{self, Kind};
use crate::redis::link::Link;
use crate::redis::primary;
use crate::redis::url::Target;
use crate::service::recv::Format;

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(200);

/// What ends a round.
pub(super) enum End {
    /// The connection: it is opened again.
    Server(failure::Failure),
    Command(Failure),
}

impl From<failure::Failure> for End {
    fn from(failure: failure::Failure) -> End {
        End::Server(failure)
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> End {
        End::Command(failure)
    }
}

pub(super) type Round<T> = Result<T, End>;

/// How the stream is read.
pub(super) trait Way {
    /// On each new connection.
    fn begin(&mut self, link: &mut Link) -> Round<()>;
    /// Reads one reply, and prints it. `true`: all is read.
    fn step(&mut self, link: &mut Link) -> Round<bool>;
}

/// Across connections.
#[derive(Default)]
struct State {
    /// A reply was read: the server and the stream are as they have to be.
    has_read: bool,
    /// It was told that the server is waited for.
    is_told: bool,
}

/// What is printed.
pub(super) struct Printer {
    pub(super) format: Format,
    pub(super) out: Vec<u8>,
}

impl Printer {
    pub(super) fn new(format: Format) -> Printer {
        Printer {
            format,
            out: Vec::new(),
        }
    }

    pub(super) fn flush(&mut self) -> Round<()> {
        if !self.out.is_empty() {
            print(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }
}

/// Reads until all is read, or something ends the command.
pub(super) fn run(target: &Target, way: &mut dyn Way) -> Result<(), Failure> {
    let mut state = State::default();
    loop {
        let round = primary::connect(&target.server)
            .map_err(End::from)
            .and_then(|link| follow(link, way, &mut state));
        match round {
            Ok(()) => return Ok(()),
            Err(End::Command(failure)) => return Err(failure),
            // Settings do not pass by themselves; at the start nothing else does, either.
            Err(End::Server(failure)) if !state.has_read && failure.kind != Kind::Loading => {
                return Err(format!("{target}: {failure}").into());
            }
            Err(End::Server(failure)) => {
                if !std::mem::replace(&mut state.is_told, true) {
                    tell(&format!("waiting for the server: {failure}"));
                }
                std::thread::sleep(RETRY);
            }
        }
    }
}

fn follow(mut link: Link, way: &mut dyn Way, state: &mut State) -> Round<()> {
    way.begin(&mut link)?;
    if std::mem::take(&mut state.is_told) {
        tell("reading again");
    }
    while !way.step(&mut link)? {
        state.has_read = true;
    }
    Ok(())
}

pub(super) fn tell(what: &str) {
    // The messages go to the standard output.
    let _ = writeln!(io::stderr(), "poold tail: {what}");
}
