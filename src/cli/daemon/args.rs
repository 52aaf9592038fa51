//! What was typed for a service. What it means is decided in `serve.rs`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::sockets::ListenArgs;
use crate::cli::admin::AdminArgs;
use crate::cli::handover::ControlArgs;
use crate::cli::log::LogFormat;
use crate::cli::values::{
    MaybeDuration, MaybeRate, VALUES, duration_or_off, per_second, rate, size, time, yes_or_no,
};
use crate::framing::{Framing, Overlong};
use crate::limits::admission::{WhenAddressFull, WhenFull};
use crate::service::recv::Format;

/// `poold recv`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RecvArgs {
    /// How messages are printed
    #[arg(short, long, value_enum, default_value_t, env = "POOLD_FORMAT")]
    pub(in crate::cli) format: Format,

    /// Append to this file instead of the standard output (-); it is opened again when it is
    /// renamed or removed
    #[arg(short, long, value_name = "FILE", env = "POOLD_OUTPUT")]
    pub(in crate::cli) output: Option<PathBuf>,

    /// Tell each client how many of its messages are safe: `ack N`
    #[arg(long, value_parser = yes_or_no(), env = "POOLD_ACK")]
    pub(in crate::cli) ack: bool,

    /// A message is safe only when it is on the disk
    #[arg(long, requires = "ack", value_parser = yes_or_no(), env = "POOLD_SYNC")]
    pub(in crate::cli) sync: bool,

    /// Begin each line of text with the time at which the message was read (RFC 3339, UTC); json
    /// always has it
    #[arg(long, value_parser = yes_or_no(), env = "POOLD_TIME")]
    pub(in crate::cli) time: bool,

    #[command(flatten)]
    pub(in crate::cli) serve: ServeArgs,
}

/// What every service takes.
#[derive(Debug, Args)]
#[command(after_help = VALUES)]
pub(in crate::cli) struct ServeArgs {
    #[command(flatten)]
    pub(in crate::cli) listen: ListenArgs,

    /// Variables `POOLD_…` that no command knows, each in a line.
    #[arg(skip)]
    pub(in crate::cli) strangers: Vec<String>,

    /// Threads that serve clients, 1 to 1024 [default: 4 for each core, at least 8]
    #[arg(short, long, value_name = "N", env = "POOLD_WORKERS")]
    pub(in crate::cli) workers: Option<usize>,

    /// Clients connected at once; more wait until one leaves [default: what the descriptor limit
    /// allows]
    #[arg(short, long, value_name = "N", env = "POOLD_MAX_CLIENTS")]
    pub(in crate::cli) max_clients: Option<usize>,

    /// How bytes are cut into messages: lines, typed, auto, octet, nul, cr, delimited:STRING,
    /// between:START,END, mllp, stx-etx, length:u16be (u32be, u16le, u32le, ascii4), len16, len32,
    /// gelf, json, pri or raw [default: lines; echo and discard: raw]
    #[arg(long, value_name = "HOW", env = "POOLD_FRAMING")]
    pub(in crate::cli) framing: Option<Framing>,

    /// Longest message, up to 1g
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = size,
        env = "POOLD_MESSAGE_MAX")]
    pub(in crate::cli) message_max: usize,

    /// What happens to a longer one
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        env = "POOLD_OVERLONG"
    )]
    pub(in crate::cli) overlong: Overlong,

    /// Most that waits for a client that does not read, 1k to 1g; until it does, it is not read
    /// from
    #[arg(long, value_name = "SIZE", default_value = "256k", value_parser = size,
        env = "POOLD_OUTBOX_MAX")]
    pub(in crate::cli) outbox_max: usize,

    /// Longest that a drain waits for clients before it cuts them off
    #[arg(long, value_name = "TIME", default_value = "8s", value_parser = time,
        env = "POOLD_DRAIN")]
    pub(in crate::cli) drain: Duration,

    /// What is told on the standard error: error, warn, info, debug or trace
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "info",
        env = "POOLD_LOG_LEVEL"
    )]
    pub(in crate::cli) log_level: tracing::Level,

    /// How it is told
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "HOW",
        env = "POOLD_LOG_FORMAT"
    )]
    pub(in crate::cli) log_format: LogFormat,

    #[command(flatten)]
    pub(in crate::cli) guard: GuardArgs,

    #[command(flatten)]
    pub(in crate::cli) control: ControlArgs,

    #[command(flatten)]
    pub(in crate::cli) admin: AdminArgs,
}

