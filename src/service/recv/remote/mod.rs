//! A stream or a list on a Redis or Valkey server, as a sink.
//!
//! Each write is one pipeline, and counts as far as replies have come. What has none is sent again,
//! on a new connection, under the same numbers: a message is there at least once, and its copies
//! have its number.

mod confirm;
mod figures;
mod pack;
mod stream;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use super::format::Format;
use super::output::Output;
use super::sink::{Durability, Found, Sink};
use crate::error::{Error, Result};
use crate::redis::failure::{Failure, Kind};
use crate::redis::link::{CONNECT_MAX, Link};
use crate::redis::primary;
use crate::redis::resp::Reply;
use crate::redis::url::{Entry, Keep, Key, Target, is_url};
use confirm::Confirm;
use pack::{End, Packer};

pub use figures::RemoteFigures;
pub(crate) use stream::StreamWriter;

/// A pipeline has this long, and a second more for each MiB.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// After such a silence the server may have closed the connection.
const IDLE: Duration = Duration::from_secs(1);
/// How long one connection is asked whether replicas or the disk have a piece.
const LATE_MAX: Duration = Duration::from_secs(60);
/// Between two trims by time.
const TRIM_EACH: Duration = Duration::from_secs(1);

/// See the head of the file.
struct Remote {
    target: Target,
    /// For the log.
    name: PathBuf,
    packer: Packer,
    sync: bool,
    /// `None` while there is no connection.
    link: Option<Link>,
    /// Why there is none, if the log has not been told yet.
    lost: Option<Failure>,
    confirm: Confirm,
    /// The number of the first message without a reply, of the first that is not safe, of the first
    /// that was never sent, and of the first that never had a reply.
    next: u64,
    unsafe_from: u64,
    unsent_from: u64,
    unanswered_from: u64,
    /// Bytes of the output that this connection has taken and that have to be waited for.
    taken: usize,
    /// Since when these are late: they are waited for again, and not written again.
    late_since: Option<Instant>,
    /// The commands of a pipeline, and where each ends.
    commands: Vec<u8>,
    ends: Vec<End>,
    trimmed: Instant,
    figures: Arc<RemoteFigures>,
}

/// Whether an output's name is the URL of a server.
pub fn is_remote(name: &str) -> bool {
    is_url(name)
}

/// An output on a server.
pub struct RemoteOutput {
    /// The output.
    pub output: Output,
    /// The format in which it wants the messages.
    pub format: Format,
    /// What it has done.
    pub figures: Arc<RemoteFigures>,
}

impl Output {
    /// A stream or a list of a server, as a URL. `format` is for the lines of a batch; `sync` asks
    /// for messages on the server's disk.
    ///
    /// # Errors
    /// When the URL is wrong, when the server is not there, and when it can't take messages before
    /// its settings change.
    pub fn remote(url: &str, format: Format, sync: bool) -> Result<RemoteOutput> {
        let wrong = |problem: String| Error::Option {
            name: "output",
            problem,
        };
        let target = Target::parse(url).map_err(wrong)?;
        let name = target.to_string();
        let format = match (&target.key, target.entry, format) {
            (Key::List(_), ..) => Format::Json,
            (_, Entry::Line, _) => Format::Entry,
            (_, Entry::Batch, Format::Raw | Format::Bytes) => {
                let problem = "entry=batch holds lines; leave out --format raw";
                return Err(wrong(problem.to_owned()));
            }
            (_, Entry::Batch, format) => format,
        };
        let durability = durability(&target, sync);
        let mut remote = Remote::new(target, sync);
        match remote.connect() {
            Ok(found) if found.is_unbounded && remote.target.keep.is_none() => warn!(
                output = name,
                "the server has no maxmemory: a stream that is not trimmed fills its machine"
            ),
            Ok(_) => {}
            Err(failure) if failure.passes() => warn!(output = name, "waiting: {failure}"),
            Err(failure) => {
                let problem = failure.to_string();
                return Err(Error::Remote { name, problem });
            }
        }
        Ok(RemoteOutput {
            figures: Arc::clone(&remote.figures),
            format,
            output: Output::new(Box::new(remote), durability).tells_waits(),
        })
    }
}

fn durability(target: &Target, sync: bool) -> Durability {
    match sync || target.replicas > 0 {
        true => Durability::Synced,
        false => Durability::Written,
    }
}

impl Remote {
    fn new(target: Target, sync: bool) -> Remote {
        Remote {
            name: target.to_string().into(),
            packer: Packer::new(&target),
            target,
            sync,
            link: None,
            lost: None,
            confirm: Confirm::Reply,
            next: 1,
            unsafe_from: 1,
            unsent_from: 1,
            unanswered_from: 1,
            taken: 0,
            late_since: None,
            commands: Vec::new(),
            ends: Vec::new(),
            trimmed: Instant::now(),
            figures: Arc::default(),
        }
    }

    fn connect(&mut self) -> std::result::Result<confirm::Checked, Failure> {
        self.figures.lost();
        let mut link = primary::connect(&self.target.server)?;
        let deadline = Instant::now() + CONNECT_MAX;
        let (confirm, found) = confirm::check(&mut link, &self.target, self.sync, deadline)?;
        self.confirm = confirm;
        self.link = Some(link);
        self.lost = None;
        self.figures.connected();
        Ok(found)
    }

