//! What is typed for a restart.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::READY_WITHIN_MAX;
use crate::cli::values::{time, yes_or_no};

/// What a service takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Restart")]
pub(in crate::cli) struct ControlArgs {
    /// Unix socket (mode 0600) over which `poold restart` and a successor reach this process
    #[arg(long, value_name = "PATH", value_parser = socket_path, env = "POOLD_CONTROL")]
    pub(in crate::cli) control: Option<PathBuf>,

    /// Take the listening sockets over from the poold that --control reaches, which then drains;
    /// if there is none, start as ever
    #[arg(long, requires = "control", value_parser = yes_or_no(),
        env = "POOLD_TAKE_OVER")]
    pub(in crate::cli) take_over: bool,
}

/// Restart a running poold without refusing anybody: a new process of the same program and
/// arguments takes its listening sockets over, and only when that serves the old one drains
#[derive(Debug, Args)]
pub(in crate::cli) struct RestartArgs {
    /// The running one's --control
    #[arg(long, value_name = "PATH", value_parser = socket_path, env = "POOLD_CONTROL")]
    pub(in crate::cli) control: PathBuf,

    /// Longest that the new process may take until it serves; then it is killed, and the old one
    /// goes on
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = ready_timeout,
        env = "POOLD_READY_TIMEOUT")]
    pub(in crate::cli) ready_timeout: Duration,
}

/// Also as an address is written; it can be nothing else.
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
