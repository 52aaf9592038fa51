//! Options of the admin endpoint.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::values::time;
use crate::error::Result;
use crate::tls::Tls;

/// The admin endpoint.
#[derive(Debug, Args)]
#[command(next_help_heading = "Admin")]
pub(crate) struct AdminArgs {
    /// Serve /metrics, /healthz, /readyz, /clients, /status and a web page over HTTP on 9090,
    /// HOST:9090 or unix:PATH; only unix:PATH takes commands that change something, and its file
    /// mode decides which users may connect; repeatable [default: no admin address]
    #[arg(long = "admin", value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) addresses: Vec<String>,

    /// Certificate of the admin endpoint, then those that lead to its root (PEM): it speaks TLS,
    /// except on unix:PATH [default: none, no TLS]
    #[arg(long, value_name = "FILE", requires = "admin_tls_key")]
    admin_tls_cert: Option<PathBuf>,

    /// Private key of that certificate (PEM, without a password)
    #[arg(long, value_name = "FILE", requires = "admin_tls_cert")]
    admin_tls_key: Option<PathBuf>,

    /// Time from a signal to the drain, in which /readyz already fails and clients are still
    /// accepted, so that a load balancer can move traffic away
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    pub(crate) drain_delay: Duration,
}

impl AdminArgs {
    /// The certificate and its key.
    pub(super) fn tls(&self) -> Result<Option<Tls>> {
        let pair = self.admin_tls_cert.clone().zip(self.admin_tls_key.clone());
        pair.map(|(certificate, key)| Tls::from_files(certificate, key))
            .transpose()
    }
}
