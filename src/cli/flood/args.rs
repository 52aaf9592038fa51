//! What was typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::chat::args::ChatArgs;
use crate::cli::values;

/// Flood a server with numbered messages, measure it, and say whether any was lost
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Ctrl-C ends the sending, waits for what is on its way and shows what was measured until then; the
second one ends at once.
Exit codes: 0 nothing is wrong, 1 something is, 2 usage, 130 ended at once by Ctrl-C, 141 nobody
reads the output.")]
pub struct FloodArgs {
    /// The server: PORT (on this machine), HOST:PORT or unix:PATH
    #[arg(required_unless_present = "check")]
    pub address: Option<String>,

    /// Clients that send at the same time [default: 64]
    #[arg(short, long, value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub clients: Option<u64>,

    /// Messages from each client [default: 1000; no limit with --duration or --until-closed]
    #[arg(short = 'n', long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    pub messages: Option<u64>,

    /// Bytes in a message, the newline included [default: 64]
    #[arg(short, long, value_name = "BYTES", value_parser = size)]
    pub size: Option<usize>,

    /// Messages a client sends in one write before it waits for the replies to all of them
    #[arg(short, long, value_name = "P", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub pipeline: u64,

    /// Messages a second from all clients together, sent on time whether or not the server
    /// keeps up, as far as --threads can; latency counts from when a message should have been sent
    #[arg(long, value_name = "R", value_parser = rate, conflicts_with = "pipeline")]
    pub rate: Option<f64>,

    /// Send for this long
    #[arg(short = 't', long, value_name = "TIME", value_parser = values::time)]
    pub duration: Option<Duration>,

    /// Leave what comes back in the first while out of rates and latencies (not out of the check)
    #[arg(long, value_name = "TIME", default_value = "0s",
        value_parser = values::time)]
    pub warmup: Duration,

    /// What the server does with a message
    #[arg(long, value_enum, default_value_t = Expect::Echo)]
    pub expect: Expect,

    /// Send every message on a connection of its own
    #[arg(long, conflicts_with_all = ["rate", "pipeline", "stall"])]
    pub churn: bool,

    /// The server is expected to end before the clients do: what it left unanswered at the
    /// end of a connection is not lost, holes are
    #[arg(long)]
    pub until_closed: bool,

    /// Write in pieces of random length
    #[arg(long, value_name = "SEED")]
    pub pieces: Option<u64>,

    /// Additional clients that connect and never send
    #[arg(long, value_name = "K", default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub silent: u64,

    /// How many of the clients send and never read
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub stall: u64,

    /// How many of the clients send 1024 messages at a time, whatever --pipeline says; they
    /// are checked like all, and left out of rates and latencies
    #[arg(long, value_name = "K", default_value_t = 0, conflicts_with_all = ["rate", "churn"])]
    pub greedy: u64,

    /// Threads that send
    #[arg(long, value_name = "T", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=256))]
    pub threads: u64,

    /// Give up when nothing moves for this long
    #[arg(long, value_name = "TIME", default_value = "10s",
        value_parser = values::time)]
    pub timeout: Duration,

    /// Name the run (1 to 16 letters and digits), instead of at random; with --check: look at
    /// this run only
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run: Option<String>,

    /// Print one line of JSON instead of a table
    #[arg(long)]
    pub json: bool,

    /// No progress bar
    #[arg(short, long)]
    pub quiet: bool,

    /// Send nothing: check what `poold recv` printed in this file (- is standard input) against
    /// --clients, --messages and --size
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "pipeline", "rate",
        "duration", "warmup", "expect", "churn", "until_closed", "pieces", "silent", "stall",
        "greedy", "threads", "timeout", "chat"])]
    pub check: Option<PathBuf>,

    /// With --check: the run was cut off, so only holes count as lost, not a missing end
    #[arg(long, conflicts_with = "address")]
    pub cut: bool,

    #[command(flatten)]
    pub chat: ChatArgs,
}

/// What the server does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Expect {
    /// Sends it back
    Echo,
    /// Reads it; when the client has ended, reads all and ends too
    Nothing,
    /// Answers `ack N`, N the number of messages it has taken on this connection
    Ack,
}

const SIZE_MAX: usize = 16 << 20;

fn size(text: &str) -> Result<usize, String> {
    let bytes = values::size(text)?;
    if bytes > SIZE_MAX {
        return Err(format!("at most {SIZE_MAX} bytes"));
    }
    Ok(bytes)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        _ => Err("a number of messages a second, greater than 0".to_owned()),
    }
}

fn run_id(text: &str) -> Result<String, String> {
    let fits = (1..=super::message::RUN_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    Err("1 to 16 letters and digits".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_value_is_too_strange(text in "\\PC{0,20}|[0-9.e+-]{0,24}[a-zA-Z]{0,4}") {
            // None of them panics; what they take is within its bounds.
            if let Ok(bytes) = size(&text) {
                prop_assert!(bytes <= SIZE_MAX);
            }
            if let Ok(rate) = rate(&text) {
                prop_assert!(rate.is_finite() && rate > 0.0);
            }
            if let Ok(run) = run_id(&text) {
                prop_assert!(run == text && run.is_ascii());
            }
        }
    }
}
