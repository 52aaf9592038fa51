//! The arguments of `poold flood`.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::chat::args::ChatArgs;
use super::stream::Secure;
use crate::cli::exit::Failure;
use crate::cli::trust::TrustArgs;
use crate::cli::values;
use crate::tls::ClientTls;

/// Generate load with numbered messages, measure it and check that nothing is lost
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The first Ctrl-C stops sending, waits for the replies that are due and prints the result; the \
second ends at once.
Exit codes: 0 nothing is lost or wrong, 1 something is, 2 usage, 130 ended at once by Ctrl-C, 141 \
the output was closed.")]
pub(crate) struct FloodArgs {
    /// Address of the server: PORT (on this machine), HOST:PORT or unix:PATH
    #[arg(required_unless_present = "check")]
    pub(crate) address: Option<String>,

    /// Number of clients that send at the same time [default: 64]
    #[arg(short, long, value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) clients: Option<u64>,

    /// Number of messages from each client [default: 1000; no limit with --duration or
    /// --until-closed]
    #[arg(short = 'n', long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) messages: Option<u64>,

    /// Length of a message in bytes, with its newline [default: 64]
    #[arg(short, long, value_name = "BYTES", value_parser = size)]
    pub(crate) size: Option<usize>,

    /// Number of messages a client sends in one write before it waits for all their replies
    #[arg(short, long, value_name = "P", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) pipeline: u64,

    /// Messages per second of all clients together, sent on schedule even if the server falls
    /// behind; latency counts from the scheduled time [default: as fast as replies come]
    #[arg(long, value_name = "R", value_parser = rate, conflicts_with = "pipeline")]
    pub(crate) rate: Option<f64>,

    /// Time to send, instead of a number of messages
    #[arg(short = 't', long, value_name = "TIME", value_parser = values::time)]
    pub(crate) duration: Option<Duration>,

    /// Time at the start that rates and latencies leave out (the check does not)
    #[arg(long, value_name = "TIME", default_value = "0s",
        value_parser = values::time)]
    pub(crate) warmup: Duration,

    /// Expected behaviour of the server
    #[arg(long, value_enum, default_value_t = Expect::Echo)]
    pub(crate) expect: Expect,

    /// Send each message on a new connection
    #[arg(long, conflicts_with_all = ["rate", "pipeline"])]
    pub(crate) churn: bool,

    /// Send until the server closes the connections: messages without a reply at the end of a
    /// connection are not counted as lost, gaps before it are
    #[arg(long)]
    pub(crate) until_closed: bool,

    /// Write in pieces of random length; the same seed gives the same lengths
    #[arg(long, value_name = "SEED")]
    pub(crate) pieces: Option<u64>,

    /// Number of the clients that send 1024 messages at a time instead of --pipeline; they are
    /// checked, and left out of rates and latencies
    #[arg(long, value_name = "K", default_value_t = 0, conflicts_with_all = ["rate", "churn"])]
    pub(crate) greedy: u64,

    /// Number of threads that run the clients
    #[arg(long, value_name = "T", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) threads: u64,

    /// Give up after this time without progress
    #[arg(long, value_name = "TIME", default_value = "10s",
        value_parser = values::time)]
    pub(crate) timeout: Duration,

    /// Name of the run in its messages, 1 to 16 letters and digits; with --check, the only run
    /// that is checked [default: random]
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub(crate) run: Option<String>,

    /// Print the result as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Show no progress bar
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Send nothing; check the output of `poold recv` in this file (- is standard input) against
    /// --clients, --messages and --size
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "pipeline", "rate",
        "duration", "warmup", "expect", "churn", "until_closed", "pieces", "greedy",
        "threads", "timeout", "tls", "ca", "cert", "key", "chat"])]
    pub(crate) check: Option<PathBuf>,

    /// With --check: the run was interrupted, so a missing end does not count as lost; gaps do
    #[arg(long, conflicts_with = "address")]
    pub(crate) cut: bool,

    #[command(flatten)]
    trust: TrustArgs,

    /// With --tls: resume earlier sessions where the server offers that [default: full handshakes]
    #[arg(long, requires = "tls")]
    resume: bool,

    #[command(flatten)]
    pub(crate) chat: ChatArgs,
}

impl FloodArgs {
    /// What `--tls` and its companions say.
    pub(super) fn secure(&self, address: &str) -> Result<Option<Secure>, Failure> {
        let tls = self.trust.settings();
        let tls = tls.map_err(|error| Failure::Failed(error.to_string()))?;
        let tls = match self.resume {
            true => tls,
            false => tls.map(ClientTls::without_resumption),
        };
        let secure = tls.map(|tls| Secure::new(tls, address)).transpose();
        secure.map_err(|error| Failure::Failed(format!("'{address}': {error}")))
    }
}

/// The expected behaviour of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Expect {
    /// It sends each message back
    Echo,
    /// It reads each message, and closes the connection after the client's end
    Nothing,
    /// It sends `ack N`, where N counts the messages taken on this connection
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
