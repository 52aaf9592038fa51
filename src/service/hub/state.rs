//! What all clones of a hub share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;

use super::batch::{Batch, Batches, Chunk, each};
use super::entry::{Entry, Former};

use super::log::Log;
use super::readers::{Given, Readers};
use super::settings::{HubPort, HubSettings, HubStats, Slow};
use super::view::View;
use crate::connection::client::Client;
use crate::connection::gate::Gate;
use crate::connection::handler::End;
use crate::framing::{Extent, Framing, Message};

/// Between two attempts to give slow readers more.
const AGAIN: Duration = Duration::from_millis(50);
/// Longest time that a drain waits for the sources.
const SOURCES_END: Duration = Duration::from_secs(1);
/// Why a connection is closed.
const TOO_SLOW: &str = "it reads too slowly";

/// See the head of the file. Only one of its locks is held at a time; the readers' also while
/// outboxes and queues are filled.
pub(super) struct HubState {
    settings: HubSettings,
    views: OnceLock<Vec<View>>,
    pub(super) readers: Mutex<Readers>,
    /// Readers that are late, to be read without the lock.
    late: AtomicUsize,
    pub(super) sources: Mutex<Vec<Arc<Entry>>>,
    pub(super) source_changed: Condvar,
    /// Until then a drain waits for the sources: the first reader that it ends sets it for all.
    sources_end: OnceLock<Instant>,
    /// Sources of the process before, until they are opened here.
    pub(super) former: Mutex<FxHashMap<String, Former>>,
    pub(super) gate: Gate,
    pub(super) counts: Counts,
    log: Log,
}

/// Messages of one turn of a client.
pub(super) struct ClientBatch {
    feed: Batches,
    /// For the sources.
    back: Batch,
    /// The client may not send.
    is_ignored: bool,
}

impl ClientBatch {
    pub(super) fn new(hub: &HubState) -> ClientBatch {
        ClientBatch {
            feed: hub.batches(),
            back: Batch::default(),
            is_ignored: false,
        }
    }
}

#[derive(Default)]
pub(super) struct Counts {
    published: AtomicU64,
    filtered: AtomicU64,
    ignored: AtomicU64,
    given: AtomicU64,
    dropped: AtomicU64,
    /// JSON values without their end.
    pub(super) open: AtomicU64,
}

impl Counts {
    fn fields(&self) -> [&AtomicU64; 5] {
        let Counts {
            published,
            filtered,
            ignored,
            given,
            dropped,
            open: _,
        } = self;
        [published, filtered, ignored, given, dropped]
    }

    /// In the order of the fields, without `open`.
    pub(super) fn all(&self) -> [u64; 5] {
        self.fields().map(|count| count.load(Ordering::Relaxed))
    }

    pub(super) fn set(&self, counts: [u64; 5]) {
        for (count, value) in self.fields().into_iter().zip(counts) {
            count.store(value, Ordering::Relaxed);
        }
    }
}

impl HubState {
    pub(super) fn new(settings: HubSettings) -> HubState {
        HubState {
            settings,
            views: OnceLock::new(),
            readers: Mutex::default(),
            late: AtomicUsize::new(0),
            sources: Mutex::default(),
            source_changed: Condvar::new(),
            sources_end: OnceLock::new(),
            former: Mutex::default(),
            gate: Gate::default(),
            counts: Counts::default(),
            log: Log::default(),
        }
    }

    pub(super) fn stats(&self) -> HubStats {
        let readers = self.readers.lock().count();
        let [published, filtered, ignored, given, dropped] = self.counts.all();
        HubStats {
            readers,
            slow: self.late.load(Ordering::Relaxed),
            published,
            filtered,
            ignored,
            given,
            dropped,
            open: self.counts.open.load(Ordering::Relaxed),
        }
    }

    pub(super) fn open_ports(&self, ports: impl IntoIterator<Item = HubPort>) {
        let ports = ports.into_iter();
        let ports = ports.map(|port| View::of_port(&self.settings, port));
        let all = std::iter::once(View::common(&self.settings)).chain(ports);
        let _ = self.views.set(all.collect());
    }

    pub(super) fn views(&self) -> &[View] {
        self.views
            .get_or_init(|| vec![View::common(&self.settings)])
    }

    /// Empty batches, one for each view.
    pub(super) fn batches(&self) -> Batches {
        self.views().iter().map(|_| Batch::default()).collect()
    }

    /// Puts a message into the batches of those views whose filter lets it pass.
    pub(super) fn add(&self, message: Message<'_>, batches: &mut Batches) {
        add(&self.counts.published, 1);
        let is_open = self.is_open(message);
        let mut passes = is_open;
        for (View { settings, .. }, batch) in self.views().iter().zip(batches) {
            if is_open && settings.framing == Framing::Json {
                continue;
            }
            let filter = settings.filter.as_ref();
            if filter.is_none_or(|filter| filter(message.bytes)) {
                batch.add(&settings.framing, message.bytes);
                passes = true;
            }
        }
        add(&self.counts.open, u64::from(is_open));
        add(&self.counts.filtered, u64::from(!passes));
    }

    /// Whether this is a JSON value without its end: a reader would take what follows for a part of
    /// it. Another value, as a number, ends with the line.
    fn is_open(&self, message: Message<'_>) -> bool {
        let begins = matches!(message.bytes.first(), Some(b'{' | b'[' | b'"'));
        begins && message.extent != Extent::Whole && self.settings.framing == Framing::Json
    }

