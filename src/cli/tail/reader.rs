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
    /// Whether it has begun at least once.
    fn has_begun(&self) -> bool;
    /// Reads one reply, and prints it. `true`: all is read.
    fn step(&mut self, link: &mut Link) -> Round<bool>;
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
    let mut is_told = false;
    loop {
        let round = primary::connect(&target.server)
            .map_err(End::from)
            .and_then(|link| follow(link, way, &mut is_told));
        match round {
            Ok(()) => return Ok(()),
            Err(End::Command(failure)) => return Err(failure),
            // Settings do not pass by themselves; at the start nothing else does, either.
            Err(End::Server(failure)) if !way.has_begun() && failure.kind != Kind::Loading => {
                return Err(format!("{target}: {failure}").into());
            }
            Err(End::Server(failure)) => {
                if !std::mem::replace(&mut is_told, true) {
                    tell(&format!("waiting for the server: {failure}"));
                }
                std::thread::sleep(RETRY);
            }
        }
    }
}

fn follow(mut link: Link, way: &mut dyn Way, is_told: &mut bool) -> Round<()> {
    way.begin(&mut link)?;
    if std::mem::take(is_told) {
        tell("reading again");
    }
    while !way.step(&mut link)? {}
    Ok(())
}

pub(super) fn tell(what: &str) {
    // The messages go to the standard output.
    let _ = writeln!(io::stderr(), "poold tail: {what}");
}
