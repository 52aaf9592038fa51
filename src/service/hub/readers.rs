//! All readers in one order, and the last messages for newcomers. One lock holds them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::batch::{Chunk, ViewChunk, each};
use super::entry::Entry;
use super::reader::{Moved, Reader};
use super::recent::Recent;
use super::settings::{HubSettings, Slow};
use super::view::View;
use crate::connection::client::Client;
use crate::framing::Framing;

/// See the head of the file.
#[derive(Default)]
pub(super) struct Readers {
    all: Vec<Reader>,
    places: FxHashMap<u64, usize>,
    /// They get what the first view gets.
    pub(super) sinks: Vec<Arc<Entry>>,
    /// One for each view.
    last: Vec<Recent>,
    /// Of them, those that are late. Kept, so that nothing goes through all readers while they
    /// keep up.
    pub(super) late: usize,
}

/// The result of giving.
#[derive(Default)]
pub(super) struct Given {
    pub(super) moved: Moved,
    /// Readers that lost messages for the first time.
    pub(super) losing: Vec<Client>,
    /// Readers that are to be closed.
    pub(super) closing: Vec<Client>,
    /// Sinks that do not take all.
    pub(super) full: Vec<Arc<Entry>>,
}

impl Readers {
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn dropped_of(&self, id: u64) -> Option<u64> {
        self.find(id).map(Reader::dropped)
    }

    /// A newcomer gets the last messages first.
    pub(super) fn enter(
        &mut self,
        views: &[View],
        view: usize,
        client: &Client,
        given: &mut Given,
    ) {
        let mut reader = Reader::new(client, view);
        let settings = &views[view].settings;
        let last = self.last.get_mut(view);
        let last = last.into_iter();
        for chunk in last.flat_map(|last| last.of_newcomer(settings, Instant::now())) {
            given.add(reader.give(settings, &chunk));
        }
        self.insert(reader);
    }

    /// Adds a reader as it is.
    pub(super) fn insert(&mut self, reader: Reader) {
        self.late += usize::from(reader.is_late());
        self.places.insert(reader.client.id(), self.all.len());
        self.all.push(reader);
    }

    pub(super) fn find(&self, id: u64) -> Option<&Reader> {
        let place = self.places.get(&id)?;
        self.all.get(*place)
    }

    /// The last messages of each view.
    pub(super) fn last(&self) -> &[Recent] {
        &self.last
    }

    pub(super) fn set_last(&mut self, last: Vec<Recent>) {
        self.last = last;
    }

    /// Answers what it lost in all, and what is lost with it.
    pub(super) fn leave(&mut self, id: u64) -> Option<(u64, u64)> {
        let mut reader = self.remove(id)?;
        let rest = reader.drop_all();
        Some((reader.dropped(), rest))
    }

    /// Another process goes on with it.
    pub(super) fn remove(&mut self, id: u64) -> Option<Reader> {
        let place = self.places.remove(&id)?;
        let reader = self.all.swap_remove(place);
        if let Some(moved) = self.all.get(place) {
            self.places.insert(moved.client.id(), place);
        }
        self.late -= usize::from(reader.is_late());
        if self.all.is_empty() {
            (self.all, self.places) = Default::default();
        }
        Some(reader)
    }

    /// What waits for a reader beside its outbox.
    pub(super) fn take_rest(
        &mut self,
        views: &[View],
        id: u64,
        given: &mut Given,
    ) -> VecDeque<Chunk> {
        let Some(place) = self.places.get(&id) else {
            return VecDeque::new();
        };
        let reader = &mut self.all[*place];
        self.late -= usize::from(reader.is_late());
        let rest = reader.take_rest(&views[reader.view].settings);
        given.moved.given += rest.iter().map(|chunk| chunk.messages).sum::<u64>();
        rest
    }

    /// Gives each reader the chunk of its view, except the sender.
    pub(super) fn tell(
        &mut self,
        views: &[View],
        chunks: &[ViewChunk],
        except: Option<u64>,
        given: &mut Given,
    ) {
        for reader in &mut self.all {
            let (settings, chunk) = (&views[reader.view].settings, &chunks[reader.view]);
            let Some((chunk, _)) = chunk
                .as_ref()
                .filter(|_| Some(reader.client.id()) != except)
            else {
                continue;
            };
            let was_late = reader.is_late();
            given.add(reader.give(settings, chunk));
            if reader.is_late() {
                judge(reader, settings, given);
            }
            self.late += usize::from(reader.is_late());
            self.late -= usize::from(was_late);
        }
        let Some(Some((chunk, ends))) = chunks.first() else {
            return;
        };
        let settings = &views[0].settings;
        for sink in &self.sinks {
            let is_full = match settings.framing {
                // These end no message: where one is cut, only separate chunks keep it from the
                // next one.
                Framing::Raw | Framing::Json | Framing::Pri => {
                    sink.back.push(each(chunk, ends), settings.waiting_max)
                }
                _ => sink
                    .back
                    .push(std::iter::once(chunk.clone()), settings.waiting_max),
            };
            if is_full {
                given.full.push(Arc::clone(sink));
            }
        }
    }

    /// Keeps the last messages for newcomers.
    pub(super) fn remember(&mut self, views: &[View], chunks: &[ViewChunk]) {
        self.last.resize_with(views.len(), Recent::default);
        for ((last, view), chunk) in self.last.iter_mut().zip(views).zip(chunks) {
            if let Some((chunk, ends)) = chunk {
                last.remember(&view.settings, chunk, ends);
            }
        }
    }

    /// Gives late readers what waits. Closes readers that have delayed others for too long.
    pub(super) fn catch_up(&mut self, views: &[View], now: Instant, given: &mut Given) {
        for reader in self.all.iter_mut().filter(|reader| reader.is_late()) {
            let settings = &views[reader.view].settings;
            given.add(reader.catch_up(settings));
            let longest = match settings.slow {
                Slow::Wait => settings.slow_wait,
                Slow::Drop | Slow::Close => Duration::MAX,
            };
            if reader.late_for(now) > longest {
                given.moved.dropped += reader.drop_all();
                given.closing.push(reader.client.clone());
            }
            self.late -= usize::from(!reader.is_late());
        }
    }
}

/// What becomes of a reader that has just become later.
fn judge(reader: &mut Reader, settings: &HubSettings, given: &mut Given) {
    let dropped = match settings.slow {
        Slow::Drop => reader.drop_oldest(settings.waiting_max),
        Slow::Close => {
            given.closing.push(reader.client.clone());
            reader.drop_all()
        }
        Slow::Wait => 0,
    };
    given.moved.dropped += dropped;
    if dropped > 0 && settings.slow == Slow::Drop && reader.tell_loss() {
        given.losing.push(reader.client.clone());
    }
}

impl Given {
    fn add(&mut self, moved: Moved) {
        self.moved.given += moved.given;
        self.moved.dropped += moved.dropped;
    }
}
