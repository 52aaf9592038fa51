//! Logs a program's standard error, line by line.

use std::mem;
use std::time::Instant;

use tracing::{info, warn};

use crate::escape::escape;
use crate::limits::times::{Bucket, Rate};
use crate::net::address::Peer;

/// Maximum length of a line; the rest is left out.
const LINE_MAX: usize = 1024;
/// Maximum rate of one program, so that no client fills the disk through it.
const RATE: Rate = Rate {
    messages: 100,
    messages_burst: 1000,
    bytes: 64 * 1024,
    bytes_burst: 256 * 1024,
};

/// See the head of the file.
pub(super) struct StderrLog {
    id: u64,
    peer: Peer,
    /// The line so far.
    line: Vec<u8>,
    bucket: Bucket,
    /// Lines over the rate.
    left_out: u64,
}

impl StderrLog {
    pub(super) fn new(id: u64, peer: Peer) -> StderrLog {
        StderrLog {
            id,
            peer,
            line: Vec::new(),
            bucket: Bucket::new(RATE, Instant::now()),
            left_out: 0,
        }
    }

    pub(super) fn take(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            // One byte more than may be shows that there was more.
            let room = (LINE_MAX + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                self.end_line();
            }
        }
    }

    /// The last line may have no end.
    pub(super) fn finish(mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        if self.left_out > 0 {
            let StderrLog {
                id, peer, left_out, ..
            } = self;
            warn!(id, %peer, left_out, "too many lines on its standard error");
        }
    }

    fn end_line(&mut self) {
        let mut line = mem::take(&mut self.line);
        let (messages, bytes) = self.bucket.fill(Instant::now());
        if messages == 0 || bytes == 0 {
            self.left_out += 1;
            return;
        }
        self.bucket.take(1, line.len());
        let is_cut = line.len() > LINE_MAX;
        line.truncate(LINE_MAX);
        let mut text = Vec::new();
        escape(line.strip_suffix(b"\r").unwrap_or(&line), &mut text);
        let text = String::from_utf8_lossy(&text);
        let StderrLog { id, peer, .. } = *self;
        let more = if is_cut { " …" } else { "" };
        info!(id, %peer, "stderr: {text}{more}");
    }
}
