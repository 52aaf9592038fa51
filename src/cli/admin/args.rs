//! What is typed about the admin endpoint.

use std::time::Duration;

use clap::Args;

use crate::cli::values::time;

/// The admin endpoint.
#[derive(Debug, Args)]
#[command(next_help_heading = "Admin")]
pub(in crate::cli) struct AdminArgs {
    /// Answer /metrics, /healthz, /readyz, /clients, /status and a page at / over HTTP on this
    /// address: 9090, HOST:9090 or unix:PATH; what changes something is only taken over unix:PATH,
    /// whose file's mode is the permission; repeatable
    #[arg(
        long = "admin",
        value_name = "ADDRESS",
        env = "POOLD_ADMIN",
        value_delimiter = ','
    )]
    pub(in crate::cli) addresses: Vec<String>,

    /// After a signal, say on /readyz for so long that a drain comes, and go on serving, until
    /// whoever balances the load has noticed
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time,
        env = "POOLD_DRAIN_DELAY")]
    pub(in crate::cli) drain_delay: Duration,
}
