//! Reads all of the stream, and keeps the position.

use std::time::{Duration, Instant};

use super::args::TailArgs;
use super::cursor::Cursor;
use super::entry::print_new;
use super::reader::{End, Printer, Round, Way, tell};
use crate::cli::exit::Failure;
use crate::redis::follow::{Follower, From};
use crate::redis::link::Link;
use crate::redis::url::Target;

/// The server holds back an empty reply for this long.
const WAIT: Duration = Duration::from_secs(1);

/// See the head of the file.
pub(super) struct Alone {
    follower: Follower,
    cursor: Option<Cursor>,
    printer: Printer,
    once: bool,
    /// Nothing was read yet.
    is_first: bool,
}

impl Alone {
    pub(super) fn new(target: &Target, args: &TailArgs) -> Result<Alone, Failure> {
        let mut from = args.from;
        let cursor = args.cursor.as_deref().map(|path| {
            let (cursor, id) = Cursor::open(path)
                .map_err(|error| Failure::from(format!("{}: {error}", path.display())))?;
            from = id.map_or(from, From::After);
            Ok::<_, Failure>(cursor)
        });
        Ok(Alone {
            cursor: cursor.transpose()?,
            follower: Follower::new(target.name(), from),
            printer: Printer::new(args.format),
            once: args.once,
            is_first: true,
        })
    }
}

impl Way for Alone {
    fn begin(&mut self, link: &mut Link) -> Round<()> {
        Ok(self.follower.begin(link)?)
    }

    fn step(&mut self, link: &mut Link) -> Round<bool> {
        let Printer { format, out } = &mut self.printer;
        // Even at the end of all, a number may be late, or is told to be missing.
        let is_waiting = !self.once || self.follower.has_gaps();
        // The first reply comes at once: it tells whether the stream can be read.
        let is_first = std::mem::take(&mut self.is_first);
        let wait = (is_waiting && !is_first).then_some(WAIT);
        let came = self.follower.read(link, wait, |entry, news| {
            print_new(entry, *format, news, out);
        })?;
        self.printer.flush()?;
        if let (Some(cursor), Some(last)) = (&mut self.cursor, self.follower.last()) {
            let written = cursor.write(last, !came.is_full);
            written.map_err(|error| {
                End::Command(format!("cannot keep the position: {error}").into())
            })?;
        }
        if let Some(missing) = self.follower.missing(Instant::now()) {
            tell(&format!(
                "{missing} messages are missing: trimmed before they were read, or deleted"
            ));
        }
        Ok(!is_waiting && came.entries == 0)
    }
}
