//! Exit codes, and errors as one line to a person.

use std::process::ExitCode;

use crate::error::Error;

/// All went well: drained, or printed what was asked for.
pub(super) const DONE: u8 = 0;
/// It could not be started, or failed.
pub(super) const FAILED: u8 = 1;
/// What was typed makes no sense.
pub(super) const USAGE: u8 = 2;
/// The drain's deadline came before everybody had left, or before all was delivered.
pub(super) const CUT_OFF: u8 = 3;
/// Ctrl-C ended it: what a shell shows for a program ended by SIGINT.
pub(super) const INTERRUPTED: u8 = 128 + 2;
/// Nobody reads the output any more: what a shell shows for a program ended by SIGPIPE.
pub(super) const OUTPUT_CLOSED: u8 = 128 + 13;

/// One line, and the exit code that goes with the error.
pub(super) fn failed(error: &Error) -> ExitCode {
    match error {
        Error::Option { name, problem } => {
            eprintln!("poold: {}: {problem}", flag(name));
            USAGE.into()
        }
        Error::Address { .. } => {
            eprintln!("poold: {error}");
            USAGE.into()
        }
        _ => {
            eprintln!("poold: {error}");
            FAILED.into()
        }
    }
}

/// The library's name of an option, as it is typed.
fn flag(name: &str) -> String {
    match name {
        "clients_max" => "--max-clients".into(),
        "per_address_max" => "--max-per-address".into(),
        "wait_max" => "--max-wait".into(),
        "address list" => "--allow or --deny".into(),
        other => format!("--{}", other.replace('_', "-")),
    }
}

/// One line about what did not work.
pub(super) fn failure(problem: &str) -> ExitCode {
    eprintln!("poold: {problem}");
    FAILED.into()
}

/// One line about what was typed.
pub(super) fn usage(problem: &str) -> ExitCode {
    eprintln!("poold: {problem}");
    USAGE.into()
}