    /// The same for a message of a client, for those that it may send to.
    pub(super) fn add_of_client(&self, message: Message<'_>, batch: &mut ClientBatch) {
        let settings = &self.settings;
        if settings.write_back && !self.is_open(message) {
            batch.back.add(&settings.framing, message.bytes);
        }
        if settings.clients_send {
            self.add(message, &mut batch.feed);
        } else if !settings.write_back {
            add(&self.counts.ignored, 1);
            batch.is_ignored = true;
        } else {
            add(&self.counts.open, u64::from(self.is_open(message)));
        }
    }

    /// Sends a batch of a client to the sources and to all readers but itself.
    pub(super) fn publish_of_client(&self, from: u64, batch: ClientBatch) {
        if batch.is_ignored {
            let readers = self.readers.lock();
            let client = readers.find(from).map(|reader| reader.client.clone());
            drop(readers);
            return client.iter().for_each(|client| self.log.ignoring(client));
        }
        if let Some((chunk, ends)) = batch.back.finish() {
            self.write_back(&chunk, &ends);
        }
        self.publish(Some(from).filter(|_| !self.settings.echo), batch.feed);
    }

    fn write_back(&self, chunk: &Chunk, ends: &[usize]) {
        let sources = self.sources.lock().clone();
        for source in sources {
            if source
                .back
                .push(each(chunk, ends), self.settings.waiting_max)
            {
                self.log.unwritten(source.name());
            }
        }
    }

    /// Sends a batch to all readers but one.
    pub(super) fn publish(&self, except: Option<u64>, batches: Batches) {
        let chunks: Vec<_> = batches.into_iter().map(Batch::finish).collect();
        if chunks.iter().all(Option::is_none) {
            return;
        }
        self.with_readers(|readers, given| {
            readers.tell(self.views(), &chunks, except, given);
            readers.remember(self.views(), &chunks);
        });
    }

    /// The number of a client's view.
    pub(super) fn view_of(&self, client: &Client) -> usize {
        let came_to = (self.views().len() > 1).then(|| client.came_to()).flatten();
        let is_its = |view: &View| came_to.as_ref().is_some_and(|at| view.is_of(at));
        self.views().iter().position(is_its).unwrap_or(0)
    }

    pub(super) fn enter(&self, client: &Client) {
        let view = self.view_of(client);
        self.with_readers(|readers, given| readers.enter(self.views(), view, client, given));
    }

    pub(super) fn leave(&self, id: u64, end: &End) {
        let mut lost = None;
        self.with_readers(|readers, _| lost = readers.leave(id));
        let Some((dropped, rest)) = lost else { return };
        add(&self.counts.dropped, rest);
        if dropped > 0 {
            tracing::debug!(id, dropped, %end, "a slow reader has left");
        }
    }

    /// What waits for a reader beside its outbox.
    pub(super) fn take_rest(&self, id: u64) -> VecDeque<Chunk> {
        let mut rest = VecDeque::new();
        self.with_readers(|readers, given| rest = readers.take_rest(self.views(), id, given));
        rest
    }

    /// Whether publishers should wait for slow readers.
    pub(super) fn is_full(&self) -> bool {
        self.settings.slow == Slow::Wait && self.late.load(Ordering::Relaxed) > 0
    }

    /// Gives slow readers more; answers when to do it again.
    pub(super) fn tick(&self, now: Instant) -> Option<Instant> {
        self.log.tick(now);
        if self.gate.is_shut() {
            // What waits for readers that move is written down.
            return Some(now + AGAIN);
        }
        if self.late.load(Ordering::Relaxed) > 0 {
            self.with_readers(|readers, given| readers.catch_up(self.views(), now, given));
        }
        let is_late = self.late.load(Ordering::Relaxed) > 0;
        let again = is_late.then(|| now + AGAIN);
        [again, self.log.next()].into_iter().flatten().min()
    }

    /// Works on the readers, then counts and logs the results without the lock.
    pub(super) fn with_readers(&self, act: impl FnOnce(&mut Readers, &mut Given)) {
        let mut given = Given::default();
        {
            let mut readers = self.readers.lock();
            act(&mut readers, &mut given);
            for client in &given.closing {
                // What is published from now on is not for it.
                readers.leave(client.id());
            }
            self.late.store(readers.late, Ordering::Relaxed);
        }
        add(&self.counts.given, given.moved.given);
        add(&self.counts.dropped, given.moved.dropped);
        for client in &given.losing {
            self.log.losing(client);
        }
        for sink in &given.full {
            self.log.full(sink.name());
        }
        for client in &given.closing {
            self.log.closing(client);
            client.close(TOO_SLOW);
        }
    }

    /// Waits until no source is connected.
    pub(super) fn await_sources(&self) {
        let until = || Instant::now() + SOURCES_END;
        let until = *self.sources_end.get_or_init(until);
        let mut sources = self.sources.lock();
        while sources.iter().any(|one| one.is_up())
            && !self
                .source_changed
                .wait_until(&mut sources, until)
                .timed_out()
        {}
    }
}

fn add(count: &AtomicU64, more: u64) {
    if more > 0 {
        count.fetch_add(more, Ordering::Relaxed);
    }
}
