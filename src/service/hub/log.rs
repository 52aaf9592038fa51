//! What the log says of slow readers: first a line for each, then a count.

use std::net::IpAddr;
use std::time::Instant;

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::connection::client::Client;
use crate::series::Series;

/// A client's host, so that one that comes again and again is named once.
type Key = (Option<IpAddr>, &'static str);

#[derive(Default)]
pub(super) struct Log(Mutex<Series<Key>>);

impl Log {
    /// A reader's first messages were dropped.
    pub(super) fn losing(&self, client: &Client) {
        if let Some(earlier) = self.is_told(client, "drop") {
            let (id, peer) = (client.id(), client.peer());
            warn!(id, %peer, earlier, "a reader is too slow: its oldest messages are dropped");
        }
    }

    /// A reader is closed for its slowness.
    pub(super) fn closing(&self, client: &Client) {
        if let Some(earlier) = self.is_told(client, "close") {
            let (id, peer) = (client.id(), client.peer());
            warn!(id, %peer, earlier, "a reader is too slow: it is closed");
        }
    }

    /// A client has sent what is not read from it.
    pub(super) fn ignoring(&self, client: u64) {
        let told = self.0.lock().happened((None, "ignore"), Instant::now());
        if let Some(told) = told {
            let earlier = told.earlier();
            warn!(
                id = client,
                earlier, "a client's messages are ignored: only sources may send"
            );
        }
    }

    /// Messages of clients were dropped, since a source did not take them.
    pub(super) fn unwritten(&self, source: &str) {
        let told = self.0.lock().happened((None, "unwritten"), Instant::now());
        if let Some(told) = told {
            let earlier = told.earlier();
            warn!(
                source,
                earlier, "the source does not take what clients send: it is dropped"
            );
        }
    }

    /// Messages were dropped, since a sink did not take them.
    pub(super) fn full(&self, sink: &str) {
        let told = self.0.lock().happened((None, "full"), Instant::now());
        if let Some(told) = told {
            let earlier = told.earlier();
            warn!(
                to = sink,
                earlier, "the stream does not take the feed: messages for it are dropped"
            );
        }
    }

    /// When to call [`tick`](Log::tick).
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.lock().next()
    }

    pub(super) fn tick(&self, now: Instant) {
        let over = self.0.lock().look(now);
        if let Some(count) = over {
            info!(count, "no more slow readers, ignored or unwritten messages");
        }
    }

    fn is_told(&self, client: &Client, what: &'static str) -> Option<Option<u64>> {
        let key = (client.peer().host(), what);
        let told = self.0.lock().happened(key, Instant::now());
        told.map(|told| told.earlier())
    }
}
