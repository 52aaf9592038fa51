//! `poold hub`: one feed to all clients.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use regex::bytes::Regex;

use super::args::ServeArgs;
use super::serve;
use crate::cli::values::{time, yes_or_no};
use crate::error::Result;
use crate::framing::Framing;
use crate::server::Server;
use crate::service::hub::{Hub, HubFilter, HubSettings, Slow};

/// Send the messages of each client to all others; a slow reader delays no other
#[derive(Debug, Args)]
pub(crate) struct HubArgs {
    /// Send a client its own messages, too
    #[arg(long, value_parser = yes_or_no(), env = "POOLD_ECHO")]
    pub(crate) echo: bool,

    /// What happens to a reader whose outbox and queue (--outbox-max each) are full
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        env = "POOLD_SLOW"
    )]
    pub(crate) slow: Slow,

    /// With --slow wait: how long a slow reader may delay all others
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time,
        env = "POOLD_SLOW_WAIT")]
    pub(crate) slow_wait: Duration,

    /// Last messages that a new client is sent first, at most --outbox-max of them
    #[arg(long, value_name = "N", default_value_t = 0, env = "POOLD_LAST")]
    pub(crate) last: usize,

    /// Regular expression; messages without a match are not sent [default: all are]
    #[arg(long, value_name = "PATTERN", env = "POOLD_FILTER")]
    pub(crate) filter: Option<Regex>,

    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

pub(crate) fn run(args: &HubArgs) -> Result<ExitCode> {
    serve::prepare(&args.serve);
    let hub = Hub::new(settings(args));
    let life = serve::announce("hub", &args.serve, Framing::Lines, |listeners, options| {
        Server::serve(listeners, options, hub.clone())
    })?;
    Ok(serve::run(life))
}

fn settings(args: &HubArgs) -> HubSettings {
    let filter = args.filter.clone().map(|pattern| {
        let filter: HubFilter = Arc::new(move |message: &[u8]| pattern.is_match(message));
        filter
    });
    HubSettings {
        framing: args.serve.framing.clone().unwrap_or_default(),
        echo: args.echo,
        slow: args.slow,
        slow_wait: args.slow_wait,
        waiting_max: args.serve.outbox_max,
        last: args.last,
        filter,
        ..HubSettings::default()
    }
}
