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

use args::{Command, Parsed};

use crate::service::{Discard, Echo};

/// Runs the command, and returns its exit code.
pub fn run() -> ExitCode {
    if let Some(code) = handover::go_between() {
        return code;
    }
    let command = match args::parse() {
        Parsed::Command(command) => command,
        Parsed::Told => return exit::DONE.into(),
        Parsed::Usage(problem) => return exit::usage(&problem),
    };
    let served = match *command {
        Command::Recv(args) => daemon::recv::recv(&args),
        Command::Echo(args) => daemon::serve::plain("echo", &args, Echo),
        Command::Discard(args) => daemon::serve::plain("discard", &args, Discard),
        Command::Chat(args) => daemon::chat::run(&args),
        Command::Hub(args) => daemon::hub::run(*args),
        Command::Client(args) => return client::run(&args),
        Command::Tail(args) => return tail::run(&args),
        Command::Cert(args) => return cert::run(&args),
        Command::Exec(args) => daemon::exec::run(&args),
        Command::Flood(args) => return flood::run(&args),
        Command::Restart(args) => return handover::restart(&args),
        Command::Man(args) => return pages::man(&args, args::parser()),
        Command::Completions(args) => return pages::completions(&args, args::parser()),
        Command::Status(args) => return ask::status(&args),
        Command::Clients(args) => return ask::clients(&args),
        Command::Close(args) => return ask::close(&args),
        Command::Pause(at) => return ask::change(at.admin(), "/pause"),
        Command::Resume(at) => return ask::change(at.admin(), "/resume"),
        Command::Drain(at) => return ask::change(at.admin(), "/drain"),
        Command::Set(args) => return ask::set(&args),
    };
    served.unwrap_or_else(|error| exit::failed(&error))
}
