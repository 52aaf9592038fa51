//! Reads the stream, and connects again as long as needed.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::args::{From, Id, TailArgs};
use super::cursor::Cursor;
use super::entry::Entry;
use super::seen::Seen;
use crate::cli::exit::{Failure, print};
use crate::redis::failure::{self, Kind};
use crate::redis::link::Link;
use crate::redis::resp::Reply;
use crate::redis::url::Target;
use crate::service::recv::Format;

/// Entries of one reply.
const COUNT: usize = 100;
/// Entries that are read again after a connect.
const AGAIN: usize = 1000;
/// The server holds back an empty reply for this long, in milliseconds.
const BLOCK_MS: &[u8] = b"1000";
/// Within this time a reply has come, or the server counts as away.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// A long reply may take longer.
const LONG_MAX: Duration = Duration::from_secs(60);
/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(200);
/// After this silence the position is compared with the server's.
const SILENCE: Duration = Duration::from_secs(10);

/// See the head of the file.
pub(super) struct Reader {
    target: Target,
    format: Format,
    once: bool,
    from: From,
    cursor: Option<Cursor>,
    seen: Seen,
    /// The last entry that was read; `None` before the first connect.
    last: Option<Id>,
    out: Vec<u8>,
}

/// What ends a round.
enum End {
    /// The connection: it is opened again.
    Server(failure::Failure),
    Command(Failure),
}

impl std::convert::From<failure::Failure> for End {
    fn from(failure: failure::Failure) -> End {
        End::Server(failure)
    }
}

type Round<T> = Result<T, End>;

impl Reader {
    pub(super) fn new(target: Target, args: &TailArgs) -> Result<Reader, Failure> {
        let mut from = args.from;
        let cursor = args.cursor.as_deref().map(|path| {
            let (cursor, id) = Cursor::open(path)
                .map_err(|error| Failure::from(format!("{}: {error}", path.display())))?;
            from = id.map_or(from, From::After);
            Ok::<_, Failure>(cursor)
        });
        Ok(Reader {
            target,
            format: args.format,
            once: args.once,
            cursor: cursor.transpose()?,
            from,
            seen: Seen::default(),
            last: None,
            out: Vec::new(),
        })
    }

    pub(super) fn run(mut self) -> Result<(), Failure> {
        let mut is_told = false;
        loop {
            let round = Link::open(&self.target.server)
                .map_err(End::from)
                .and_then(|link| self.follow(link, &mut is_told));
            match round {
                Ok(()) => return Ok(()),
                Err(End::Command(failure)) => return Err(failure),
                // Settings do not pass by themselves; at the start nothing else does, either.
                Err(End::Server(failure))
                    if self.last.is_none() && failure.kind != Kind::Loading =>
                {
                    return Err(format!("{}: {failure}", self.target).into());
                }
                Err(End::Server(failure)) => {
                    if !std::mem::replace(&mut is_told, true) {
                        tell(&format!("waiting for the server: {failure}"));
                    }
                    std::thread::sleep(RETRY);
                }
            }
        }
    }

    /// Reads until all is read, or until something ends it.
    fn follow(&mut self, mut link: Link, is_told: &mut bool) -> Round<()> {
        self.begin(&mut link)?;
        if std::mem::take(is_told) {
            tell("reading again");
        }
        let mut heard = Instant::now();
        loop {
            let count = self.read(&mut link)?;
            self.flush(count < COUNT)?;
            if let Some(missing) = self.seen.missing(Instant::now()) {
                tell(&format!(
                    "{missing} messages are missing: trimmed before they were read, or deleted"
                ));
            }
            if count > 0 {
                heard = Instant::now();
            } else if self.once {
                return Ok(());
            } else if heard.elapsed() >= SILENCE {
                // The stream may have been deleted, and begun anew.
                self.again(&mut link)?;
                heard = Instant::now();
            }
        }
    }

    /// Finds the place to begin at, or reads again what stands before it.
    fn begin(&mut self, link: &mut Link) -> Round<()> {
        if self.last.is_some() {
            return self.again(link);
        }
        let upto = match self.from {
            From::Start => None,
            From::Now => Some(top(link, &self.target)?),
            From::After(id) => Some(id),
        };
        if let Some(upto) = upto {
            // Copies of these may follow: they are seen, and not printed.
            self.print_before(link, upto, None)?;
            self.out.clear();
        }
        self.last = Some(upto.unwrap_or_default());
        Ok(())
    }

