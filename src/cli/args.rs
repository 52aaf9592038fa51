//! What was typed. What it means is decided in `serve.rs`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::admin::AdminArgs;
use super::ask::{ClientsArgs, CloseArgs, Place, SetArgs, StatusArgs};
use super::chat::ChatArgs;
use super::client::ClientArgs;
use super::control::{ControlArgs, RestartArgs};
use super::exec::ExecArgs;
use super::flood::FloodArgs;
use super::log::LogFormat;
use super::mistake;
use super::pages::{CompletionsArgs, ManArgs};
use super::sockets::ListenArgs;
use super::values::{
    MaybeDuration, MaybeRate, duration_or_off, per_second, rate, size, time, yes_or_no,
};
use crate::admission::{WhenAddressFull, WhenFull};
use crate::framing::{Framing, Overlong};
use crate::service::recv::Format;

/// Puts a fixed number of threads behind a TCP port: receives what thousands of clients send, gives
/// them a chat or runs a program for each, loses nothing that was read, and drains on Ctrl-C
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

/// How values are written.
pub(super) const VALUES: &str = "\
SIZE is in bytes, or as 64k, 1m, 1g (times 1024 each); TIME as 500ms, 8s, 2m, 1h 30m.";

const EXIT_CODES: &str = "\
Without a command: recv. Ctrl-C or SIGTERM drains; a second one ends at once.
Exit codes: 0 drained, 1 failed, 2 usage, 3 somebody was cut off, 141 nobody reads the output.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every message with who sent it (the default)
    Recv(RecvArgs),
    /// Send every message back (RFC 862; byte for byte unless --framing is given)
    Echo(ServeArgs),
    /// Read everything, answer nothing (RFC 863)
    Discard(ServeArgs),
    Chat(Box<ChatArgs>),
    Client(ClientArgs),
    Exec(Box<ExecArgs>),
    Flood(Box<FloodArgs>),
    Restart(RestartArgs),
    Man(ManArgs),
    Completions(CompletionsArgs),
    /// Show how a daemon is that runs with --admin
    Status(StatusArgs),
    /// List who is connected to it
    Clients(ClientsArgs),
    /// Close one of its clients; a program of exec sees the end of its input, and may go on
    Close(CloseArgs),
    /// Let it accept nobody for now, until it is restarted at the latest; who comes waits
    Pause(Place),
    /// Let it accept again
    Resume(Place),
    /// Drain it, as Ctrl-C does
    Drain(Place),
    /// Change a limit of it, until it is restarted
    Set(SetArgs),
}

/// `poold recv`.
#[derive(Debug, Args)]
pub(super) struct RecvArgs {
    /// How messages are printed
    #[arg(short, long, value_enum, default_value_t, env = "POOLD_FORMAT")]
    pub(super) format: Format,

    /// Append to this file instead of the standard output (-); it is opened again when it is
    /// renamed or removed
    #[arg(short, long, value_name = "FILE", env = "POOLD_OUTPUT")]
    pub(super) output: Option<PathBuf>,

    /// Tell each client how many of its messages are safe: `ack N`
    #[arg(long, value_parser = yes_or_no(), env = "POOLD_ACK")]
    pub(super) ack: bool,

    /// A message is safe only when it is on the disk
    #[arg(long, requires = "ack", value_parser = yes_or_no(), env = "POOLD_SYNC")]
    pub(super) sync: bool,

    /// Begin each line of text with the time at which the message was read (RFC 3339, UTC); json
    /// always has it
    #[arg(long, value_parser = yes_or_no(), env = "POOLD_TIME")]
    pub(super) time: bool,

    #[command(flatten)]
    pub(super) serve: ServeArgs,
}

/// What every service takes.
#[derive(Debug, Args)]
#[command(after_help = VALUES)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) listen: ListenArgs,

    /// Threads that serve clients, 1 to 1024 [default: 4 for each core, at least 8]
    #[arg(short, long, value_name = "N", env = "POOLD_WORKERS")]
    pub(super) workers: Option<usize>,

    /// Clients connected at once; more wait until one leaves [default: what the descriptor limit
    /// allows]
    #[arg(short, long, value_name = "N", env = "POOLD_MAX_CLIENTS")]
    pub(super) max_clients: Option<usize>,

    /// How bytes are cut into messages: lines, typed, auto, octet, nul, cr, delimited:STRING,
    /// between:START,END, mllp, stx-etx, length:u16be (u32be, u16le, u32le, ascii4), len16, len32,
    /// gelf, json, pri or raw [default: lines; echo and discard: raw]
    #[arg(long, value_name = "HOW", env = "POOLD_FRAMING")]
    pub(super) framing: Option<Framing>,

    /// Longest message, up to 1g
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = size,
        env = "POOLD_MESSAGE_MAX")]
    pub(super) message_max: usize,

    /// What happens to a longer one
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        env = "POOLD_OVERLONG"
    )]
    pub(super) overlong: Overlong,

    /// Most that waits for a client that does not read, 1k to 1g; until it does, it is not read
    /// from
    #[arg(long, value_name = "SIZE", default_value = "256k", value_parser = size,
        env = "POOLD_OUTBOX_MAX")]
    pub(super) outbox_max: usize,

    /// Longest that a drain waits for clients before it cuts them off
    #[arg(long, value_name = "TIME", default_value = "8s", value_parser = time,
        env = "POOLD_DRAIN")]
    pub(super) drain: Duration,

    /// What is told on the standard error: error, warn, info, debug or trace
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "info",
        env = "POOLD_LOG_LEVEL"
    )]
    pub(super) log_level: tracing::Level,

    /// How it is told
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "HOW",
        env = "POOLD_LOG_FORMAT"
    )]
    pub(super) log_format: LogFormat,

    #[command(flatten)]
    pub(super) guard: GuardArgs,

    #[command(flatten)]
    pub(super) control: ControlArgs,

    #[command(flatten)]
    pub(super) admin: AdminArgs,
}

