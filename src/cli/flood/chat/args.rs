//! What was typed for `--chat`.

/// A chat room under load.
#[derive(Debug, Clone, clap::Args)]
pub struct ChatArgs {
    /// Flood a chat: some of the --clients speak, all others read; everybody has to see the same
    /// lines in the same order. Start the server with --rate off; --pipeline is how many lines of
    /// a sender may be on their way to the last reader
    #[arg(long,
        conflicts_with_all = ["churn", "pieces", "silent", "stall", "until_closed", "expect"])]
    pub chat: bool,

    /// With --chat: how many of the clients speak
    #[arg(long, value_name = "N", default_value_t = 1, requires = "chat",
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub senders: u64,

    /// With --chat: over how many rooms the clients are spread, the senders too
    #[arg(long, value_name = "N", default_value_t = 1, requires = "chat",
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub rooms: u64,

    /// With --chat: how many of the clients stop reading when it begins
    #[arg(long, value_name = "N", default_value_t = 0, requires = "chat")]
    pub stalled: u64,
}