    /// Reads the last entries again, and goes on from the server's last one, if that stands before
    /// ours.
    fn again(&mut self, link: &mut Link) -> Round<()> {
        let ours = self.last.unwrap_or_default();
        let upto = ours.min(top(link, &self.target)?);
        self.print_before(link, upto, Some(ours))?;
        self.last = Some(upto);
        self.flush(true)
    }

    /// Prints what is new among the last entries up to `upto`. Those without a number are new if
    /// they stand after `after`.
    fn print_before(&mut self, link: &mut Link, upto: Id, after: Option<Id>) -> Round<()> {
        let name = self.target.name().as_bytes();
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        let mut end = upto.to_string();
        let mut count = 0;
        // From the last piece to the first, so the pieces are kept until all are there.
        while count < AGAIN {
            let most = COUNT.to_string();
            let command = [
                b"XREVRANGE",
                name,
                end.as_bytes(),
                b"-",
                b"COUNT",
                most.as_bytes(),
            ];
            let mut piece = Vec::new();
            let mut ids = Vec::new();
            let (seen, format) = (&mut self.seen, self.format);
            let all = link.ask(&command, Instant::now() + LONG_MAX, |reply| {
                entries(reply, |mut all| {
                    all.reverse();
                    for entry in &all {
                        let is_after = after.is_some_and(|after| entry.id > after);
                        entry.print(format, seen, is_after, &mut piece);
                        ids.push(entry.id);
                    }
                })
            })?;
            all?;
            count += ids.len();
            pieces.push(piece);
            match ids.first() {
                Some(first) if ids.len() == COUNT => end = format!("({first}"),
                _ => break,
            }
        }
        for piece in pieces.into_iter().rev() {
            self.out.extend_from_slice(&piece);
        }
        Ok(())
    }

    /// Reads what follows the last entry: how many entries.
    fn read(&mut self, link: &mut Link) -> Round<usize> {
        let last = self.last.unwrap_or_default().to_string();
        let count = COUNT.to_string();
        let mut command = vec![b"XREAD".as_slice(), b"COUNT", count.as_bytes()];
        if !self.once {
            command.extend([b"BLOCK", BLOCK_MS]);
        }
        let name = self.target.name().as_bytes();
        command.extend([b"STREAMS", name, last.as_bytes()]);
        let (seen, format, out) = (&mut self.seen, self.format, &mut self.out);
        let read = link.ask(&command, Instant::now() + ANSWER_MAX, |reply| {
            // The only stream's name, and its entries.
            let streams = match reply {
                Reply::Text(None) => return Ok((0, None)),
                Reply::Error(text) => return Err(failure::Failure::refused(text)),
                reply => reply.array().unwrap_or_default(),
            };
            let stream = streams.into_iter().next().and_then(Reply::array);
            let reply = stream
                .and_then(|mut both| both.pop())
                .unwrap_or(Reply::Text(None));
            let mut found = (0, None);
            entries(reply, |all| {
                for entry in &all {
                    entry.print(format, seen, true, out);
                }
                found = (all.len(), all.last().map(|entry| entry.id));
            })?;
            Ok(found)
        })?;
        let (count, id) = read?;
        self.last = id.or(self.last);
        Ok(count)
    }

    /// Prints, and keeps the position.
    fn flush(&mut self, must: bool) -> Round<()> {
        if !self.out.is_empty() {
            print(&self.out).map_err(End::Command)?;
            self.out.clear();
        }
        let (Some(cursor), Some(last)) = (&mut self.cursor, self.last) else {
            return Ok(());
        };
        let written = cursor.write(last, must);
        written.map_err(|error| End::Command(format!("cannot keep the position: {error}").into()))
    }
}

/// The id of the stream's last entry.
fn top(link: &mut Link, target: &Target) -> Round<Id> {
    let name = target.name().as_bytes();
    let command = [b"XREVRANGE", name, b"+", b"-", b"COUNT", b"1"];
    let mut top = Id::default();
    let read = link.ask(&command, Instant::now() + LONG_MAX, |reply| {
        entries(reply, |all| top = all.first().map_or(top, |entry| entry.id))
    })?;
    read?;
    Ok(top)
}

/// Gives entries to `take`; an error reply is an error.
fn entries(reply: Reply<'_>, take: impl FnOnce(Vec<Entry<'_>>)) -> Result<(), failure::Failure> {
    if let Reply::Error(text) = reply {
        return Err(failure::Failure::refused(text));
    }
    let all = Entry::all(reply);
    take(all.ok_or_else(|| failure::Failure::unfit("the server's reply has no entries"))?);
    Ok(())
}

fn tell(what: &str) {
    // The messages go to the standard output.
    let _ = writeln!(io::stderr(), "poold tail: {what}");
}
