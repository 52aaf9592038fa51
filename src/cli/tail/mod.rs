//! `poold tail`: prints what `poold recv` has written to a stream of a server.
//!
//! Messages are in the stream at least once; each is printed once ([`seen`]). The position is the
//! last entry's id. An id alone is not enough after a lost connection: a server whose clock is
//! behind may have taken over, and adds entries below those that were read. So the last entries are
//! read again after each connect ([`reader`]).

mod args;
mod cursor;
mod entry;
mod reader;
mod seen;

use std::process::ExitCode;

pub(crate) use args::TailArgs;

use super::exit::{self, Failure};
use crate::redis::url::{Key, Target};
use reader::Reader;

/// Runs `poold tail`.
pub(crate) fn run(args: &TailArgs) -> ExitCode {
    exit::told(tail(args).map(|()| true))
}

fn tail(args: &TailArgs) -> Result<(), Failure> {
    let target = Target::parse(&args.url).map_err(Failure::usage)?;
    if let Key::List(_) = target.key {
        let why = "a list has no past to read; take the URL of a stream, or BLPOP";
        return Err(Failure::usage(why));
    }
    Reader::new(target, args)?.run()
}
