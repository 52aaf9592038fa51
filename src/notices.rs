//! Log lines about limits: one when a limit begins to act, one when it has been quiet again for a
//! while, with the count between them. However often a limit acts, the log grows by two lines.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{info, warn};

/// Without another event for this long, a limit has stopped acting.
const QUIET: Duration = Duration::from_secs(5);

/// A limit that acts on clients. The order is that of the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// As many clients as there may be. Raise `clients_max`.
    Clients,
    /// One address has its share of clients.
    AddressShare,
    /// The address is denied, or not among those that are allowed.
    AddressList,
    /// Clients come faster than they may; the others wait in the backlog.
    AcceptRate,
    /// Ready clients wait too long for a worker. Add workers, or make the handler quicker.
    Overload,
    /// No byte came in time after the client connected.
    FirstByte,
    /// The client has said nothing for too long.
    Idle,
    /// A message was begun and not ended in time.
    Message,
    /// The client has not read what it was sent.
    WriteStall,
    /// The connection has lasted for as long as one may.
    Lifetime,
    /// Closed to make room, after it had rested for longest.
    Shed,
    /// As many clients wait for a worker as may. Add workers, or raise `queue_max`.
    Queue,
    /// The client has waited for a worker for as long as one may. As above, or `wait_max`.
    Wait,
}

/// All of them.
pub(crate) const LIMITS: [Limit; 13] = [
    Limit::Clients,
    Limit::AddressShare,
    Limit::AddressList,
    Limit::AcceptRate,
    Limit::Overload,
    Limit::FirstByte,
    Limit::Idle,
    Limit::Message,
    Limit::WriteStall,
    Limit::Lifetime,
    Limit::Shed,
    Limit::Queue,
    Limit::Wait,
];

impl Limit {
    /// What it does, for people: "refusing clients: …".
    pub fn describe(self) -> &'static str {
        match self {
            Limit::Clients => "full: as many clients as --max-clients allows",
            Limit::AddressShare => "refusing clients: their address has its share",
            Limit::AddressList => "refusing clients: their address is not allowed",
            Limit::AcceptRate => "accepting more slowly: clients come faster than --accept-rate",
            Limit::Overload => "refusing clients: those who are here wait too long for a worker",
            Limit::FirstByte => "closing clients that connect and say nothing",
            Limit::Idle => "closing clients that have said nothing for too long",
            Limit::Message => "closing clients that don't end a message they began",
            Limit::WriteStall => "closing clients that don't read what they are sent",
            Limit::Lifetime => "closing clients that have been here for too long",
            Limit::Shed => "closing clients that rested longest, to make room",
            Limit::Queue => "refusing clients: as many wait for a worker as --queue allows",
            Limit::Wait => "refusing clients: they have waited for a worker for --max-wait",
        }
    }
}

/// Counts what limits do, and logs when they begin and end to do it.
#[derive(Default)]
pub(crate) struct Notices {
    /// Of the server, and what parts it from the words; empty if it has none.
    prefix: String,
    counts: [AtomicU64; LIMITS.len()],
    acting: Mutex<Vec<Episode>>,
}

/// A limit that acts.
struct Episode {
    limit: Limit,
    first: u64,
    last: Instant,
}

impl Notices {
    /// Of a server with this name, which may be empty.
    pub(crate) fn of(name: &str) -> Notices {
        let prefix = match name {
            "" => String::new(),
            name => format!("{name}: "),
        };
        Notices {
            prefix,
            ..Notices::default()
        }
    }

    /// A limit has acted on a client.
    pub(crate) fn acted(&self, limit: Limit, who: &dyn std::fmt::Display) {
        let now = Instant::now();
        let count = self.counts[limit as usize].fetch_add(1, Ordering::Relaxed);
        let mut acting = self.acting.lock();
        if let Some(episode) = acting.iter_mut().find(|episode| episode.limit == limit) {
            episode.last = now;
            return;
        }
        acting.push(Episode {
            limit,
            first: count,
            last: now,
        });
        drop(acting);
        warn!(first = %who, "{}{}", self.prefix, limit.describe());
    }

    /// How often it has acted.
    pub(crate) fn count(&self, limit: Limit) -> u64 {
        self.counts[limit as usize].load(Ordering::Relaxed)
    }

    /// When [`look`](Notices::look) may have something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.acting
            .lock()
            .iter()
            .map(|episode| episode.last + QUIET)
            .min()
    }

    /// Logs the end of what has been quiet for a while.
    pub(crate) fn look(&self, now: Instant) {
        let mut over = Vec::new();
        self.acting.lock().retain(|episode| {
            let goes_on = now < episode.last + QUIET;
            if !goes_on {
                over.push((episode.limit, episode.first));
            }
            goes_on
        });
        for (limit, first) in over {
            let count = self.count(limit) - first;
            info!(count, "{}no more: {}", self.prefix, limit.describe());
        }
    }
}
