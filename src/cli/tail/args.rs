//! The arguments of `poold tail`.

use std::path::PathBuf;

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
    /// the first
    #[arg(long, value_name = "WHERE", default_value = "now", value_parser = from)]
    pub(crate) from: From,

    /// Keep the position in this file, and begin there if it exists
    #[arg(long, value_name = "FILE")]
    pub(crate) cursor: Option<PathBuf>,

    /// End when all that is stored was printed
    #[arg(long)]
    pub(crate) once: bool,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Start,
    Now,
    After(Id),
}

/// The id of an entry: the server's time in milliseconds, and a number within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) ms: u64,
    pub(crate) number: u64,
}

impl Id {
    pub(crate) fn read(text: &str) -> Option<Id> {
        let (ms, number) = text.split_once('-').unwrap_or((text, "0"));
        Some(Id {
            ms: ms.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}-{}", self.ms, self.number)
    }
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
