//! Hub: what one client or source sends goes to all others, as messages, in one order.
//!
//! A publisher's turn becomes one chunk of whole messages, shared between the outboxes of all
//! readers. A reader whose outbox is full gets a queue of its own (`reader.rs`), and [`Slow`] says
//! what happens when that is full, too. The readers' lock gives all of them one order; it is held
//! to push, never across I/O.
//!
//! When its clients move to another process, they move together: all are held between two turns,
//! then the gate is shut (`gate.rs`), so that the feed's order ends at one place for all readers,
//! then each is written down with what waits for it (`moving.rs`). The other process goes on from
//! there, or this one does. Sources are opened there when they are let go here.

mod back;
mod batch;
mod entry;
mod log;
mod moving;
mod reader;
mod readers;
mod recent;
mod settings;
mod source;
mod state;
#[cfg(all(test, feature = "cli"))]
mod tests;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use settings::{HubFilter, HubPort, HubSettings, HubStats, Last, Slow, SourceInfo};
pub use source::Source;

use crate::connection::client::Client;
use crate::connection::handler::{End, Messages, Reply, Verdict};
use crate::framing::{Extent, Message};
use crate::service::Service;
use state::{ClientBatch, HubState};

/// How long a publisher waits before it looks again whether slow readers keep up.
const PUBLISHER_WAIT: Duration = Duration::from_millis(2);

/// One feed to all clients: what a client sends goes to all others. Cheap to clone.
///
/// ```
/// use std::io::{BufRead, BufReader};
/// use std::net::TcpStream;
///
/// use poold::service::hub::{Hub, HubSettings};
/// use poold::{Options, Server};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::new(HubSettings::default());
/// let server = Server::bind("127.0.0.1:0", Options::default(), hub.clone())?;
/// let mut reader = BufReader::new(TcpStream::connect(server.address())?);
/// # while hub.stats().readers == 0 {
/// #     std::thread::yield_now();
/// # }
/// hub.publish([&b"$GPGGA,123519"[..]]);
/// let mut line = String::new();
/// reader.read_line(&mut line)?;
/// assert_eq!(line, "$GPGGA,123519\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Hub(Arc<HubState>);

impl Hub {
    /// A hub without readers.
    pub fn new(settings: HubSettings) -> Hub {
        Hub(Arc::new(HubState::new(settings)))
    }

    /// Says which ports of its server get the feed in another framing or with another filter than
    /// the [`HubSettings`] have; before the server serves. Only the first call counts. What clients
    /// of these ports send is read in the server's framing.
    pub fn open_ports(&self, ports: impl IntoIterator<Item = HubPort>) {
        self.0.open_ports(ports);
    }

    /// Sends messages to all readers. Never blocks: with [`Slow::Wait`], the caller looks at
    /// [`is_full`](Hub::is_full) first. While readers move to another process, they are lost.
    pub fn publish<'a>(&self, messages: impl IntoIterator<Item = &'a [u8]>) {
        let Some(_inside) = self.0.gate.enter() else {
            return;
        };
        let mut batches = self.0.batches();
        for message in messages {
            self.0.add(whole(message), &mut batches);
        }
        self.0.publish(None, batches);
    }

    /// Whether publishers should wait: for a slow reader, only with [`Slow::Wait`]; or while
    /// readers move to another process.
    pub fn is_full(&self) -> bool {
        self.0.is_full() || self.0.gate.is_shut()
    }

    /// Its figures now.
    pub fn stats(&self) -> HubStats {
        self.0.stats()
    }

    /// Messages dropped for one client that is connected; `None` if there is none of that number.
    pub fn dropped_of(&self, client: u64) -> Option<u64> {
        self.0.readers.lock().dropped_of(client)
    }

    /// A source with this name, not connected yet.
    pub fn source(&self, name: impl Into<String>) -> Source {
        Source::new(&self.0, name.into())
    }

    /// Its sources.
    pub fn sources(&self) -> Vec<SourceInfo> {
        let sources = self.0.sources.lock();
        sources.iter().map(|entry| entry.info()).collect()
    }

    /// What gets all that readers get, beside them.
    #[cfg(feature = "cli")]
    pub(crate) fn sink(&self, name: impl Into<String>) -> Source {
        Source::sink(&self.0, name.into())
    }

    /// Its sinks: of them, messages that were written, and that were not, are counted.
    #[cfg(feature = "cli")]
    pub(crate) fn sinks(&self) -> Vec<SourceInfo> {
        let readers = self.0.readers.lock();
        readers.sinks.iter().map(|entry| entry.info()).collect()
    }
}

/// A message of a caller.
fn whole(bytes: &[u8]) -> Message<'_> {
    let extent = Extent::Whole;
    Message { bytes, extent }
}

impl Service for Hub {
    /// The client's number.
    type Session = u64;

    fn opened(&self, client: &Client, _: &mut Reply<'_>) -> u64 {
        self.0.enter(client);
        client.id()
    }

    fn message(&self, id: &mut u64, message: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        let mut batch = ClientBatch::new(&self.0);
        self.0.add_of_client(message, &mut batch);
        self.0.publish_of_client(*id, batch);
        Verdict::Go
    }

    fn batch(&self, id: &mut u64, messages: &mut Messages<'_>, _: &mut Reply<'_>) -> Verdict {
        let inside = self.0.gate.enter().filter(|_| !self.0.is_full());
        let Some(_inside) = inside else {
            return Verdict::Wait(PUBLISHER_WAIT);
        };
        let mut batch = ClientBatch::new(&self.0);
        while let Some(message) = messages.next_message() {
            self.0.add_of_client(message, &mut batch);
        }
        self.0.publish_of_client(*id, batch);
        Verdict::Go
    }

    /// What waits beside its outbox is its last reply. In a drain the sources end first.
    fn last_words(&self, id: &mut u64, end: &End, reply: &mut Reply<'_>) {
        if *end == End::Drained {
            self.0.await_sources();
        }
        for chunk in self.0.take_rest(*id) {
            reply.send_raw(chunk.bytes);
        }
    }

    fn closed(&self, id: u64, end: &End) {
        self.0.leave(id, end);
    }

    fn session_form(&self) -> Option<&'static str> {
        Some("hub 1")
    }

    fn write_session(&self, id: &mut u64, written: &mut Vec<u8>) -> bool {
        let reader = self.0.write_reader(*id);
        reader.map(|bytes| *written = bytes).is_some()
    }

    fn read_session(&self, client: &Client, written: &[u8]) -> Option<u64> {
        self.0.read_reader(client, written)?;
        Some(client.id())
    }

    fn session_moved(&self, id: u64) {
        self.0.with_readers(|readers, _| drop(readers.remove(id)));
    }

    fn moves_together(&self) -> bool {
        true
    }

    fn write_shared(&self, written: &mut Vec<u8>) -> bool {
        self.0.write_shared(written)
    }

    fn read_shared(&self, written: &[u8]) -> bool {
        self.0.read_shared(written).is_some()
    }

    fn move_over(&self, has_moved: bool) {
        self.0.gate.open(!has_moved);
    }

    fn tick(&self, now: Instant) -> Option<Instant> {
        self.0.tick(now)
    }
}
