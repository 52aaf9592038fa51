//! The command line: the commands, what each of them runs, and the variables of their options.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::{Resettable, TypedValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::ask::{self, AdminAddress, ClientsArgs, CloseArgs, SetArgs, StatusArgs};
use super::cert::{self, CertArgs};
use super::client::{self, ClientArgs};
use super::daemon::args::{RecvArgs, ServeArgs};
use super::daemon::chat::ChatArgs;
use super::daemon::exec::ExecArgs;
use super::daemon::hub::HubArgs;
use super::flood::{self, FloodArgs};
use super::handover::{self, RestartArgs};
use super::pages::{self, CompletionsArgs, ManArgs};
use super::tail::{self, TailArgs};
use super::values::{VALUES, yes_or_no};
use super::{daemon, environment, exit, usage_error};
use crate::service::{Discard, Echo};

/// Serve a TCP port with a fixed number of threads: receive messages from thousands of clients,
/// give them a chat room or run a program for each; lose no message that was read; drain on Ctrl-C
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = format!("{VALUES}\n{EXIT_CODES}")
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    recv: RecvArgs,
}

const EXIT_CODES: &str = "\
Without a command: recv. The first Ctrl-C or SIGTERM drains, the second ends at once.
Exit codes: 0 drained, 1 failed, 2 usage, 3 clients were cut off or messages were not delivered, \
141 the output was closed.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print each message with its sender (the default command)
    Recv(RecvArgs),
    /// Send each message back (RFC 862; byte for byte without --framing)
    Echo(ServeArgs),
    /// Read everything and send nothing (RFC 863)
    Discard(ServeArgs),
    Chat(Box<ChatArgs>),
    Hub(Box<HubArgs>),
    Client(ClientArgs),
    Tail(TailArgs),
    Cert(CertArgs),
    Exec(Box<ExecArgs>),
    Flood(Box<FloodArgs>),
    Restart(RestartArgs),
    Man(ManArgs),
    Completions(CompletionsArgs),
    /// Show the state of a running daemon, started with --admin
    Status(StatusArgs),
    /// List the clients of a running daemon
    Clients(ClientsArgs),
    /// Close one client of a running daemon; its exec program reads end of input, and is told to
    /// end after --kill-after
    Close(CloseArgs),
    /// Stop accepting clients until resume or a restart; new clients wait in the backlog
    Pause(AdminAddress),
    /// Accept clients again after pause
    Resume(AdminAddress),
    /// Drain a running daemon, as Ctrl-C does
    Drain(AdminAddress),
    /// Change a setting of a running daemon until it restarts
    Set(SetArgs),
}

impl Command {
    /// Runs it, and returns its exit code.
    pub(super) fn run(self) -> ExitCode {
        let served = match self {
            Command::Recv(args) => daemon::recv::recv(&args),
            Command::Echo(args) => daemon::serve::plain("echo", &args, Echo),
            Command::Discard(args) => daemon::serve::plain("discard", &args, Discard),
            Command::Chat(args) => daemon::chat::run(&args),
            Command::Hub(args) => daemon::hub::run(*args),
            Command::Exec(args) => daemon::exec::run(&args),
            Command::Client(args) => return client::run(&args),
            Command::Tail(args) => return tail::run(&args),
            Command::Cert(args) => return cert::run(&args),
            Command::Flood(args) => return flood::run(&args),
            Command::Restart(args) => return handover::restart(&args),
            Command::Man(args) => return pages::man(&args, parser()),
            Command::Completions(args) => return pages::completions(&args, parser()),
            Command::Status(args) => return ask::status(&args),
            Command::Clients(args) => return ask::clients(&args),
            Command::Close(args) => return ask::close(&args),
            Command::Pause(at) => return ask::change(&at, "/pause"),
            Command::Resume(at) => return ask::change(&at, "/resume"),
            Command::Drain(at) => return ask::change(&at, "/drain"),
            Command::Set(args) => return ask::set(&args),
        };
        served.unwrap_or_else(|error| exit::failed(&error))
    }