/// What keeps clients from hurting each other.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct GuardArgs {
    /// What to do with clients beyond --max-clients
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        env = "POOLD_WHEN_FULL"
    )]
    pub(super) when_full: WhenFull,

    /// A client that has rested for less is not closed by --when-full shed
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = time,
        env = "POOLD_SHED_AFTER")]
    pub(super) shed_after: Duration,

    /// Clients at once from one IPv4 address or IPv6 /64 [default: no limit]
    #[arg(long, value_name = "N", env = "POOLD_MAX_PER_ADDRESS")]
    pub(super) max_per_address: Option<usize>,

    /// What to do with clients beyond --max-per-address
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        env = "POOLD_WHEN_ADDRESS_FULL"
    )]
    pub(super) when_address_full: WhenAddressFull,

    /// Let only these connect: an address, a network (192.0.2.0/24) or a file of them, which is
    /// read again when it changes; repeatable
    #[arg(long, value_name = "NET", env = "POOLD_ALLOW", value_delimiter = ',')]
    pub(super) allow: Vec<String>,

    /// Keep these out, though they are allowed; repeatable
    #[arg(long, value_name = "NET", env = "POOLD_DENY", value_delimiter = ',')]
    pub(super) deny: Vec<String>,

    /// Balancers: connections from these must begin with a PROXY header, version 1 or 2, which
    /// names the client; an address, a network, a file of them, or unix; repeatable
    #[arg(
        long,
        value_name = "NET",
        env = "POOLD_PROXY_FROM",
        value_delimiter = ','
    )]
    pub(super) proxy_from: Vec<String>,

    /// Clients accepted a second; more wait [default: no limit]
    #[arg(long, value_name = "N", env = "POOLD_ACCEPT_RATE")]
    pub(super) accept_rate: Option<u32>,

    /// Close who sends nothing for so long after connecting [default: never]
    #[arg(long, value_name = "TIME", value_parser = time,
        env = "POOLD_FIRST_BYTE")]
    pub(super) first_byte: Option<Duration>,

    /// Close who has sent nothing for so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = time, env = "POOLD_IDLE")]
    pub(super) idle: Option<Duration>,

    /// Close who does not end a message it began in so long, longer as its bytes keep coming
    /// [default: never]
    #[arg(long, value_name = "TIME", value_parser = time,
        env = "POOLD_MESSAGE")]
    pub(super) message: Option<Duration>,

    /// Bytes a second that a message under way has to keep up [default: 500]
    #[arg(long, value_name = "SIZE", requires = "message", value_parser = per_second,
        env = "POOLD_MIN_RATE")]
    pub(super) min_rate: Option<u32>,

    /// Reset clients that take none of what they are sent for TIME, and close those that have all,
    /// and the end, for TIME; with exec only after the program has ended [default: never; 30s for
    /// clients that are being closed]
    #[arg(long, value_name = "TIME", value_parser = time,
        env = "POOLD_WRITE_STALL")]
    pub(super) write_stall: Option<Duration>,

    /// Close every connection after so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = time,
        env = "POOLD_LIFETIME")]
    pub(super) lifetime: Option<Duration>,

    /// What each client may send: MESSAGES,BYTES a second, each with :BURST if more may come at
    /// once (10:100,16k:32k), or off; what is over is delayed, never dropped
    #[arg(long, value_name = "RATE", default_value = "off", value_parser = rate,
        env = "POOLD_RATE")]
    pub(super) rate: MaybeRate,

    /// Refuse new clients while they would wait longer than this for a worker, or off; recv,
    /// discard and exec without --lines never do
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration_or_off,
        env = "POOLD_OVERLOAD")]
    pub(super) overload: MaybeDuration,

    /// Name a worker in the log that does not come back from a client for so long
    /// [default: 30s; exec without --lines: never]
    #[arg(long, value_name = "TIME", value_parser = time, env = "POOLD_STUCK_AFTER")]
    pub(super) stuck_after: Option<Duration>,
}

/// What came of the command line.
pub(super) enum Parsed {
    Command(Box<Command>),
    /// Help or version was asked for, and is printed.
    Told,
    /// What is wrong, in one line.
    Usage(String),
}

/// The parser itself, for what is made from it.
pub(super) fn parser() -> clap::Command {
    Cli::command()
}

/// Reads the command line and the environment.
pub(super) fn parse() -> Parsed {
    let typed: Vec<_> = std::env::args_os().collect();
    if let Some(problem) = mistake::no_command(&parser(), &typed) {
        return Parsed::Usage(problem);
    }
    let matches = parser().try_get_matches_from(&typed);
    let late = matches.as_ref().ok();
    if let Some(problem) = late.and_then(|matches| mistake::late_command(&parser(), matches)) {
        return Parsed::Usage(problem);
    }
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(Cli { command, recv }) => {
            Parsed::Command(Box::new(command.unwrap_or(Command::Recv(recv))))
        }
        Err(error) if !error.use_stderr() => {
            // Nobody may be there to read it: then it is not needed either.
            let _ = error.print();
            Parsed::Told
        }
        Err(error) => Parsed::Usage(mistake::describe(&error, &typed)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
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

    proptest! {
        #[test]
        fn no_value_is_too_strange(
            text in prop_oneof![
                "\\PC{0,20}",
                "[0-9.,:]{0,24}[a-zA-Z]{0,4}",
                "(off|[0-9]{1,25}(ns|us|ms|s|m|h|d|w|M|y| ){0,2}){0,3}",
            ],
        ) {
            // None of them panics; each says in a line what is wrong, or takes it.
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
