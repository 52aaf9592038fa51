//! A connection's unsent output: bytes that wait to be written to its socket, bounded.
//!
//! Any thread pushes bytes here and wakes the connection; only the worker that runs the connection
//! takes them out and writes. Chunks are shared, so one message to a thousand clients is in memory
//! once.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::Bytes;

/// Chunks in one gathered write; Linux takes up to 1024 (`IOV_MAX`), more than 64 gains nothing.
const SLICES_MAX: usize = 64;

/// See the head of the file.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// In a box, because most turns find nothing here and move it about, and a client at rest
    /// takes less memory.
    waiting: Option<Box<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// Messages in these bytes that are not counted yet.
    messages: u64,
}

/// How a flush ended.
#[derive(Debug)]
pub(crate) enum Flush {
    /// All is written.
    Clear,
    /// The socket takes no more now; the poller will say when it does.
    Blocked,
    /// The peer takes nothing any more.
    Broken(io::Error),
}

impl Outbox {
    /// Appends a chunk, or gives it back if more than `max` bytes would wait. A chunk over
    /// `max` is taken when nothing else waits: otherwise it could never be sent.
    pub(crate) fn push(&mut self, chunk: Bytes, max: usize) -> Result<(), Bytes> {
        if !self.is_empty() && self.bytes() + chunk.len() > max {
            return Err(chunk);
        }
        if !chunk.is_empty() {
            let waiting = self.waiting.get_or_insert_default();
            waiting.bytes += chunk.len();
            waiting.chunks.push_back(chunk);
        }
        Ok(())
    }

    /// Puts back what could not be written, before all that was pushed meanwhile.
    pub(crate) fn put_back(&mut self, rest: Outbox) {
        // A client at rest keeps no capacity of a busy time.
        let Some(mut rest) = rest.waiting.filter(|rest| !rest.chunks.is_empty()) else {
            return;
        };
        match &mut self.waiting {
            Some(waiting) if !waiting.chunks.is_empty() => {
                waiting.bytes += rest.bytes;
                waiting.messages += rest.messages;
                while let Some(chunk) = rest.chunks.pop_back() {
                    waiting.chunks.push_front(chunk);
                }
            }
            empty => *empty = Some(rest),
        }
    }

    /// Counts the messages in what was pushed last.
    pub(crate) fn note_messages(&mut self, count: u64) {
        self.waiting.get_or_insert_default().messages += count;
    }

    /// Messages since the last call.
    pub(crate) fn take_messages(&mut self) -> u64 {
        let waiting = self.waiting.as_mut();
        waiting.map_or(0, |waiting| std::mem::take(&mut waiting.messages))
    }

    /// Messages that are not counted yet.
    pub(crate) fn messages(&self) -> u64 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.messages)
    }

    /// A copy of all that waits.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.bytes());
        let chunks = self.waiting.iter().flat_map(|waiting| &waiting.chunks);
        chunks.for_each(|chunk| all.extend_from_slice(chunk));
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        let waiting = self.waiting.as_ref();
        waiting.is_none_or(|waiting| waiting.chunks.is_empty())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    /// Writes until all is written or the socket takes no more. Also answers the bytes written.
    pub(crate) fn flush(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> (usize, Flush) {
        let mut total = 0;
        let Some(waiting) = &mut self.waiting else {
            return (total, Flush::Clear);
        };
        while !waiting.chunks.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = waiting.chunks.len().min(SLICES_MAX);
            for (slice, chunk) in slices.iter_mut().zip(&waiting.chunks) {
                *slice = IoSlice::new(chunk);
            }
            match write(&slices[..count]) {
                Ok(written) => {
                    total += written;
                    waiting.advance(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return (total, Flush::Blocked);
                }
                Err(error) => return (total, Flush::Broken(error)),
            }
        }
        (total, Flush::Clear)
    }
}

impl Waiting {
    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(first) = self.chunks.front_mut() {
            if written < first.len() {
                bytes::Buf::advance(first, written);
                return;
            }
            written -= first.len();
            self.chunks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_the_bound_comes_back() {
        let mut outbox = Outbox::default();
        assert!(
            outbox.push(Bytes::from_static(b"12345678"), 4).is_ok(),
            "first, however long"
        );
        assert_eq!(
            outbox.push(Bytes::from_static(b"9"), 4),
            Err(Bytes::from_static(b"9"))
        );
    }

    #[test]
    fn short_writes_lose_and_double_nothing() {
        let mut outbox = Outbox::default();
        for chunk in ["abc", "", "defgh", "i"] {
            outbox
                .push(Bytes::from_static(chunk.as_bytes()), 100)
                .expect("room");
        }
        let mut wire = Vec::new();
        let (written, end) = outbox.flush(|slices| {
            if wire.len() >= 6 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            wire.extend_from_slice(&joined[..2]);
            Ok(2)
        });
        assert!(matches!(end, Flush::Blocked));
        assert_eq!((written, outbox.bytes()), (6, 3));
        let mut later = Outbox::default();
        later.push(Bytes::from_static(b"!"), 100).expect("room");
        later.note_messages(1);
        outbox.note_messages(3);
        later.put_back(outbox);
        assert_eq!(later.messages(), 4);
        let (_, end) = later.flush(|slices| {
            wire.extend_from_slice(&slices[0]);
            Ok(slices[0].len())
        });
        assert!(matches!(end, Flush::Clear));
        assert_eq!(wire, b"abcdefghi!");
    }
}