    /// The arguments that all services share, if this command is a service.
    fn serve(&mut self) -> Option<&mut ServeArgs> {
        match self {
            Command::Recv(args) => Some(&mut args.serve),
            Command::Echo(args) | Command::Discard(args) => Some(args),
            Command::Chat(args) => Some(&mut args.serve),
            Command::Hub(args) => Some(&mut args.serve),
            Command::Exec(args) => Some(&mut args.serve),
            Command::Client(_) | Command::Cert(_) | Command::Flood(_) | Command::Restart(_) => None,
            Command::Man(_) | Command::Completions(_) | Command::Tail(_) => None,
            Command::Status(_) | Command::Clients(_) | Command::Close(_) | Command::Set(_) => None,
            Command::Pause(_) | Command::Resume(_) | Command::Drain(_) => None,
        }
    }
}

/// The result of reading the command line.
pub(super) enum Parsed {
    Command(Box<Command>),
    /// Help or the version is printed already.
    Told,
    /// A usage error, in one line.
    Usage(String),
}

/// The parser, also for manual pages and completions. A variable sets each option of a service:
/// `POOLD_MAX_CLIENTS` that of `--max-clients`, `POOLD_ADDRESS` the addresses.
pub(super) fn parser() -> clap::Command {
    of_services(Cli::command(), with_variable)
}

/// Changes the arguments of all services; `poold` alone is one.
fn of_services(parser: clap::Command, change: fn(Arg) -> Arg) -> clap::Command {
    let is_service = |command: &clap::Command| {
        let mut ids = command.get_arguments().map(Arg::get_id);
        ids.any(|id| id == "workers")
    };
    let parser = parser.mut_args(change);
    parser.mut_subcommands(|command| match is_service(&command) {
        true => command.mut_args(change),
        false => command,
    })
}

/// The parser for what was typed, without the variables that do not count: those that say no to a
/// service's flag, and those of options that what was typed rules out. For clap they are given, and
/// want the options that they need, or none beside them.
fn parser_for(typed: &[OsString]) -> clap::Command {
    let parser = of_services(parser(), |argument| match says_no(&argument) {
        true => without_variable(argument),
        false => argument,
    });
    let bare = parser.clone().mut_args(without_variable);
    let bare = bare.mut_subcommands(|command| command.mut_args(without_variable));
    let matches = bare.ignore_errors(true).try_get_matches_from(typed);
    let command = matches.as_ref().ok().and_then(ArgMatches::subcommand);
    // Without one help was asked for, or it is recv, whose options rule out no others.
    let Some((name, matches)) = command.filter(|(name, _)| parser.find_subcommand(name).is_some())
    else {
        return parser;
    };
    parser.mut_subcommand(name, |command| {
        let is_typed = |argument: &&Arg| {
            let source = matches.value_source(argument.get_id().as_str());
            source == Some(ValueSource::CommandLine)
        };
        let typed = command.get_arguments().filter(is_typed);
        let others = typed.flat_map(|argument| command.get_arg_conflicts_with(argument));
        let others: Vec<_> = others.map(|argument| argument.get_id().clone()).collect();
        command.mut_args(|argument| match others.contains(argument.get_id()) {
            true => without_variable(argument),
            false => argument,
        })
    })
}

fn without_variable(argument: Arg) -> Arg {
    argument.env(Resettable::Reset)
}

/// Whether its variable says no to a flag.
fn says_no(argument: &Arg) -> bool {
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
    let value = argument.get_env().filter(|_| is_flag).and_then(env::var_os);
    value.is_some_and(|value| {
        let says = yes_or_no().parse_ref(&clap::Command::new(""), None, &value);
        says.is_ok_and(|yes| !yes)
    })
}

fn with_variable(argument: Arg) -> Arg {
    let name = match (argument.get_long(), argument.get_id().as_str()) {
        (Some(long), _) => long.replace('-', "_").to_uppercase(),
        (None, "address") => "ADDRESS".to_owned(),
        // The words of a program.
        (None, _) => return argument,
    };
    let argument = argument.env(format!("POOLD_{name}"));
    match argument.get_action() {
        ArgAction::SetTrue => argument.value_parser(yes_or_no()),
        _ => argument,
    }
}

