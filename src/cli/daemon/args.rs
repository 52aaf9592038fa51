//! The arguments of all services. `serve.rs` turns them into options.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::tls::TlsArgs;
use crate::cli::admin::AdminArgs;
use crate::cli::handover::ControlArgs;
use crate::cli::log::LogFormat;
use crate::cli::sockets::ListenArgs;
use crate::cli::values::{
    MaybeDuration, MaybeRate, VALUES, duration_or_off, per_second, rate, size, time,
};
use crate::framing::{FORMS, Framing, Overlong};
use crate::limits::admission::{WhenAddressFull, WhenFull};
use crate::service::recv::Format;

// Groups of the help.
const MESSAGES: &str = "Messages";
const ACCESS: &str = "Access";
const LOG: &str = "Log";

/// `poold recv`.
#[derive(Debug, Args)]
pub(crate) struct RecvArgs {
    /// Format in which messages are printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: Format,

    /// Append messages to this file; after it is renamed or removed, a new one is opened
    /// [default: -, the standard output]. Or to a stream or list of a Redis or Valkey server:
    /// redis://HOST?stream=NAME
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Confirm messages: send `ack N` to a client once its first N messages are written; not
    /// with --overlong drop
    #[arg(long)]
    pub(crate) ack: bool,

    /// With --ack: confirm messages only once they are on the disk (fdatasync), or on the server's
    #[arg(long, requires = "ack")]
    pub(crate) sync: bool,

    /// Begin each line of --format text with the time at which the message was read (RFC 3339,
    /// UTC); json always has it
    #[arg(long)]
    pub(crate) time: bool,

    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// The arguments of every service.
#[derive(Debug, Args)]
#[command(after_help = VALUES)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,

    /// A warning for each environment variable `POOLD_…` that no command knows.
    #[arg(skip)]
    pub(crate) strangers: Vec<String>,

    /// Number of threads that serve clients, 1 to 1024 [default: 4 per core, at least 8]
    #[arg(short, long, value_name = "N")]
    pub(crate) workers: Option<usize>,

    /// Maximum number of clients connected at once; --when-full says what happens to more
    /// [default: what the descriptor limit allows]
    #[arg(short, long, value_name = "N")]
    pub(crate) max_clients: Option<usize>,

    /// Maximum time a drain waits for clients to finish; after it, they are cut off
    #[arg(long, value_name = "TIME", default_value = "8s", value_parser = time)]
    pub(crate) drain: Duration,

    #[arg(
        long,
        value_name = "HOW",
        help_heading = MESSAGES,
        help = format!(
            "How a stream is split into messages: {FORMS} [default: lines; echo and discard: raw]"
        )
    )]
    pub(crate) framing: Option<Framing>,

    /// Maximum length of a message, up to 1g
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = size,
        help_heading = MESSAGES)]
    pub(crate) message_max: usize,

    /// What happens to a message longer than --message-max
    #[arg(long, value_enum, default_value_t, value_name = "WHAT", help_heading = MESSAGES)]
    pub(crate) overlong: Overlong,

    /// Maximum unsent output of a client, 1k to 1g; above it poold stops reading from that client
    #[arg(long, value_name = "SIZE", default_value = "256k", value_parser = size,
        help_heading = MESSAGES)]
    pub(crate) outbox_max: usize,

    /// Least severe events in the log on the standard error: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info", help_heading = LOG)]
    pub(crate) log_level: tracing::Level,

    /// Format of the log
    #[arg(long, value_enum, default_value_t, value_name = "HOW", help_heading = LOG)]
    pub(crate) log_format: LogFormat,

    #[command(flatten)]
    pub(crate) guard: GuardArgs,

    #[command(flatten)]
    pub(crate) tls: TlsArgs,

    #[command(flatten)]
    pub(crate) control: ControlArgs,

    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// The limits that keep clients from hurting each other.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct GuardArgs {
    /// What happens to clients beyond --max-clients
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(crate) when_full: WhenFull,

    /// Idle time after which --when-full shed may close a client
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = time)]
    pub(crate) shed_after: Duration,

    /// Maximum number of clients from one IPv4 address or IPv6 /64 [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) max_per_address: Option<usize>,

    /// What happens to clients beyond --max-per-address
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(crate) when_address_full: WhenAddressFull,

    /// Accept only clients of this address, network (192.0.2.0/24) or file of them, which is read
    /// again when it changes; repeatable [default: all]
    #[arg(long, value_name = "NET", value_delimiter = ',', help_heading = ACCESS)]
    pub(crate) allow: Vec<String>,

    /// Refuse clients of this address, network or file of them, even if --allow has them;
    /// repeatable [default: none]
    #[arg(long, value_name = "NET", value_delimiter = ',', help_heading = ACCESS)]
    pub(crate) deny: Vec<String>,

    /// Load balancers whose connections must begin with a PROXY header, version 1 or 2, which names
    /// the client: an address, a network, a file of them, or unix; repeatable [default: none]
    #[arg(long, value_name = "NET", value_delimiter = ',', help_heading = ACCESS)]
    pub(crate) proxy_from: Vec<String>,

    /// Maximum number of clients accepted per second; more wait in the backlog [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) accept_rate: Option<u32>,

    /// Close clients that send nothing within TIME of connecting [default: never]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) first_byte: Option<Duration>,

    /// Close clients that send nothing for TIME [default: never]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) idle: Option<Duration>,

    /// Close clients that take longer than TIME to send the rest of a message; bytes that arrive at
    /// --min-rate extend it [default: never]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) message: Option<Duration>,

    /// With --message: bytes per second at which an unfinished message may take longer
    /// [default: 500]
    #[arg(long, value_name = "SIZE", requires = "message", value_parser = per_second)]
    pub(crate) min_rate: Option<u32>,

    /// Reset clients that take no output for TIME, and close clients that do not close within TIME
    /// of all output and its end; with exec only after the program has ended [default: never; 30s
    /// for clients that are being closed]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) write_stall: Option<Duration>,

    /// Close each connection TIME after it was accepted [default: never]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) lifetime: Option<Duration>,

    /// Maximum rate of each client: MESSAGES,BYTES per second, each with :BURST for short peaks
    /// (10:100,16k:32k), or off; input above it is delayed, never dropped
    #[arg(long, value_name = "RATE", default_value = "off", value_parser = rate)]
    pub(crate) rate: MaybeRate,

    /// Refuse new clients while the wait for a worker is longer than TIME, or off; recv, discard
    /// and exec without --lines never refuse for it [default: 500ms; exec --lines: off]
    #[arg(long, value_name = "TIME", value_parser = duration_or_off)]
    pub(crate) overload: Option<MaybeDuration>,

    /// Log workers that serve one client for longer than TIME without a pause [default: 30s; exec
    /// without --lines: never]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) stuck_after: Option<Duration>,
}
