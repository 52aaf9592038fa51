//! Options of the admin endpoint.

use std::time::Duration;

use clap::Args;

use crate::cli::values::time;

/// The admin endpoint.
#[derive(Debug, Args)]
#[command(next_help_heading = "Admin")]
pub(crate) struct AdminArgs {
    /// Serve /metrics, /healthz, /readyz, /clients, /status and a web page over HTTP on 9090,
    /// HOST:9090 or unix:PATH; only unix:PATH takes commands that change something, and its file
    /// mode decides which users may connect; repeatable [default: no admin address]
    #[arg(long = "admin", value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) addresses: Vec<String>,

    /// Time from a signal to the drain, in which /readyz already fails and clients are still
    /// accepted, so that a load balancer can move traffic away
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    pub(crate) drain_delay: Duration,
}
