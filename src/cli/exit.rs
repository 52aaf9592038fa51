//! Exit codes, and errors as one line.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use super::stdout;
use crate::error::Error;

/// Drained, or the command is done.
pub(super) const DONE: u8 = 0;
/// The start or the command failed.
pub(super) const FAILED: u8 = 1;
/// The command line is wrong.
pub(super) const USAGE: u8 = 2;
/// At the drain's deadline clients were still connected, or messages not delivered.
pub(super) const CUT_OFF: u8 = 3;
/// Ctrl-C ended it: what a shell shows for a program ended by SIGINT.
pub(super) const INTERRUPTED: u8 = 128 + 2;
/// The output was closed: what a shell shows for a program ended by SIGPIPE.
pub(super) const OUTPUT_CLOSED: u8 = 128 + 13;

/// Why a command that prints a result has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The command line is wrong; one line says why.
    Usage(String),
    /// The command line makes sense and could not be carried out; one line says why.
    Failed(String),
    /// The reader of the output has gone.
    OutputClosed,
    /// Ctrl-C ended it.
    Interrupted,
}

/// The end of a command: all went well, or not.
pub(super) type Ending = Result<(), Failure>;

impl Failure {
    pub(super) fn usage(why: impl Into<String>) -> Failure {
        Failure::Usage(why.into())
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Failure {
        Failure::Failed(why)
    }
}

/// Of an address.
impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Address { .. } => Failure::Usage(error.to_string()),
            _ => Failure::Failed(error.to_string()),
        }
    }
}

/// The exit code of a command whose result is good or bad, or that has none.
pub(super) fn told(outcome: Result<bool, Failure>) -> ExitCode {
    match outcome {
        Ok(true) => DONE.into(),
        Ok(false) => FAILED.into(),
        Err(failure) => failure.tell().into(),
    }
}

impl Failure {
    /// Prints it, unless it needs no words; answers the exit code.
    pub(super) fn tell(&self) -> u8 {
        match self {
            Failure::Usage(why) | Failure::Failed(why) => say(why),
            Failure::OutputClosed | Failure::Interrupted => {}
        }
        match self {
            Failure::Usage(_) => USAGE,
            Failure::Failed(_) => FAILED,
            Failure::OutputClosed => OUTPUT_CLOSED,
            Failure::Interrupted => INTERRUPTED,
        }
    }
}

/// Prints a line for a person.
pub(super) fn say(what: &str) {
    // Without a reader of it, the exit code still tells.
    let _ = writeln!(io::stderr(), "poold: {what}");
}

/// Prints a result.
pub(super) fn print(result: &[u8]) -> Result<(), Failure> {
    stdout::write_all(result).map_err(|error| unprinted(&error))
}

/// What the failure of a write to the output means.
pub(super) fn unprinted(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::Failed(format!("cannot print: {error}")),
    }
}

/// One line, and the exit code that goes with the error.
pub(super) fn failed(error: &Error) -> ExitCode {
    match error {
        Error::Option { name, problem } => usage(&format!("{}: {problem}", flag(name))),
        Error::Address { .. } => usage(&error.to_string()),
        _ => failure(&error.to_string()),
    }
}

/// The library's name of an option, as it is typed.
fn flag(name: &str) -> String {
    match name {
        "clients_max" => "--max-clients".into(),
        "per_address_max" => "--max-per-address".into(),
        "wait_max" => "--max-wait".into(),
        "queue_max" => "--queue".into(),
        "address list" => "--allow or --deny".into(),
        other => format!("--{}", other.replace('_', "-")),
    }
}

/// Prints a failure in one line.
pub(super) fn failure(problem: &str) -> ExitCode {
    Failure::Failed(problem.to_owned()).tell().into()
}

/// Prints a usage error in one line.
pub(super) fn usage(problem: &str) -> ExitCode {
    Failure::usage(problem).tell().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::limit::LIMITS;

    #[test]
    fn the_manual_has_each_limit_with_the_flags_that_set_it() {
        let manual = include_str!("../manual/reference.md");
        for limit in LIMITS {
            let begin = format!("\n- `{limit}` (");
            let (_, rest) = manual
                .split_once(&begin)
                .unwrap_or_else(|| panic!("{limit:?}"));
            let entry = rest.split("\n- ").next().unwrap_or(rest);
            for option in limit.options() {
                let flag = format!("`{}", flag(option));
                assert!(entry.contains(&flag), "{limit:?}: {flag}");
            }
        }
    }
}
