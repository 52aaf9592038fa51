//! The command line: arguments, signals, logs, exit codes.

mod admin;
mod args;
mod ask;
mod cert;
mod client;
mod daemon;
mod environment;
mod exit;
mod figures;
mod flood;
mod groups;
mod handover;
mod hints;
mod kept;
mod log;
mod pages;
mod signals;
mod sockets;
mod spelling;
mod stdout;
mod tail;
mod terminal;
mod trust;
mod usage_error;
mod values;

use std::process::ExitCode;

pub use log::{level as log_level, set_level as set_log_level};

use args::Parsed;

use crate::limits::options::cores;
use crate::system;

/// Runs the command, and returns its exit code.
pub fn run() -> ExitCode {
    system::bound_arenas(cores());
    if let Some(code) = handover::go_between() {
        return code;
    }
    let command = match args::parse() {
        Parsed::Command(command) => command,
        Parsed::Told => return exit::DONE.into(),
        Parsed::Usage(problem) => return exit::usage(&problem),
    };
    command.run()
}
