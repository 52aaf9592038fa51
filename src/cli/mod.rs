//! The command line: what was typed, signals, logs, exit codes.

mod admin;
mod args;
mod ask;
mod chat;
mod client;
mod console;
mod control;
mod environment;
mod exec;
mod exit;
mod figures;
mod flood;
mod groups;
mod life;
mod log;
mod mistake;
mod notify;
mod pages;
mod patient;
mod serve;
mod serve_args;
mod signals;
mod sockets;
mod stdout;
mod unix;
mod values;

use std::process::ExitCode;

pub use log::{level as log_level, set_level as set_log_level};

use args::{Command, Parsed};

/// Does what the command line asks for, and answers how it went.
pub fn run() -> ExitCode {
    if let Some(code) = control::go_between() {
        return code;
    }
    let command = match args::parse() {
        Parsed::Command(command) => command,
        Parsed::Told => return exit::DONE.into(),
        Parsed::Usage(problem) => return exit::usage(&problem),
    };
    let served = match *command {
        Command::Recv(args) => serve::recv(&args),
        Command::Echo(args) => serve::echo(&args),
        Command::Discard(args) => serve::discard(&args),
        Command::Chat(args) => chat::run(&args),
        Command::Client(args) => return client::run(&args),
        Command::Exec(args) => exec::run(&args),
        Command::Flood(args) => return flood::run(&args),
        Command::Restart(args) => return control::restart(&args),
        Command::Man(args) => return pages::man(&args, args::parser()),
        Command::Completions(args) => return pages::completions(&args, args::parser()),
        Command::Status(args) => return ask::status(&args),
        Command::Clients(args) => return ask::clients(&args),
        Command::Close(args) => return ask::close(&args),
        Command::Pause(place) => return ask::change(place.admin(), "/pause"),
        Command::Resume(place) => return ask::change(place.admin(), "/resume"),
        Command::Drain(place) => return ask::change(place.admin(), "/drain"),
        Command::Set(args) => return ask::set(&args),
    };
    served.unwrap_or_else(|error| exit::failed(&error))
}
