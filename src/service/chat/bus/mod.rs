//! Several daemons as one house, over a stream of a Redis or Valkey server.
//!
//! ```text
//! session ── act ──▶ queue ── XADD ──▶ stream ── XREAD ──▶ reader ──▶ house, directory
//!    ▲                                                        │
//!    ╰─────────── its ticket, and its lines by its outbox ◀───╯
//! ```
//!
//! What a person does is an act. Nothing of it is shown before the reader has read it back, the
//! person's own line included, so all daemons have one order, that of the stream, and everything
//! else follows from it: who has which name (the first in the stream), who is here, what is muted
//! ([`house`], [`apply`], [`orders`]). A session waits for its act, and is not read meanwhile.
//!
//! One entry of a daemon is on its way at a time. Who finds none on its way sends what waits,
//! without waiting for the server: the worker of a session, or the reader that has read the last
//! one back. All that has to wait for the server is done by two threads, each with its connection:
//! the [`writer`] and the [`reader`]. What waits is bounded.
//!
//! A daemon that comes asks the others for the state ([`join`]). One that has lost its place among
//! them, because they took it for gone or because entries are missing, does the same again, and its
//! people come in again.

mod apply;
mod context;
mod house;
mod join;
mod keeping;
mod link;
mod orders;
mod past;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use super::port::Port;
use super::state::ChatState;
use crate::error::{Error, Result};
use crate::redis::failure::Failure;
use crate::redis::primary;
use crate::redis::url::{Entry, Keep, Target};
use reader::Reader;
use writer::Writer;

/// Entries that are kept: about 14 MB of one line each.
const KEPT: u64 = 100_000;
/// Within this time a daemon has joined, even if none of the others answers.
const JOINS_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at the end whether the server is away.
const LOOK: Duration = Duration::from_millis(100);

/// The stream of a house, as its URL says.
#[derive(Clone, Debug)]
pub struct Bus {
    target: Arc<Target>,
    keep: u64,
}

impl Bus {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is wrong, or asks for what a bus does not have.
    pub fn parse(url: &str) -> Result<Bus> {
        let wrong = |problem: &str| Error::option("bus", problem);
        let no_list = "a list has no order for several readers; take stream=NAME";
        let target = Target::parse_stream(url, no_list);
        let target = target.map_err(|problem| Error::option("bus", problem))?;
        if target.entry != Entry::Line || target.replicas > 0 {
            return Err(wrong("entry= and wait= are for recv; leave them out"));
        }
        let keep = match target.keep {
            None => KEPT,
            Some(Keep::Entries(count)) => count,
            Some(Keep::Time(_)) => return Err(wrong("keep= is a number of entries here")),
        };
        let target = Arc::new(target);
        Ok(Bus { target, keep })
    }

    pub(super) fn port(&self) -> Port {
        Port::new(self.target.to_string(), self.target.name(), self.keep)
    }

    /// Joins the others, and starts the two threads.
    pub(super) fn start(&self, chat: &Arc<ChatState>, port: &Arc<Port>) -> Result<()> {
        if let Err(failure) = self.check() {
            let name = self.target.to_string();
            if !failure.passes() {
                let problem = failure.to_string();
                return Err(Error::Remote { name, problem });
            }
            warn!(bus = name, "waiting: {failure}");
        }
        let reader = Reader {
            chat: Arc::clone(chat),
            port: Arc::clone(port),
            target: Arc::clone(&self.target),
            keep: self.keep,
            heard: Instant::now(),
            is_told: false,
        };
        let writer = Writer {
            port: Arc::clone(port),
            target: Arc::clone(&self.target),
        };
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        let started = thread("bus-reader").spawn(move || reader.run_on());
        started.map_err(Error::start("the bus's reader"))?;
        let started = thread("bus-writer").spawn(move || writer.run());
        started.map_err(Error::start("the bus's writer"))?;
        if !port.await_joined(JOINS_WITHIN) {
            port.end();
            return Err(Error::Remote {
                name: self.target.to_string(),
                problem: "it was not let in within a minute: the log says what it waits for"
                    .to_owned(),
            });
        }
        Ok(())
    }

    fn check(&self) -> std::result::Result<(), Failure> {
        let mut link = primary::connect(&self.target.server)?;
        link::check(&mut link, self.target.name())
    }
}

impl Port {
    /// Says goodbye, by the deadline; answers how many acts are lost.
    pub(super) fn finish(&self, deadline: Instant) -> u64 {
        self.queue.end();
        self.send();
        loop {
            let is_over = self
                .queue
                .await_all_read(deadline.min(Instant::now() + LOOK));
            let waiting = self.queue.waiting();
            // The others take a daemon for gone that can't say goodbye.
            let is_hopeless = waiting == 0 && self.cut_off_for().is_some();
            if is_over || is_hopeless || Instant::now() >= deadline {
                self.end();
                let lost = waiting + self.lost();
                if lost > 0 {
                    warn!(
                        bus = self.name,
                        lost, "what people said before the end was not written"
                    );
                }
                return lost;
            }
        }
    }
}
