//! The arguments for TLS, as the library's options.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::sockets::ListenArgs;
use crate::cli::values::time;
use crate::error::{Error, Result};
use crate::tls::{ClientCertificates, Tls, TlsFiles};

/// Which clients speak TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clients {
    /// All of them
    Required,
    /// Those whose first byte is that of TLS
    Optional,
}

/// Services whose plain clients may wait in silence for what the server says.
const SPEAKS_FIRST: [&str; 3] = ["chat", "hub", "exec"];
/// After so long one of their clients that is silent is served plainly.
const PLAIN_AFTER: Duration = Duration::from_secs(2);

/// TLS for all clients of a daemon.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Certificate of the server, then those that lead to its root (PEM): every client has to speak
    /// TLS 1.2 or 1.3 [default: none, no TLS]
    #[arg(long, value_name = "FILE", requires = "tls_key", value_delimiter = ',')]
    pub(crate) tls_cert: Vec<PathBuf>,

    /// Private key of that certificate (PEM, without a password); give several pairs for several
    /// names of the server, the first for clients that name none of them
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        value_delimiter = ','
    )]
    pub(crate) tls_key: Vec<PathBuf>,

    /// With --tls-cert: which clients speak TLS; not with --tls-client-ca, nor with framings of
    /// binary data (raw, length:…)
    #[arg(
        long,
        value_name = "WHICH",
        requires = "tls_cert",
        default_value = "required"
    )]
    pub(crate) tls: Clients,

    /// With --tls-cert: accept only clients with a certificate of a root in this file (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_client_ca: Option<PathBuf>,

    /// With --tls-client-ca: accept clients without a certificate as well
    #[arg(long, requires = "tls_client_ca")]
    pub(crate) tls_client_ca_optional: bool,

    /// With --tls-client-ca: refuse clients whose certificate is in a list in this file (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_client_ca")]
    pub(crate) tls_crl: Option<PathBuf>,

    /// With --tls-client-ca: accept only clients whose name, the first in their certificate, is
    /// this one, or one of this domain (*.example.org); repeatable [default: all]
    #[arg(
        long,
        value_name = "NAME",
        requires = "tls_client_ca",
        value_delimiter = ','
    )]
    pub(crate) allow_name: Vec<String>,

    /// With --tls-cert: do not deliver a message that has not ended when a client's connection ends
    /// before its session, as anything between the two can cause; not for exec without --lines
    #[arg(long, requires = "tls_cert")]
    pub(crate) tls_strict_end: bool,

    /// With --tls-cert: maximum time of a TLS handshake
    #[arg(
        long,
        value_name = "TIME",
        requires = "tls_cert",
        default_value = "10s",
        value_parser = time
    )]
    pub(crate) handshake: Duration,
}

impl TlsArgs {
    /// The library's option.
    pub(crate) fn settings(&self) -> Result<Option<Tls>> {
        let (certificates, keys) = (&self.tls_cert, &self.tls_key);
        if certificates.len() != keys.len() {
            return Err(Error::option(
                "tls-key",
                "give one for each --tls-cert, in the same order",
            ));
        }
        if certificates.is_empty() {
            return Ok(None);
        }
        let clients = match self.tls_client_ca_optional {
            true => ClientCertificates::Optional,
            false => ClientCertificates::Required,
        };
        let files = TlsFiles {
            pairs: certificates
                .iter()
                .cloned()
                .zip(keys.iter().cloned())
                .collect(),
            client_ca: self.tls_client_ca.clone(),
            clients,
            revoked: self.tls_crl.clone(),
            names: self.allow_name.clone(),
        };
        Tls::of(files).map(Some)
    }

    /// `tls:` in front of an ADDRESS takes a certificate.
    pub(crate) fn check_addresses(&self, listen: &ListenArgs) -> Result<()> {
        if !self.tls_cert.is_empty() || !listen.chooses_tls() {
            return Ok(());
        }
        Err(Error::Option {
            name: "tls-cert",
            problem: "missing; ADDRESS has tls: in front. `poold cert` makes a certificate and \
                      its key"
                .into(),
        })
    }

    pub(crate) fn is_optional(&self) -> bool {
        self.tls == Clients::Optional
    }

    /// How long a client may be silent before it is served plainly, if not for the time of a
    /// handshake.
    pub(crate) fn plain_after(service: &str) -> Option<Duration> {
        SPEAKS_FIRST.contains(&service).then_some(PLAIN_AFTER)
    }
}
