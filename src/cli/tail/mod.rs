//! `poold tail`: prints what `poold recv` has written to a stream of a server.
//!
//! Messages are in the stream at least once; each is printed once. [`reader`] connects, and again;
//! the stream is read as a whole ([`alone`]), or shared with others ([`group`]).

mod alone;
mod args;
mod cursor;
mod entry;
mod group;
mod reader;

use std::process::ExitCode;

pub(crate) use args::TailArgs;

use super::exit::{self, Failure};
use crate::redis::url::Target;
use alone::Alone;
use group::Group;

/// Runs `poold tail`.
pub(crate) fn run(args: &TailArgs) -> ExitCode {
    exit::told(tail(args).map(|()| true))
}

fn tail(args: &TailArgs) -> Result<(), Failure> {
    let no_list = "a list has no past to read; take the URL of a stream, or BLPOP";
    let target = Target::parse_stream(&args.url, no_list).map_err(Failure::usage)?;
    match &args.group {
        Some(group) => reader::run(&target, &mut Group::new(&target, group, args)),
        None => reader::run(&target, &mut Alone::new(&target, args)?),
    }
}
