//! The arguments for TLS, as the library's options.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::values::time;
use crate::error::{Error, Result};
use crate::tls::Tls;

/// TLS for all clients of a daemon.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Certificate of the server, then those that lead to its root (PEM): every client has to speak
    /// TLS 1.2 or 1.3; not for exec without --lines [default: none, no TLS]
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        env = "POOLD_TLS_CERT"
    )]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Private key of that certificate (PEM, without a password)
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        env = "POOLD_TLS_KEY"
    )]
    pub(crate) tls_key: Option<PathBuf>,

    /// With --tls-cert: maximum time of a TLS handshake
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time,
        env = "POOLD_HANDSHAKE")]
    pub(crate) handshake: Duration,
}

impl TlsArgs {
    /// The library's option.
    pub(crate) fn settings(&self) -> Result<Option<Tls>> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Tls::from_files(certificate, key).map(Some),
            _ => Ok(None),
        }
    }

    /// For services that have the socket itself.
    pub(crate) fn refuse(&self, service: &'static str) -> Result<()> {
        if self.tls_cert.is_none() {
            return Ok(());
        }
        let problem = format!(
            "{service} gives its programs the socket itself, and they would have to speak TLS; \
             take --lines, or put stunnel in front"
        );
        Err(Error::Option {
            name: "tls-cert",
            problem,
        })
    }
}
