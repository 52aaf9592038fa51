//! What the log says of slow readers, and of what is not taken: first a line for each, then a
//! count.

use std::time::Instant;

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::connection::client::Client;
use crate::series::Series;

/// A client's host or a source's name, so that one that comes again and again is named once.
type Key = (String, &'static str);

#[derive(Default)]
pub(super) struct Log(Mutex<Series<Key>>);

impl Log {
    /// A reader's first messages were dropped.
    pub(super) fn losing(&self, client: &Client) {
        let (id, peer) = (client.id(), client.peer());
        if let Some(earlier) = self.is_told(host(client), "drop") {
            warn!(id, %peer, earlier, "a reader is too slow: its oldest messages are dropped");
        }
    }

    /// A reader is closed because it is slow.
    pub(super) fn closing(&self, client: &Client) {
        let (id, peer) = (client.id(), client.peer());
        if let Some(earlier) = self.is_told(host(client), "close") {
            warn!(id, %peer, earlier, "a reader is too slow: it is closed");
        }
    }

    /// A client that may not send has sent messages.
    pub(super) fn ignoring(&self, client: &Client) {
        let (id, peer) = (client.id(), client.peer());
        if let Some(earlier) = self.is_told(host(client), "ignore") {
            warn!(id, %peer, earlier, "a client's messages are ignored: only sources may send");
        }
    }

    /// A source did not take messages of clients: they were dropped.
    pub(super) fn unwritten(&self, source: &str) {
        if let Some(earlier) = self.is_told(source.to_owned(), "unwritten") {
            warn!(
                source,
                earlier, "the source does not take what clients send: it is dropped"
            );
        }
    }

    /// A sink did not take messages: they were dropped.
    pub(super) fn full(&self, to: &str) {
        if let Some(earlier) = self.is_told(to.to_owned(), "full") {
            warn!(
                to,
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

    /// Whether this gets a line; if so, with the count of those before it that had none.
    fn is_told(&self, of: String, what: &'static str) -> Option<Option<u64>> {
        let told = self.0.lock().happened((of, what), Instant::now());
        told.map(|told| told.earlier())
    }
}

/// Empty for a client of a Unix socket.
fn host(client: &Client) -> String {
    let host = client.peer().host();
    host.map(|host| host.to_string()).unwrap_or_default()
}
