//! The arguments of the commands that are clients and may speak TLS.

use std::path::PathBuf;

use crate::cli::values::yes_or_no;
use crate::error::Result;
use crate::tls::{ClientTls, Trust};

#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct TrustArgs {
    /// Speak TLS, and nothing else
    #[arg(long, env = "POOLD_CLIENT_TLS", value_parser = yes_or_no())]
    tls: bool,

    /// With --tls: trust servers with a certificate of a root in this file (PEM)
    /// [default: the system's roots]
    #[arg(long, value_name = "FILE", requires = "tls", env = "POOLD_CA")]
    ca: Option<PathBuf>,

    /// With --tls: the client's own certificate (PEM)
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"], env = "POOLD_CERT")]
    cert: Option<PathBuf>,

    /// With --cert: the private key of it (PEM)
    #[arg(long, value_name = "FILE", requires = "cert", env = "POOLD_KEY")]
    key: Option<PathBuf>,

    /// With --tls: trust any server, also one that only pretends to be it
    #[arg(long, requires = "tls", conflicts_with = "ca")]
    insecure: bool,
}

impl TrustArgs {
    /// What `--tls` and its companions say.
    pub(super) fn settings(&self) -> Result<Option<ClientTls>> {
        if !self.tls {
            return Ok(None);
        }
        let trust = match &self.ca {
            _ if self.insecure => Trust::Any,
            Some(file) => Trust::File(file),
            None => Trust::System,
        };
        let pair = self.cert.as_deref().zip(self.key.as_deref());
        ClientTls::new(trust, pair).map(Some)
    }
}
