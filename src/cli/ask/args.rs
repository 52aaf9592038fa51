//! The arguments of commands that query and control a running daemon.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::error::Result;
use crate::tls::{ClientTls, Trust};

/// The default admin address.
const DEFAULT: &str = "127.0.0.1:9090";

/// The daemon, by its admin address, as an argument or an option.
#[derive(Debug, Args)]
pub(crate) struct AdminAddress {
    /// Admin address of the daemon, as given to its --admin; commands that change something need
    /// unix:PATH
    #[arg(value_name = "ADMIN", default_value = DEFAULT, env = "POOLD_ADMIN")]
    admin: String,

    /// As the argument ADMIN
    #[arg(long = "admin", id = "admin_option", value_name = "ADMIN")]
    option: Option<String>,

    /// The daemon has --admin-tls-cert: speak TLS, except over unix:PATH, and trust certificates of
    /// a root in this file (PEM) [default: no TLS]
    #[arg(long, alias = "ca", value_name = "FILE", env = "POOLD_ADMIN_CA")]
    tls_ca: Option<PathBuf>,
}

impl AdminAddress {
    pub(crate) fn admin(&self) -> &str {
        self.option.as_ref().unwrap_or(&self.admin)
    }

    /// How to speak TLS, if it does.
    pub(super) fn tls(&self) -> Result<Option<ClientTls>> {
        let trust = self.tls_ca.as_deref().map(Trust::File);
        trust.map(|trust| ClientTls::new(trust, None)).transpose()
    }
}

/// `poold status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) place: AdminAddress,

    /// Show it again each second, until Ctrl-C
    #[arg(short, long)]
    pub(super) watch: bool,

    /// Print all of it as JSON
    #[arg(long, conflicts_with = "watch")]
    pub(super) json: bool,
}

/// `poold clients`.
#[derive(Debug, Args)]
pub(crate) struct ClientsArgs {
    #[command(flatten)]
    pub(crate) place: AdminAddress,

    /// Show only clients from this address or network
    #[arg(short, long, value_name = "NET")]
    pub(super) address: Option<String>,

    /// Show only clients in this state: resting, ready or running
    #[arg(short, long, value_name = "STATE")]
    pub(super) state: Option<String>,

    /// Show only clients connected for at least TIME
    #[arg(long, value_name = "TIME")]
    pub(super) min_age: Option<String>,

    /// Show only clients connected for at most TIME
    #[arg(long, value_name = "TIME")]
    pub(super) max_age: Option<String>,

    /// Show only clients that have sent nothing for at least TIME
    #[arg(long, value_name = "TIME")]
    pub(super) min_quiet: Option<String>,

    /// Print one JSON object per client and line
    #[arg(long)]
    pub(super) json: bool,
}

/// `poold close`.
#[derive(Debug, Args)]
pub(crate) struct CloseArgs {
    /// Number of the client, as poold clients shows it
    pub(super) id: u64,
    #[command(flatten)]
    pub(crate) place: AdminAddress,
}

/// `poold set`.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Setting to change
    #[arg(value_enum)]
    pub(super) what: What,
    /// New value, as the option of that name takes it
    pub(super) value: String,
    #[command(flatten)]
    pub(crate) place: AdminAddress,
}

/// A setting that can change while the daemon runs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum What {
    Workers,
    MaxClients,
    StuckAfter,
    LogLevel,
}
