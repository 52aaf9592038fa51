//! The arguments of `poold exec`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::daemon::args::ServeArgs;
use crate::cli::values::{size, time};
use crate::service::exec::ClientGone;

/// Run a program for each client, with the connection as its input and output: at most --workers
/// at once, the others wait
///
/// The program's environment names the client: PROTO, TCPREMOTEIP, TCPREMOTEPORT, TCPLOCALIP,
/// TCPLOCALPORT, TCPCONNNUM (how many run for its address) and POOLD_CLIENT (its number in the
/// log); with --proxy-from, POOLD_VIA names the balancer; with --tls-cert, TLS_VERSION is its
/// version of TLS and TLS_CLIENT_NAME the name in its certificate. The program has no terminal, and
/// the descriptor limits that poold was started with. Its standard error goes to the log. When it
/// ends, poold kills the rest of its process group.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    // First, so that ADDRESS comes before the program's words.
    #[command(flatten)]
    pub(crate) serve: ServeArgs,

    #[command(flatten)]
    pub(super) program: ProgramArgs,

    #[command(flatten)]
    pub(super) limits: ChildArgs,
}

/// The program.
#[derive(Debug, Args)]
#[command(next_help_heading = "Program")]
pub(super) struct ProgramArgs {
    /// The program and its arguments, after --
    #[arg(
        last = true,
        required_unless_present = "shell",
        conflicts_with = "shell",
        value_name = "PROGRAM"
    )]
    pub(super) words: Vec<OsString>,

    /// Command line for sh -c, in place of PROGRAM
    #[arg(long, value_name = "STRING")]
    pub(super) shell: Option<OsString>,

    /// Run the program once for each message: it reads the message, and its output is the reply;
    /// idle clients hold no worker
    #[arg(long)]
    pub(super) lines: bool,

    /// With --lines: maximum length of a reply; a program that prints more is stopped, and its
    /// client closed
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = size,
        requires = "lines")]
    pub(super) reply_max: usize,

    /// Working directory of the program
    #[arg(long, value_name = "DIR")]
    pub(super) chdir: Option<PathBuf>,

    /// Of poold's environment give it PATH alone, beside the variables about its client and its
    /// user
    #[arg(long)]
    pub(super) clean_env: bool,

    /// User of the program, by name or number; HOME, USER, LOGNAME and SHELL are that user's; for
    /// root only
    #[arg(long, value_name = "USER")]
    pub(super) user: Option<String>,

    /// Its group, by name or number [default: the user's]; for root only
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Option<String>,

    /// Its umask, in octal
    #[arg(long, value_name = "MASK", value_parser = mask)]
    pub(super) umask: Option<u32>,
}

/// The limits of a program.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct ChildArgs {
    /// Maximum number of clients that wait for a worker; more are sent "busy" and closed; not with
    /// --lines [default: 1024]
    #[arg(long, value_name = "N")]
    pub(super) queue: Option<usize>,

    /// Maximum time a client waits for a worker; then it is sent "busy" and closed; not with
    /// --lines [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) max_wait: Option<Duration>,

    /// Maximum time a program runs; then it is told to end (TERM) [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) timeout: Option<Duration>,

    /// Time between TERM and KILL, which ends the program's whole process group
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub(super) kill_after: Duration,

    /// At a take-over, maximum time the old process stays for the programs that run; after it they
    /// are told to end [default: that of --drain]
    #[arg(long, value_name = "TIME", value_parser = time, requires = "control",
        help_heading = "Restart")]
    pub(super) program_drain: Option<Duration>,

    /// What happens to a program whose client has gone
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(super) client_gone: ClientGone,

    /// Maximum processor time of each process, in whole seconds, at least 1s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) cpu: Option<Duration>,

    /// Maximum memory (address space) of each process
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) memory: Option<usize>,
}

fn mask(text: &str) -> Result<u32, String> {
    let mask = u32::from_str_radix(text, 8)
        .ok()
        .filter(|mask| *mask <= 0o777);
    mask.ok_or_else(|| "write a mask in octal, as 027".to_owned())
}
