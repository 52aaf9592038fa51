//! What is typed to ask a running daemon.

use clap::{Args, ValueEnum};

/// Where a daemon answers, unless it is said.
const DEFAULT: &str = "127.0.0.1:9090";

/// Where to look.
#[derive(Debug, Args)]
pub(in crate::cli) struct Place {
    /// Where it answers: as its --admin
    #[arg(value_name = "ADMIN", default_value = DEFAULT, env = "POOLD_ADMIN")]
    admin: String,

    // What changes something takes it so; whoever types it here, too, is right.
    #[arg(long = "admin", value_name = "ADMIN", hide = true)]
    also: Option<String>,
}

impl Place {
    pub(in crate::cli) fn admin(&self) -> &str {
        self.also.as_ref().unwrap_or(&self.admin)
    }
}

/// `poold status`.
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    pub(super) place: Place,

    /// Look again each second, until Ctrl-C
    #[arg(short, long)]
    pub(super) watch: bool,

    /// As JSON, all of it
    #[arg(long, conflicts_with = "watch")]
    pub(super) json: bool,
}

/// `poold clients`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ClientsArgs {
    #[command(flatten)]
    pub(super) place: Place,

    /// Only those from this address or network
    #[arg(short, long, value_name = "NET")]
    pub(super) address: Option<String>,

    /// Only those that are resting, ready or running
    #[arg(short, long, value_name = "STATE")]
    pub(super) state: Option<String>,

    /// Only those that have been here for so long
    #[arg(long, value_name = "TIME")]
    pub(super) min_age: Option<String>,

    /// Only those that came within so long
    #[arg(long, value_name = "TIME")]
    pub(super) max_age: Option<String>,

    /// Only those that have said nothing for so long
    #[arg(long, value_name = "TIME")]
    pub(super) min_quiet: Option<String>,

    /// As JSON, a client on a line
    #[arg(long)]
    pub(super) json: bool,
}

/// Where to ask for a change.
#[derive(Debug, Args)]
pub(in crate::cli) struct Target {
    /// The Unix socket among its --admin addresses
    #[arg(long, value_name = "ADMIN", default_value = DEFAULT, env = "POOLD_ADMIN")]
    pub(super) admin: String,
}

/// `poold close`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CloseArgs {
    /// Its number, as poold clients shows it
    pub(super) id: u64,
    #[command(flatten)]
    pub(super) target: Target,
}

/// `poold set`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SetArgs {
    /// What to change
    #[arg(value_enum)]
    pub(super) what: What,
    /// The new value, as the flag of that name takes it
    pub(super) value: String,
    #[command(flatten)]
    pub(super) target: Target,
}

/// What can be changed while a daemon runs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum What {
    Workers,
    MaxClients,
    StuckAfter,
    LogLevel,
}
