//! Sources: what feeds a hub besides its clients, with a name and figures of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
#[cfg(feature = "cli")]
use std::time::Duration;

use bytes::Bytes;

use super::batch::Batches;
use super::entry::Entry;
#[cfg(feature = "cli")]
use super::entry::{FilePlace, Former};
use super::state::HubState;
use super::whole;
#[cfg(feature = "cli")]
use crate::connection::gate::Inside;
use crate::framing::Message;

/// A source of a [`Hub`](super::Hub): publishes under a name, and counts. Dropped, it is gone from
/// the hub's list.
pub struct Source {
    hub: Arc<HubState>,
    entry: Arc<Entry>,
}

/// See [`Source::batch`].
pub(crate) struct SourceBatch<'a> {
    source: &'a Source,
    batches: Batches,
    count: u64,
}

impl Source {
    pub(super) fn new(hub: &Arc<HubState>, name: String) -> Source {
        let former = hub.former.lock().remove(&name).unwrap_or_default();
        let (hub, entry) = (Arc::clone(hub), Arc::new(Entry::new(name, &former)));
        hub.sources.lock().push(Arc::clone(&entry));
        Source { hub, entry }
    }

    /// One that gets what all readers get, as [`take_back`](Source::take_back) answers it.
    #[cfg(feature = "cli")]
    pub(super) fn sink(hub: &Arc<HubState>, name: String) -> Source {
        let (hub, entry) = (
            Arc::clone(hub),
            Arc::new(Entry::new(name, &Former::default())),
        );
        hub.readers.lock().sinks.push(Arc::clone(&entry));
        Source { hub, entry }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.entry.name()
    }

    /// It is connected: from now on a drain waits until it is [`lost`](Source::lost) or dropped, a
    /// second at most, before readers get their end.
    pub fn connected(&self) {
        self.set_up(true);
    }

    /// It is lost.
    pub fn lost(&self) {
        self.entry.losses.fetch_add(1, Ordering::Relaxed);
        self.set_up(false);
    }

    /// From now on, while it is connected, messages of clients are kept for it if the hub's
    /// [`write_back`](super::HubSettings::write_back) says so. `wake` is called when there are
    /// some; it must not block.
    pub fn open_back(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.entry.back.open(Arc::new(wake));
    }

    /// The next message for it, framed; the one that was taken before counts as written.
    pub fn take_back(&self) -> Option<Bytes> {
        self.entry.back.take()
    }

    /// Bytes have come from it.
    pub fn heard(&self, bytes: usize) {
        self.entry.heard(bytes);
    }

    /// As [`Hub::publish`](super::Hub::publish), and counts.
    pub fn publish<'a>(&self, messages: impl IntoIterator<Item = &'a [u8]>) {
        let Some(_inside) = self.hub.gate.enter_source() else {
            return;
        };
        let mut batch = self.batch();
        for message in messages {
            batch.add(whole(message));
        }
        batch.publish();
    }

    /// As [`Hub::is_full`](super::Hub::is_full).
    pub fn is_full(&self) -> bool {
        self.hub.is_full() || self.hub.gate.is_shut()
    }

    /// Messages that are published together.
    pub(crate) fn batch(&self) -> SourceBatch<'_> {
        SourceBatch {
            source: self,
            batches: self.hub.batches(),
            count: 0,
        }
    }

    fn set_up(&self, is_up: bool) {
        let sources = self.hub.sources.lock();
        self.entry.set_up(is_up);
        drop(sources);
        self.entry.back.set_up(is_up);
        self.hub.source_changed.notify_all();
    }
}

/// What the command's sources need.
#[cfg(feature = "cli")]
impl Source {
    /// From reading on until what was read is published; `None`: nothing should be read now.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let inside = self.hub.gate.enter_source()?;
        (!self.hub.is_full()).then_some(inside)
    }

    /// How far its followed file is read, also by the process before: device, inode, position.
    pub(crate) fn place(&self) -> Option<FilePlace> {
        self.entry.place()
    }

    /// A stream's last message was so old when it came.
    pub(crate) fn lags(&self, lag: Duration) {
        self.entry.lags(lag);
    }

    /// Messages of a stream were trimmed before they were read.
    pub(crate) fn misses(&self, messages: u64) {
        self.entry.misses(messages);
    }

    /// So many of its messages were cut, or dropped, and so many bytes belong to none.
    pub(crate) fn missed(&self, faults: [u64; 3]) {
        self.entry.missed(faults);
    }

    pub(crate) fn set_place(&self, place: Option<FilePlace>) {
        self.entry.set_place(place);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut sources = self.hub.sources.lock();
        sources.retain(|entry| !Arc::ptr_eq(entry, &self.entry));
        drop(sources);
        let mut readers = self.hub.readers.lock();
        readers
            .sinks
            .retain(|entry| !Arc::ptr_eq(entry, &self.entry));
        drop(readers);
        self.hub.source_changed.notify_all();
    }
}

impl SourceBatch<'_> {
    pub(crate) fn add(&mut self, message: Message<'_>) {
        self.source.hub.add(message, &mut self.batches);
        self.count += 1;
    }

    pub(crate) fn publish(self) {
        let Source { hub, entry } = self.source;
        entry.messages.fetch_add(self.count, Ordering::Relaxed);
        hub.publish(None, self.batches);
    }
}
