//! A source that is a stream of a server: each message once, from its position on.

use std::io;
use std::time::{Duration, Instant, SystemTime};

use tracing::warn;

use super::feed::{End, Feed};
use super::spec::Spec;
use crate::framing::{Extent, Framing, Message, Overlong};
use crate::redis::entry::Id;
use crate::redis::follow::{Follower, From};
use crate::redis::link::Link;
use crate::redis::place::Server;
use crate::redis::primary;

/// The server holds back an empty reply for this long; a drain waits for it.
const WAIT: Duration = Duration::from_millis(200);

/// A time that any clock has; an id may have any number.
const MS_MAX: u64 = 1 << 48;

/// See the head of the file. It knows its position also while the server is away.
pub(super) struct Stream {
    server: Server,
    follower: Follower,
    link: Option<Link>,
}

/// Messages of one reply.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Of longer messages: how many were cut, and how many dropped.
    faults: [u64; 2],
}

impl Stream {
    /// Connects, and finds the position.
    pub(super) fn open(&mut self) -> io::Result<()> {
        let mut link = primary::connect(&self.server)?;
        self.follower.begin(&mut link)?;
        self.link = Some(link);
        Ok(())
    }
}

impl Feed {
    /// `None` if the source is another one.
    pub(super) fn stream(&self) -> Option<Stream> {
        let Spec::Stream(target) = &self.spec else {
            return None;
        };
        // The process before has published so far.
        let from = match self.source.place() {
            Some([ms, number, _]) => From::After(Id { ms, number }),
            None => From::Now,
        };
        Some(Stream {
            server: target.server.clone(),
            follower: Follower::new(target.name(), from),
            link: None,
        })
    }

    /// Reads the stream until the drain, or until the connection is lost.
    pub(super) fn follow(&self, stream: &mut Stream) -> End {
        let Some(mut link) = stream.link.take() else {
            return End::Lost("no connection".to_owned());
        };
        let follower = &mut stream.follower;
        let mut messages = Messages::default();
        while self.waits(Duration::ZERO).is_some() {
            messages.clear();
            let came = follower.read(&mut link, Some(WAIT), |entry, news| match entry.lines() {
                Some(lines) => {
                    let new = lines.enumerate().filter(|(at, _)| news.has(*at as u64));
                    new.for_each(|(_, line)| self.take(line, &mut messages));
                }
                None if news.has(0) => {
                    self.take(entry.message().unwrap_or_default(), &mut messages)
                }
                None => {}
            });
            if let Err(failure) = came {
                return End::Lost(failure.to_string());
            }
            if let Some(missing) = follower.missing(Instant::now()) {
                self.source.misses(missing);
                let source = self.source.name();
                warn!(
                    source,
                    missing,
                    "messages of the stream are missing: trimmed before they were read, or deleted"
                );
            }
            let last = follower.last().unwrap_or_default();
            let Some(_inside) = self.enter() else { break };
            if !messages.ends.is_empty() {
                self.source.heard(messages.bytes.len());
                self.source.lags(age(last));
            }
            let mut batch = self.source.batch();
            for bytes in messages.all() {
                let extent = Extent::Whole;
                batch.add(Message { bytes, extent });
            }
            batch.publish();
            let [cut, dropped] = messages.faults;
            self.source.missed([cut, dropped, 0]);
            self.source.set_place(Some([last.ms, last.number, 0]));
        }
        End::Drained
    }

    fn take(&self, message: &[u8], messages: &mut Messages) {
        let most = self.cutting.message_max;
        // A reader would take what follows for a part of a JSON value that is cut.
        let may_cut = self.cutting.framing != Framing::Json;
        match self.cutting.overlong {
            _ if message.len() <= most => messages.add(message),
            Overlong::Truncate if may_cut => {
                messages.add(&message[..most]);
                messages.faults[0] += 1;
            }
            Overlong::Truncate | Overlong::Drop | Overlong::Close => messages.faults[1] += 1,
        }
    }
}

/// Since an entry was added, by the clocks of both machines.
fn age(id: Id) -> Duration {
    let added = SystemTime::UNIX_EPOCH + Duration::from_millis(id.ms.min(MS_MAX));
    added.elapsed().unwrap_or_default()
}

impl Messages {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.faults = [0; 2];
    }

    fn add(&mut self, message: &[u8]) {
        self.bytes.extend_from_slice(message);
        self.ends.push(self.bytes.len());
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let pairs = begins.zip(self.ends.iter().copied());
        pairs.map(|(begin, end)| &self.bytes[begin..end])
    }
}
