//! What a hub is told, and what it counts.

use std::sync::Arc;
use std::time::Duration;

use crate::framing::Framing;
use crate::net::address::Address;

/// What happens to a reader that does not keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum Slow {
    /// Drop its oldest messages, and count them
    #[default]
    Drop,
    /// Close its connection
    Close,
    /// Stop reading from all that send, for --slow-wait at most; then close its connection
    Wait,
}

/// What the clients of one port get: see [`Hub::open_ports`](super::Hub::open_ports).
#[derive(Clone)]
pub struct HubPort {
    /// Where the server listens.
    pub at: Address,
    /// How messages are put on the wire.
    pub framing: Framing,
    /// Messages that do not pass are not sent there.
    pub filter: Option<HubFilter>,
}

/// What a newcomer gets first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Last {
    /// Nothing.
    #[default]
    Nothing,
    /// The last messages, at most so many.
    Count(usize),
    /// The messages of this last time.
    Time(Duration),
}

/// Which messages pass.
pub type HubFilter = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// How a [`Hub`](super::Hub) works.
#[derive(Clone)]
pub struct HubSettings {
    /// How messages are put on the wire: the framing of the server's [`Options`](crate::Options).
    pub framing: Framing,
    /// Whether a client gets its own messages, too.
    pub echo: bool,
    /// Whether clients may send to the readers; otherwise their messages are counted and ignored,
    /// except with `write_back`.
    pub clients_send: bool,
    /// What happens to a reader that does not keep up.
    pub slow: Slow,
    /// With [`Slow::Wait`]: how long a slow reader may delay the others.
    pub slow_wait: Duration,
    /// Bytes that wait for a slow reader beside its outbox.
    pub waiting_max: usize,
    /// What a newcomer gets first; also bounded by `waiting_max` bytes.
    pub last: Last,
    /// Whether a reader that lost messages is told so, by a message `# 12 messages dropped`.
    pub mark_drops: bool,
    /// Whether messages of clients are kept for the sources: see
    /// [`Source::take_back`](super::Source::take_back).
    pub write_back: bool,
    /// Messages that do not pass are not sent to any reader.
    pub filter: Option<HubFilter>,
}

impl Default for HubSettings {
    fn default() -> Self {
        HubSettings {
            framing: Framing::Lines,
            echo: false,
            clients_send: true,
            slow: Slow::Drop,
            slow_wait: Duration::from_secs(5),
            waiting_max: 256 * 1024,
            last: Last::Nothing,
            mark_drops: false,
            write_back: false,
            filter: None,
        }
    }
}

/// A hub's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubStats {
    /// Clients that are connected.
    pub readers: usize,
    /// Readers that do not keep up now.
    pub slow: usize,
    /// Messages that were published: those of clients, of sources and of
    /// [`Hub::publish`](super::Hub::publish).
    pub published: u64,
    /// Messages that the filter kept back.
    pub filtered: u64,
    /// Messages of clients that may not send.
    pub ignored: u64,
    /// Messages given to the readers' outboxes, each reader counted.
    pub given: u64,
    /// Messages dropped for slow readers, each reader counted.
    pub dropped: u64,
    /// JSON values that were cut: no reader of JSON gets them, as it would take what follows for a
    /// part of them.
    pub open: u64,
}

/// One source's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceInfo {
    /// Its name.
    pub name: String,
    /// Whether it is connected.
    pub is_up: bool,
    /// How often it was lost.
    pub losses: u64,
    /// Messages that came from it.
    pub messages: u64,
    /// Bytes that came from it.
    pub bytes: u64,
    /// Of its messages, those that were cut: too long, or unfinished at its end.
    pub cut: u64,
    /// Messages that were dropped: too long, or unfinished when it was lost.
    pub dropped: u64,
    /// Bytes that belong to no message.
    pub stray_bytes: u64,
    /// How long it was not connected in all, since the hub has it.
    pub gap: Duration,
    /// Messages of clients that it was given.
    pub written: u64,
    /// Messages of clients that it did not take.
    pub unwritten: u64,
    /// Messages of a stream that were trimmed before they were read, as their numbers tell.
    pub missing: u64,
    /// How old the last message of a stream was when it came, by the clocks of both machines;
    /// `None` if none did, or of another source.
    pub lag: Option<Duration>,
    /// How long ago the last bytes came; `None` if none did.
    pub last_heard: Option<Duration>,
}
