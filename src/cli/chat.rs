//! `poold chat`.

use clap::Args;

use super::args::ServeArgs;
use super::serve;
use crate::error::Result;
use crate::framing::Framing;
use crate::service::chat::{Chat, Settings};

/// Give a room to people who come with nc, telnet or `poold client`
#[derive(Debug, Args)]
pub(super) struct ChatArgs {
    #[command(flatten)]
    pub(super) serve: ServeArgs,

    /// Lines of each room that a newcomer is shown
    #[arg(
        long,
        value_name = "LINES",
        default_value_t = 100,
        env = "POOLD_HISTORY"
    )]
    pub(super) history: usize,
}

pub(super) fn run(args: &ChatArgs) -> Result<std::process::ExitCode> {
    serve::prepare(&args.serve);
    let settings = Settings {
        history: args.history,
    };
    serve::start("chat", &args.serve, Framing::Lines, Chat::new(&settings)).map(serve::run)
}
