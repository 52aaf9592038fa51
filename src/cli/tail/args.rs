//! The arguments of `poold tail`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;

use crate::cli::values::time;
use crate::redis::entry::Id;
use crate::redis::follow::From;
use crate::service::recv::Format;

/// Print what recv has written to a stream of a Redis or Valkey server, each message once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Messages are printed as recv prints them; --format json has the entry's time and the message's \
number. A batch (entry=batch) has lines, which are printed as they are. A server that is away is \
waited for. Ctrl-C ends it.
Exit codes: 0 done (--once), 1 failed, 2 usage, 130 Ctrl-C, 141 the output was closed.")]
pub(crate) struct TailArgs {
    /// URL as in recv --output: redis://HOST?stream=NAME
    pub(crate) url: String,

    /// Format in which messages are printed: text, json or raw
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: Format,

    /// Where to begin: start (all that is stored), now, or the id of an entry, whose successor is
    /// the first; with --group only if the group is new
    #[arg(long, value_name = "WHERE", default_value = "now", value_parser = from)]
    pub(crate) from: From,

    /// Keep the position in this file, and begin there if it exists
    #[arg(long, value_name = "FILE", conflicts_with = "group")]
    pub(crate) cursor: Option<PathBuf>,

    /// Share the entries with all others that read as this group: each entry is for one of them,
    /// and again for another one if it is not acknowledged; trimming takes also what is not
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) group: Option<String>,

    /// With --group: the name of this reader; no other may have it at the same time [default: the
    /// host's name and the process's number]
    #[arg(long, value_name = "NAME", requires = "group")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) consumer: Option<String>,

    /// With --group: take over what another reader was given so long ago and did not acknowledge
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    #[arg(requires = "group")]
    pub(crate) claim: Duration,

    /// End when all that is stored was printed
    #[arg(long)]
    pub(crate) once: bool,
}

fn from(text: &str) -> Result<From, String> {
    match text {
        "start" => Ok(From::Start),
        "now" => Ok(From::Now),
        id => Id::read(id)
            .map(From::After)
            .ok_or_else(|| "write start, now, or an id as 1764428967123-0".to_owned()),
    }
}
