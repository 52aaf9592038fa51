//! Options of a restart without downtime.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use super::READY_WITHIN_MAX;
use crate::cli::values::{time, yes_or_no};

/// The restart options of a service.
#[derive(Debug, Args)]
#[command(next_help_heading = "Restart")]
pub(crate) struct ControlArgs {
    /// Unix socket (mode 0600) on which this process takes `poold restart` and hands its listening
    /// sockets to a successor [default: none]
    #[arg(long, value_name = "PATH", value_parser = socket_path)]
    pub(crate) control: Option<PathBuf>,

    /// Take the listening sockets over from the process that --control reaches, which then drains;
    /// without such a process, start as usual
    #[arg(long, requires = "control")]
    pub(crate) take_over: bool,

    /// At a take-over, hand the connected clients to the successor as well; with no, the old
    /// process drains them
    #[arg(long, requires = "control", value_name = "YES/NO", default_value = "yes",
        action = ArgAction::Set, value_parser = yes_or_no(), hide_possible_values = true)]
    pub(crate) keep_clients: bool,
}

/// Restart a running poold without refusing a client: a new process with the same program and
/// arguments takes over the listening sockets; once it serves, the old process drains
#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// Control socket of the running daemon, as given to its --control
    #[arg(long, value_name = "PATH", value_parser = socket_path, env = "POOLD_CONTROL")]
    pub(crate) control: PathBuf,

    /// Time the new process has to start serving; after it, the new process is killed and the old
    /// one keeps serving; 1s to 1h
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = ready_timeout,
        env = "POOLD_READY_TIMEOUT")]
    pub(crate) ready_timeout: Duration,
}

/// Takes `unix:PATH` as well, the form of addresses.
fn socket_path(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("unix:").unwrap_or(text) {
        "" => Err("write the path of a Unix socket".to_owned()),
        path => Ok(path.into()),
    }
}

fn ready_timeout(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time < Duration::from_secs(1) || time > READY_WITHIN_MAX {
        return Err("between 1s and 1h".to_owned());
    }
    Ok(time)
}