/// Reads the command line and the environment.
pub(super) fn parse() -> Parsed {
    let typed: Vec<_> = env::args_os().collect();
    if let Some(problem) = usage_error::no_command(&parser(), &typed) {
        return Parsed::Usage(problem);
    }
    let matches = parser_for(&typed).try_get_matches_from(&typed);
    let late = matches.as_ref().ok();
    let problem = late.and_then(|matches| {
        usage_error::late_command(&parser(), matches)
            .or_else(|| usage_error::two_addresses(matches))
    });
    if let Some(problem) = problem {
        return Parsed::Usage(problem);
    }
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(Cli { command, recv }) => {
            let mut command = command.unwrap_or(Command::Recv(recv));
            if let Some(serve) = command.serve() {
                serve.strangers = environment::strangers(&parser());
            }
            Parsed::Command(Box::new(command))
        }
        Err(error) if !error.use_stderr() => {
            // A closed output needs no help text.
            let _ = error.print();
            Parsed::Told
        }
        Err(error) => Parsed::Usage(usage_error::describe(&error, &parser(), &typed)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::cli::values::{duration_or_off, rate, size};

    #[test]
    fn the_parser_is_sound() {
        parser().debug_assert();
    }

    #[test]
    fn without_a_command_it_receives() {
        let cli = Cli::try_parse_from(["poold"]).expect("valid");
        assert!(cli.command.is_none());
        assert_eq!(cli.recv.serve.listen.address, ["127.0.0.1:8080"]);
        let cli = Cli::try_parse_from(["poold", ":99", "-w", "4", "--ack"]).expect("valid");
        assert_eq!(cli.recv.serve.workers, Some(4));
        assert_eq!(cli.recv.serve.listen.address, [":99"]);
        let several = ["poold", "echo", ":99", "unix:/a,98", "-w", "4"];
        let cli = Cli::try_parse_from(several).expect("valid");
        let Some(Command::Echo(echo)) = cli.command else {
            panic!("echo was typed");
        };
        assert_eq!(echo.listen.address, [":99", "unix:/a", "98"]);
        for control in ["/run/c", "unix:/run/c"] {
            let cli = Cli::try_parse_from(["poold", "--control", control]).expect("valid");
            let path = cli.recv.serve.control.control;
            assert_eq!(path, Some(PathBuf::from("/run/c")));
        }
    }

    #[test]
    fn the_admin_address_is_an_argument_or_an_option() {
        let commands = [
            "status",
            "clients",
            "close 7",
            "pause",
            "resume",
            "drain",
            "set workers 4",
        ];
        for command in commands {
            for address in ["unix:/a", "--admin unix:/a", "--admin=unix:/a"] {
                let line = format!("poold {command} {address}");
                let cli = Cli::try_parse_from(line.split(' ')).expect(&line);
                let place = match cli.command {
                    Some(Command::Status(args)) => args.place,
                    Some(Command::Clients(args)) => args.place,
                    Some(Command::Close(args)) => args.place,
                    Some(Command::Set(args)) => args.place,
                    Some(Command::Pause(place) | Command::Resume(place)) => place,
                    Some(Command::Drain(place)) => place,
                    other => panic!("{line}: {other:?}"),
                };
                assert_eq!(place.admin(), "unix:/a", "{line}");
            }
        }
    }

    #[test]
    fn the_help_fits_a_terminal() {
        let names = parser();
        let names = names.get_subcommands().map(clap::Command::get_name);
        for name in std::iter::once("").chain(names) {
            let mut parser = parser().term_width(80);
            let command = parser.find_subcommand_mut(name);
            let help = match command {
                Some(command) => command.clone().term_width(80).render_long_help(),
                None => parser.render_long_help(),
            };
            for line in help.to_string().lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_value_is_too_strange(
            text in prop_oneof![
                "\\PC{0,20}",
                "[0-9.,:]{0,24}[a-zA-Z]{0,4}",
                "(off|[0-9]{1,25}(ns|us|ms|s|m|h|d|w|M|y| ){0,2}){0,3}",
            ],
        ) {
            // No parser panics; each takes the text or returns a one-line error.
            let problems = [
                size(&text).err(),
                rate(&text).err(),
                duration_or_off(&text).err(),
            ];
            for problem in problems.into_iter().flatten() {
                prop_assert!(!problem.is_empty() && !problem.contains('\n'), "{problem}");
            }
        }

        #[test]
        fn plain_numbers_are_bytes(bytes in 0..10_000_000_000_000_000_000_u64) {
            prop_assert_eq!(size(&bytes.to_string()), Ok(bytes as usize));
        }
    }
}
