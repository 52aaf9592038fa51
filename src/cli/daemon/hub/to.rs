//! A thread that writes to a stream: the feed (`--to`), or what clients send to a source that is
//! one (`--write-back`).
//!
//! It never delays the feed: what finds its queue full is dropped, and counted. What is in the
//! queue is written in order, and again as long as the server has not answered.

use std::io::PipeReader;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use tracing::{info, warn};

use super::feed::Cutting;
use crate::error::{Error, Result};
use crate::framing::Decoder;
use crate::net::ready::{is_readable, wait};
use crate::series::Series;
use crate::service::hub::Source;
use crate::service::recv::StreamWriter;

/// Bytes that are written at once.
const PIECE: usize = 64 << 10;
/// Between two attempts.
const RETRY: Duration = Duration::from_millis(200);
/// At the end, the server is tried for so long.
const LAST: Duration = Duration::from_millis(800);

/// See the head of the file.
pub(super) struct ToStream {
    source: Arc<Source>,
    writer: StreamWriter,
    cutting: Cutting,
    /// Readable when messages wait.
    awaited: Arc<OwnedFd>,
}

impl ToStream {
    /// From now on, messages wait for it.
    pub(super) fn new(
        source: Arc<Source>,
        writer: StreamWriter,
        cutting: Cutting,
    ) -> Result<ToStream> {
        let awaited = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let awaited =
            awaited.map_err(|error| Error::start("a stream: no descriptor")(error.into()));
        let awaited = Arc::new(awaited?);
        let wake = Arc::clone(&awaited);
        source.open_back(move || {
            // The counter is full only after years without a read.
            let _ = rustix::io::write(&*wake, &1_u64.to_ne_bytes());
        });
        Ok(ToStream {
            source,
            writer,
            cutting,
            awaited,
        })
    }

    /// Until `stop` is at its end, and what waits then is written.
    pub(super) fn run(mut self, stop: &PipeReader) {
        let Cutting {
            framing,
            message_max,
            overlong,
        } = self.cutting.clone();
        let mut decoder = Decoder::new(&framing, message_max, overlong);
        let mut piece = Vec::new();
        let mut losses = Series::new();
        loop {
            let is_over = !self.waits(stop);
            loop {
                piece.clear();
                while piece.len() < PIECE
                    && let Some(framed) = self.source.take_back()
                {
                    add(&mut decoder, &framed, &mut piece);
                }
                if piece.is_empty() {
                    break;
                }
                if !self.write(&piece, stop, &mut losses) {
                    return;
                }
            }
            if is_over {
                return;
            }
        }
    }

    /// Waits for messages. `false`: these are the last ones.
    fn waits(&self, stop: &PipeReader) -> bool {
        let mut fds = [
            PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.awaited.as_fd(), PollFlags::IN),
        ];
        // After an interrupted wait there may be none.
        let _ = wait(&mut fds, None);
        let _ = rustix::io::read(&*self.awaited, &mut [0; 8]);
        fds[0].revents().is_empty()
    }

    /// Writes a piece, with as many attempts as needed. `false`: it is not written, and there is no
    /// more time.
    fn write(&mut self, piece: &[u8], stop: &PipeReader, losses: &mut Series<String>) -> bool {
        let (mut written, mut is_told, mut until) = (0, false, None);
        loop {
            let Err(error) = self.writer.write(piece, &mut written) else {
                if is_told {
                    info!(to = self.source.name(), "writing to the stream again");
                }
                return true;
            };
            let now = Instant::now();
            if let Some(told) = losses.happened(error.to_string(), now) {
                is_told = true;
                let (to, earlier) = (self.source.name(), told.earlier());
                warn!(to, %error, earlier, "cannot write to the stream; trying again");
            }
            if until.is_none() {
                until = is_readable(stop, RETRY).then(|| Instant::now() + LAST);
            } else {
                std::thread::sleep(RETRY);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                warn!(
                    to = self.source.name(),
                    "the last messages are not in the stream"
                );
                return false;
            }
        }
    }
}

/// Appends the messages of what the hub has framed. It ends with the end of one, also where the
/// framing puts nothing there.
fn add(decoder: &mut Decoder, mut framed: &[u8], piece: &mut Vec<u8>) {
    loop {
        let (used, message) = decoder.next(framed);
        framed = &framed[used..];
        let Some(message) = message else { break };
        StreamWriter::add(message.bytes, piece);
    }
    if let Some(message) = decoder.finish() {
        // The hub puts a line feed behind each JSON value, also behind one that was cut.
        let bytes = message.bytes;
        StreamWriter::add(bytes.strip_suffix(b"\n").unwrap_or(bytes), piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::{Framing, Overlong};

    #[test]
    fn each_message_is_one_at_once_also_where_its_framing_does_not_end_it() {
        for (form, framed) in [
            ("lines", [&b"one\n"[..], b"two\n"]),
            ("pri", [b"<13>one", b"<14>two"]),
            // The first was cut at its sender's end.
            ("json", [b"{\"one\":\n", b"{}\n"]),
            ("raw", [b"one", b"two"]),
        ] {
            let framing: Framing = form.parse().expect(form);
            let mut decoder = Decoder::new(&framing, 100, Overlong::Truncate);
            for chunk in framed {
                let (mut piece, mut expected) = (Vec::new(), Vec::new());
                add(&mut decoder, chunk, &mut piece);
                StreamWriter::add(chunk.trim_ascii_end(), &mut expected);
                assert_eq!(piece, expected, "{form}");
            }
        }
    }
}
