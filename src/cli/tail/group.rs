//! Shares the entries with the other readers of a group.
//!
//! The server gives each entry to one reader, and keeps it pending until that acknowledges it,
//! which it does once the entry is printed. A reader takes first what is pending for its own name,
//! then what is new, and from time to time what another one was given long ago. So an entry is
//! printed at least once; it may be twice if a reader ends between printing and acknowledging.

use std::time::{Duration, Instant};

use super::args::TailArgs;
use super::entry::print_new;
use super::reader::{Printer, Round, Way, tell};
use crate::redis::entry::{Entry, Id};
use crate::redis::failure::Failure;
use crate::redis::follow::{From, News, next_count, top};
use crate::redis::link::Link;
use crate::redis::resp::Reply;
use crate::redis::seen::Seen;
use crate::redis::url::Target;

/// The server holds back an empty reply for this long, in milliseconds.
const BLOCK_MS: &[u8] = b"1000";
/// After this silence the server counts as away.
const SILENT_MAX: Duration = Duration::from_secs(4);
/// Longest time between two looks for what others have left.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// Where such a look begins, and what it answers at its end.
const BEGIN: &str = "0-0";

/// See the head of the file.
pub(super) struct Group {
    stream: Vec<u8>,
    group: Vec<u8>,
    consumer: String,
    claim: Duration,
    once: bool,
    from: From,
    printer: Printer,
    /// Copies that this reader has printed.
    seen: Seen,
    /// The last entry that was given.
    last: Option<Id>,
    stage: Stage,
    looked: Instant,
    /// Entries that the next command asks for.
    count: usize,
    untold: Untold,
    /// Nothing was read yet.
    is_first: bool,
}

/// What is read next.
enum Stage {
    /// What was given to this name before.
    Own,
    /// What others have left, from there on.
    Left(String),
    New,
}

/// What is to be told.
#[derive(Default)]
struct Untold {
    again: usize,
    gone: usize,
}

impl Group {
    pub(super) fn new(target: &Target, group: &str, args: &TailArgs) -> Group {
        Group {
            stream: target.name().into(),
            group: group.into(),
            consumer: args.consumer.clone().unwrap_or_else(own_name),
            claim: args.claim,
            once: args.once,
            from: args.from,
            printer: Printer::new(args.format),
            seen: Seen::default(),
            last: None,
            stage: Stage::Own,
            looked: Instant::now(),
            count: 1,
            untold: Untold::default(),
            is_first: true,
        }
    }

    /// Makes the group, unless it is there.
    fn make(&mut self, link: &mut Link) -> Result<(), Failure> {
        let from = match self.last {
            Some(last) => last,
            None => match self.from {
                From::Start => Id::default(),
                From::Now => top(link, &self.stream)?,
                From::After(id) => id,
            },
        };
        // If it has to be made again, nothing between is lost.
        self.from = From::After(from);
        let from = from.to_string();
        let words: [&[u8]; 6] = [
            b"XGROUP",
            b"CREATE",
            &self.stream,
            &self.group,
            from.as_bytes(),
            b"MKSTREAM",
        ];
        link.ask_slowly(&words, SILENT_MAX, |reply| match reply {
            Reply::Error(text) if !text.starts_with(b"BUSYGROUP") => Err(Failure::refused(text)),
            _ => Ok(()),
        })?
    }

    /// Gives entries to this reader: how many.
    fn read(&mut self, link: &mut Link, from: &[u8]) -> Round<usize> {
        let count = self.count.to_string();
        let mut words: Vec<&[u8]> = vec![b"XREADGROUP", b"GROUP", &self.group];
        words.extend([
            self.consumer.as_bytes(),
            b"COUNT".as_slice(),
            count.as_bytes(),
        ]);
        if from == b">" && !self.once {
            words.extend([b"BLOCK", BLOCK_MS]);
        }
        words.extend([b"STREAMS", &self.stream[..], from]);
        let given = link.ask_slowly(&words, SILENT_MAX, |reply| {
            let all = Entry::all_of_stream(reply)?;
            let given = take(&all, &mut self.printer, &mut self.seen, &mut self.untold);
            Ok::<_, Failure>(given)
        })??;
        self.acknowledge(link, given)
    }

