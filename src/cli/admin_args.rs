//! What is typed about the admin endpoint.

use clap::Args;

/// The admin endpoint.
#[derive(Debug, Args)]
#[command(next_help_heading = "Admin")]
pub(super) struct AdminArgs {
    /// Answer /metrics, /healthz, /readyz, /clients, /status and a page at / over HTTP on this
    /// address: 9090, HOST:9090 or unix:PATH; what changes something is only taken over unix:PATH,
    /// whose file's mode is the permission; repeatable
    #[arg(
        long = "admin",
        value_name = "ADDRESS",
        env = "POOLD_ADMIN",
        value_delimiter = ','
    )]
    pub(super) addresses: Vec<String>,
}
