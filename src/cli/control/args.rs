//! What is typed for a restart.

use std::path::PathBuf;

use clap::Args;

/// What a service takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Restart")]
pub(in crate::cli) struct ControlArgs {
    /// Unix socket (mode 0600) over which `poold restart` and a successor reach this process
    #[arg(long, value_name = "PATH", env = "POOLD_CONTROL")]
    pub(in crate::cli) control: Option<PathBuf>,

    /// Take the listening sockets over from the poold that --control reaches, which then drains;
    /// if there is none, start as ever
    #[arg(long, requires = "control", env = "POOLD_TAKE_OVER")]
    pub(in crate::cli) take_over: bool,
}

/// Restart a running poold without refusing anybody: a new process of the same program and
/// arguments takes its listening sockets over, and only when that serves the old one drains
#[derive(Debug, Args)]
pub(in crate::cli) struct RestartArgs {
    /// The running one's --control
    #[arg(long, value_name = "PATH", env = "POOLD_CONTROL")]
    pub(in crate::cli) control: PathBuf,
}