    /// Takes over what others have left: how many, and where to go on.
    fn claim(&mut self, link: &mut Link, from: &str) -> Round<(usize, String)> {
        let (count, idle) = (self.count.to_string(), self.claim.as_millis().to_string());
        let mut words: Vec<&[u8]> = vec![b"XAUTOCLAIM", &self.stream, &self.group];
        words.extend([self.consumer.as_bytes(), idle.as_bytes(), from.as_bytes()]);
        words.extend([b"COUNT".as_slice(), count.as_bytes()]);
        let (given, next) = link.ask_slowly(&words, SILENT_MAX, |reply| {
            if let Reply::Error(text) = reply {
                return Err(Failure::refused(text));
            }
            let mut parts = reply.array().unwrap_or_default().into_iter();
            let next = parts.next().and_then(|next| next.text());
            let next = String::from_utf8_lossy(next.unwrap_or(BEGIN.as_bytes())).into_owned();
            let all = Entry::all(parts.next().unwrap_or(Reply::Text(None)))?;
            // Those that were trimmed meanwhile.
            let gone = parts.next().and_then(Reply::array).unwrap_or_default();
            self.untold.gone += gone.len();
            let given = take(&all, &mut self.printer, &mut self.seen, &mut self.untold);
            Ok((given, next))
        })??;
        Ok((self.acknowledge(link, given)?, next))
    }

    /// Prints, and says so to the server.
    fn acknowledge(&mut self, link: &mut Link, given: Given) -> Round<usize> {
        self.count = next_count(self.count, given.ids.len(), given.size);
        self.printer.flush()?;
        if given.ids.is_empty() {
            return Ok(0);
        }
        self.last = self.last.max(given.last);
        let mut words: Vec<&[u8]> = vec![b"XACK", &self.stream, &self.group];
        words.extend(given.ids.iter().map(String::as_bytes));
        link.ask_slowly(&words, SILENT_MAX, |reply| match reply {
            Reply::Error(text) => Err(Failure::refused(text)),
            _ => Ok(()),
        })??;
        Ok(given.ids.len())
    }

    fn tell(&mut self, whose: &str) {
        let Untold { again, gone } = std::mem::take(&mut self.untold);
        if again > 0 {
            tell(&format!(
                "{again} entries that {whose} was given are printed now; some may have been before"
            ));
        }
        if gone > 0 {
            tell(&format!(
                "{gone} entries were trimmed before they were printed"
            ));
        }
    }
}

/// `HOST-PID`
fn own_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}

/// Entries that were given.
struct Given {
    ids: Vec<String>,
    last: Option<Id>,
    size: usize,
}

fn take(all: &[Entry<'_>], printer: &mut Printer, seen: &mut Seen, untold: &mut Untold) -> Given {
    for entry in all {
        if entry.is_gone() {
            untold.gone += 1;
            continue;
        }
        untold.again += 1;
        let mut news = News::of(entry, seen);
        print_new(entry, printer.format, &mut news, &mut printer.out);
    }
    Given {
        ids: all.iter().map(|entry| entry.id.to_string()).collect(),
        last: all.iter().map(|entry| entry.id).max(),
        size: all.iter().map(Entry::size).sum(),
    }
}

impl Way for Group {
    fn begin(&mut self, link: &mut Link) -> Round<()> {
        self.make(link)?;
        (self.stage, self.count) = (Stage::Own, 1);
        Ok(())
    }

    fn step(&mut self, link: &mut Link) -> Round<bool> {
        match std::mem::replace(&mut self.stage, Stage::New) {
            Stage::Own => {
                if self.read(link, b"0")? > 0 {
                    self.stage = Stage::Own;
                } else {
                    if !std::mem::take(&mut self.is_first) {
                        // This process had them itself, and knows that it has printed them.
                        self.untold.again = 0;
                    }
                    self.tell(&self.consumer.clone());
                    self.stage = Stage::Left(BEGIN.to_owned());
                }
            }
            Stage::Left(from) => {
                let (_, next) = self.claim(link, &from)?;
                self.looked = Instant::now();
                match next == BEGIN {
                    true => self.tell("another reader"),
                    false => self.stage = Stage::Left(next),
                }
            }
            Stage::New => {
                let came = self.read(link, b">")?;
                self.untold = Untold::default();
                if came == 0 && self.once {
                    return Ok(true);
                }
                if self.looked.elapsed() >= (self.claim / 2).min(LOOK_MAX) {
                    self.stage = Stage::Left(BEGIN.to_owned());
                }
            }
        }
        Ok(false)
    }
}