    /// One pipeline: how many bytes and messages of the queue have good replies from the front on,
    /// and what went wrong after these.
    fn exchange(&mut self, bytes: &[u8]) -> (End, Option<Failure>) {
        let mut good = End { at: 0, messages: 0 };
        let Some(link) = &mut self.link else {
            return (good, Some(self.why_lost()));
        };
        let Remote { commands, ends, .. } = self;
        self.packer.pack(bytes, self.next, commands, ends);
        let all = ends.last().map_or(0, |end| end.messages);
        let again = self.unsent_from.saturating_sub(self.next).min(all);
        self.unsent_from = self.unsent_from.max(self.next + all);
        self.figures.sent(all, again);
        let deadline = Instant::now() + ANSWER_MAX + size_time(commands.len());
        if let Err(failure) = link.send(commands, deadline) {
            return (good, Some(failure));
        }
        let mut refused = None;
        for end in ends.iter() {
            let answer = link.reply(deadline, |reply| match reply {
                Reply::Error(text) => Some(Failure::refused(text)),
                _ => None,
            });
            match answer {
                Err(failure) => return (good, Some(failure)),
                Ok(None) if refused.is_none() => good = *end,
                Ok(None) => {}
                // The first one is the cause; what follows it is sent again with it.
                Ok(Some(failure)) => drop(refused.get_or_insert(failure)),
            }
        }
        (good, refused)
    }

    /// Ends the connection. What is not safe by then is sent again on the next one.
    fn lose(&mut self) {
        self.link = None;
        (self.taken, self.late_since) = (0, None);
        self.figures.lost();
    }

    /// A wait has failed. If only its time is over, the connection is asked again: a new one would
    /// have to be given all of it once more, and a copy for each wait fills the server, and trims
    /// other messages away. Not for ever, and not if this server is not the primary any more.
    fn not_safe(&mut self, failure: Failure) -> Failure {
        let since = *self.late_since.get_or_insert_with(Instant::now);
        let server = &self.target.server;
        let is_here = |link: &Link| !primary::has_moved(server, link);
        let is_late = failure.kind == Kind::Full && self.taken > 0 && since.elapsed() < LATE_MAX;
        if !(is_late && self.link.as_ref().is_some_and(is_here)) {
            self.lose();
            self.next = self.unsafe_from;
        }
        failure
    }

    fn why_lost(&mut self) -> Failure {
        let lost = self.lost.take();
        lost.unwrap_or_else(|| Failure::away("no connection"))
    }

    /// Trims by time, once in a while.
    fn trim(&mut self) -> std::result::Result<(), Failure> {
        let (Some(Keep::Time(keep)), Some(link)) = (self.target.keep, &mut self.link) else {
            return Ok(());
        };
        if self.trimmed.elapsed() < TRIM_EACH {
            return Ok(());
        }
        self.trimmed = Instant::now();
        confirm::trim(link, &self.target, keep, Instant::now() + ANSWER_MAX)
    }
}

fn size_time(bytes: usize) -> Duration {
    Duration::from_secs((bytes >> 20) as u64)
}

impl Sink for Remote {
    fn path(&self) -> Option<&Path> {
        Some(&self.name)
    }

    fn prepare(&mut self) -> io::Result<Found> {
        let is_over = |link: &mut Link| link.idle() >= IDLE && link.has_ended();
        if self.link.as_mut().is_some_and(is_over) {
            self.lose();
        }
        if self.link.is_some() {
            return Ok(Found::Same);
        }
        let had_to_wait = self.confirm != Confirm::Reply;
        self.connect()?;
        if had_to_wait || self.confirm != Confirm::Reply {
            // Only the connection that a message was written on can tell that it is safe.
            self.next = self.unsafe_from;
            return Ok(Found::Other);
        }
        Ok(Found::Same)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.late_since.is_some() {
            return Ok(self.taken);
        }
        let (good, failure) = self.exchange(bytes);
        self.next += good.messages;
        if self.confirm != Confirm::Reply {
            self.taken += good.at;
        }
        let first = self.next.saturating_sub(self.unanswered_from);
        self.unanswered_from += first;
        self.figures.answered(first);
        if let Some(failure) = failure {
            self.lose();
            if good.at == 0 {
                return Err(failure.into());
            }
            self.lost = Some(failure);
        } else if let Err(failure) = self.trim() {
            self.lose();
            self.lost = Some(failure);
        }
        Ok(good.at)
    }

    fn kept_of(&self, _: &[u8]) -> usize {
        0
    }

    fn sync(&mut self) -> io::Result<()> {
        let is_safe = match (self.confirm, &mut self.link) {
            // All replies have come, even if the connection has ended since.
            (Confirm::Reply, _) => Ok(()),
            (confirm, Some(link)) => confirm::wait(link, confirm, self.target.replicas),
            (_, None) => Err(self.why_lost()),
        };
        if let Err(failure) = is_safe {
            return Err(self.not_safe(failure).into());
        }
        (self.unsafe_from, self.taken, self.late_since) = (self.next, 0, None);
        Ok(())
    }

    fn wait(&mut self, most: Duration) {
        std::thread::sleep(most);
    }

    fn may_be_read_again(&self) -> bool {
        true
    }
}
