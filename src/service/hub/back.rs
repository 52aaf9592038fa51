//! Messages of clients for one source, or of the feed for a sink: whole, in order, bounded.
//!
//! Kept only while the source is connected: a command is for the device that is there now. A
//! message that finds the queue full is dropped, and counted.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::batch::Chunk;

/// What a queued chunk costs beside its bytes.
const COST: usize = 64;

/// Tells the source's owner that messages wait.
type Wake = Arc<dyn Fn() + Send + Sync>;

/// See the head of the file.
#[derive(Default)]
pub(super) struct Back(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// `None` if the source takes none.
    wake: Option<Wake>,
    is_up: bool,
    queue: VecDeque<Chunk>,
    /// The queue's cost.
    bytes: usize,
    /// Messages that were taken from the queue and are not written yet.
    in_hand: u64,
    written: u64,
    unwritten: u64,
}

impl Back {
    /// Counts on from these: messages that were written, and those that were not.
    pub(super) fn counted(written: u64, unwritten: u64) -> Back {
        Back(Mutex::new(Inner {
            written,
            unwritten,
            ..Inner::default()
        }))
    }

    pub(super) fn open(&self, wake: Wake) {
        self.0.lock().wake = Some(wake);
    }

    /// When the source is lost, all that waits is dropped.
    pub(super) fn set_up(&self, is_up: bool) {
        let mut inner = self.0.lock();
        inner.is_up = is_up;
        if !is_up {
            let waiting: u64 = inner.queue.iter().map(|chunk| chunk.messages).sum();
            inner.unwritten += waiting + inner.in_hand;
            (inner.queue, inner.bytes, inner.in_hand) = (VecDeque::new(), 0, 0);
        }
    }

    /// Keeps messages; answers whether some were dropped.
    pub(super) fn push(&self, chunks: impl Iterator<Item = Chunk>, max: usize) -> bool {
        let mut inner = self.0.lock();
        let Some(wake) = inner.wake.clone() else {
            return false;
        };
        let (was_empty, before) = (inner.queue.is_empty(), inner.unwritten);
        for chunk in chunks {
            let cost = chunk.bytes.len() + COST;
            if !inner.is_up || inner.bytes + cost > max {
                inner.unwritten += chunk.messages;
                continue;
            }
            inner.bytes += cost;
            inner.queue.push_back(chunk);
        }
        let (is_new, dropped) = (
            was_empty && !inner.queue.is_empty(),
            inner.unwritten > before,
        );
        drop(inner);
        if is_new {
            wake();
        }
        dropped
    }

    /// The next chunk; the one before was written.
    pub(super) fn take(&self) -> Option<Bytes> {
        let mut inner = self.0.lock();
        inner.written += std::mem::take(&mut inner.in_hand);
        let next = inner.queue.pop_front()?;
        inner.bytes -= next.bytes.len() + COST;
        inner.in_hand = next.messages;
        Some(next.bytes)
    }

    /// Messages that were written, and those that were not.
    pub(super) fn counts(&self) -> (u64, u64) {
        let inner = self.0.lock();
        (inner.written, inner.unwritten)
    }
}
