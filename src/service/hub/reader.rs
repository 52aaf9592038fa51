//! One reader: its outbox first, and beside it a bounded queue once that is full.
//!
//! For each reader, messages given to the outbox + messages dropped + messages that wait = messages
//! sent to it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::batch::Chunk;
use super::settings::HubSettings;
use crate::connection::Unsent;
use crate::connection::client::Client;

/// What a queued chunk costs beside its bytes.
const CHUNK_COST: usize = 64;

/// See the head of the file.
pub(super) struct Reader {
    pub(super) client: Client,
    /// The number of its view.
    pub(super) view: usize,
    /// Only of a reader that was slow at least once: most never are, and ten thousand are small.
    late: Option<Box<Late>>,
}

/// Of a reader that did not keep up.
#[derive(Default)]
struct Late {
    queue: VecDeque<Chunk>,
    /// The queue's cost.
    bytes: usize,
    /// Since when the queue was never empty.
    since: Option<Instant>,
    /// Its loss has a line in the log.
    is_told: bool,
    dropped: u64,
    /// Of these, messages that no mark has told the reader of.
    unmarked: u64,
    /// Its last reply has what waited: what is published later would come before that.
    is_over: bool,
}

/// What became of the messages that a reader was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) given: u64,
    pub(super) dropped: u64,
}

impl Reader {
    pub(super) fn new(client: &Client, view: usize) -> Reader {
        Reader {
            client: client.clone(),
            view,
            late: None,
        }
    }

    /// Gives it a chunk, after what waits already.
    pub(super) fn give(&mut self, settings: &HubSettings, chunk: &Chunk) -> Moved {
        let mut moved = self.catch_up(settings);
        if let Some(late) = self.late.as_mut().filter(|late| late.is_over) {
            late.dropped += chunk.messages;
            moved.dropped += chunk.messages;
            return moved;
        }
        if self.is_late() {
            self.queue(chunk.clone());
            return moved;
        }
        match self
            .client
            .send_several(chunk.bytes.clone(), chunk.messages)
        {
            Ok(()) => moved.given += chunk.messages,
            Err(Unsent::Full(_)) => self.queue(chunk.clone()),
            // It has left, or gets its last words.
            Err(Unsent::Gone(_)) => {}
        }
        moved
    }

    /// Gives it what waits, as far as its outbox takes it.
    pub(super) fn catch_up(&mut self, settings: &HubSettings) -> Moved {
        let mut moved = Moved::default();
        let Some(late) = &mut self.late else {
            return moved;
        };
        if let Some(mark) = late.mark(settings) {
            match self.client.send_several(mark, 0) {
                Ok(()) | Err(Unsent::Gone(_)) => late.unmarked = 0,
                Err(Unsent::Full(_)) => return moved,
            }
        }
        while let Some(chunk) = late.queue.front() {
            match self
                .client
                .send_several(chunk.bytes.clone(), chunk.messages)
            {
                Ok(()) => moved.given += chunk.messages,
                Err(Unsent::Full(_)) => return moved,
                Err(Unsent::Gone(_)) => {}
            }
            late.take_first();
        }
        if late.since.take().is_some() {
            late.queue = VecDeque::new();
        }
        moved
    }

    /// Drops the oldest chunks until the rest costs at most `max`; the newest always stays.
    pub(super) fn drop_oldest(&mut self, max: usize) -> u64 {
        let Some(late) = &mut self.late else { return 0 };
        let mut dropped = 0;
        while late.bytes > max && late.queue.len() > 1 {
            dropped += late.take_first();
        }
        late.dropped += dropped;
        late.unmarked += dropped;
        dropped
    }

    /// Drops all that waits.
    pub(super) fn drop_all(&mut self) -> u64 {
        let Some(late) = &mut self.late else { return 0 };
        let dropped = late.queue.iter().map(|chunk| chunk.messages).sum();
        late.dropped += dropped;
        late.queue = VecDeque::new();
        (late.bytes, late.since) = (0, None);
        dropped
    }

    /// Takes all that waits, for its last reply.
    pub(super) fn take_rest(&mut self, settings: &HubSettings) -> VecDeque<Chunk> {
        let Some(late) = &mut self.late else {
            return VecDeque::new();
        };
        (late.bytes, late.since) = (0, None);
        let mark = late.mark(settings);
        let mut rest = std::mem::take(&mut late.queue);
        late.is_over = !rest.is_empty();
        if let Some(bytes) = mark {
            late.unmarked = 0;
            rest.push_front(Chunk { bytes, messages: 0 });
        }
        rest
    }

    pub(super) fn is_late(&self) -> bool {
        self.late.as_ref().is_some_and(|late| late.since.is_some())
    }

    /// How long its queue has not been empty.
    pub(super) fn late_for(&self, now: Instant) -> Duration {
        let since = self.late.as_ref().and_then(|late| late.since);
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    pub(super) fn dropped(&self) -> u64 {
        self.late.as_ref().map_or(0, |late| late.dropped)
    }

    /// Whether this is the first loss since it last kept up; notes that it is told.
    pub(super) fn tell_loss(&mut self) -> bool {
        let late = self.late.as_mut();
        late.is_some_and(|late| !std::mem::replace(&mut late.is_told, true))
    }

    /// Dropped, of them not told to the reader, and whether the log has told of it; `None` if it
    /// always kept up.
    pub(super) fn losses(&self) -> Option<[u64; 3]> {
        let late = self.late.as_ref()?;
        Some([late.dropped, late.unmarked, u64::from(late.is_told)])
    }

    /// As [`losses`](Reader::losses) answers.
    pub(super) fn set_losses(&mut self, [dropped, unmarked, is_told]: [u64; 3]) {
        let late = self.late.get_or_insert_default();
        // What is added to them must not overflow.
        let bounded = |count: u64| count.min(u64::MAX / 2);
        late.dropped = bounded(dropped);
        late.unmarked = bounded(unmarked);
        late.is_told = is_told > 0;
    }

    /// Since when it does not keep up.
    pub(super) fn set_late(&mut self, since: Instant) {
        self.late.get_or_insert_default().since = Some(since);
    }

    /// What waits beside its outbox.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Chunk> {
        self.late.iter().flat_map(|late| &late.queue)
    }

    pub(super) fn queue(&mut self, chunk: Chunk) {
        let late = self.late.get_or_insert_default();
        late.since.get_or_insert_with(Instant::now);
        late.bytes += chunk.bytes.len() + CHUNK_COST;
        late.queue.push_back(chunk);
    }
}

impl Late {
    /// The mark for the messages that were dropped before the queue's first.
    fn mark(&self, settings: &HubSettings) -> Option<Bytes> {
        if !settings.mark_drops || self.unmarked == 0 {
            return None;
        }
        let plural = if self.unmarked == 1 { "" } else { "s" };
        let text = format!("# {} message{plural} dropped", self.unmarked);
        Some(settings.framing.encode_to_bytes(text.as_bytes()))
    }

    fn take_first(&mut self) -> u64 {
        let Some(first) = self.queue.pop_front() else {
            return 0;
        };
        self.bytes -= first.bytes.len() + CHUNK_COST;
        first.messages
    }
}