/// What keeps clients from hurting each other.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(in crate::cli) struct GuardArgs {
    /// What to do with clients beyond --max-clients
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        env = "POOLD_WHEN_FULL"
    )]
    pub(in crate::cli) when_full: WhenFull,

    /// A client that has rested for less is not closed by --when-full shed
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = time,
        env = "POOLD_SHED_AFTER")]
    pub(in crate::cli) shed_after: Duration,

    /// Clients at once from one IPv4 address or IPv6 /64 [default: no limit]
    #[arg(long, value_name = "N", env = "POOLD_MAX_PER_ADDRESS")]
    pub(in crate::cli) max_per_address: Option<usize>,

    /// What to do with clients beyond --max-per-address
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        env = "POOLD_WHEN_ADDRESS_FULL"
    )]
    pub(in crate::cli) when_address_full: WhenAddressFull,

    /// Let only these connect: an address, a network (192.0.2.0/24) or a file of them, which is
    /// read again when it changes; repeatable
    #[arg(long, value_name = "NET", env = "POOLD_ALLOW", value_delimiter = ',')]
    pub(in crate::cli) allow: Vec<String>,

    /// Keep these out, though they are allowed; repeatable
    #[arg(long, value_name = "NET", env = "POOLD_DENY", value_delimiter = ',')]
    pub(in crate::cli) deny: Vec<String>,

    /// Balancers: connections from these must begin with a PROXY header, version 1 or 2, which
    /// names the client; an address, a network, a file of them, or unix; repeatable
    #[arg(
        long,
        value_name = "NET",
        env = "POOLD_PROXY_FROM",
        value_delimiter = ','
    )]
    pub(in crate::cli) proxy_from: Vec<String>,

    /// Clients accepted a second; more wait [default: no limit]
    #[arg(long, value_name = "N", env = "POOLD_ACCEPT_RATE")]
    pub(in crate::cli) accept_rate: Option<u32>,

    /// Close who sends nothing for so long after connecting [default: never]
    #[arg(long, value_name = "TIME", value_parser = time,
        env = "POOLD_FIRST_BYTE")]
    pub(in crate::cli) first_byte: Option<Duration>,

    /// Close who has sent nothing for so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = time, env = "POOLD_IDLE")]
    pub(in crate::cli) idle: Option<Duration>,

    /// Close who does not end a message it began in so long, longer as its bytes keep coming
    /// [default: never]
    #[arg(long, value_name = "TIME", value_parser = time,
        env = "POOLD_MESSAGE")]
    pub(in crate::cli) message: Option<Duration>,

    /// Bytes a second that a message under way has to keep up [default: 500]
    #[arg(long, value_name = "SIZE", requires = "message", value_parser = per_second,
        env = "POOLD_MIN_RATE")]
    pub(in crate::cli) min_rate: Option<u32>,

    /// Reset clients that take none of what they are sent for TIME, and close those that have all,
    /// and the end, for TIME; with exec only after the program has ended [default: never; 30s for
    /// clients that are being closed]
    #[arg(long, value_name = "TIME", value_parser = time,
        env = "POOLD_WRITE_STALL")]
    pub(in crate::cli) write_stall: Option<Duration>,

    /// Close every connection after so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = time,
        env = "POOLD_LIFETIME")]
    pub(in crate::cli) lifetime: Option<Duration>,

    /// What each client may send: MESSAGES,BYTES a second, each with :BURST if more may come at
    /// once (10:100,16k:32k), or off; what is over is delayed, never dropped
    #[arg(long, value_name = "RATE", default_value = "off", value_parser = rate,
        env = "POOLD_RATE")]
    pub(in crate::cli) rate: MaybeRate,

    /// Refuse new clients while they would wait longer than this for a worker, or off; recv,
    /// discard and exec without --lines never do
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration_or_off,
        env = "POOLD_OVERLOAD")]
    pub(in crate::cli) overload: MaybeDuration,

    /// Name a worker in the log that does not come back from a client for so long
    /// [default: 30s; exec without --lines: never]
    #[arg(long, value_name = "TIME", value_parser = time, env = "POOLD_STUCK_AFTER")]
    pub(in crate::cli) stuck_after: Option<Duration>,
}
