//! Log lines about limits and troubles: one when a limit begins to act, one when it has been quiet
//! again for a while, with the count between them. However often it acts, the log grows by two
//! lines.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{error, info, warn};

use crate::peer::Peer;

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
    /// A message was longer than one may be, and cut or dropped. Raise `message_max`.
    Overlong,
    /// What the client sent could not be cut into messages; it is closed.
    Framing,
}

/// All of them.
pub(crate) const LIMITS: [Limit; 15] = [
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
    Limit::Overlong,
    Limit::Framing,
];

impl Limit {
    /// What it does, for people: "refusing clients: …".
    pub fn describe(self) -> &'static str {
        match self {
            Limit::Clients => "full: as many clients as max-clients allows",
            Limit::AddressShare => "refusing clients: their address has its share",
            Limit::AddressList => "refusing clients: their address is not allowed",
            Limit::AcceptRate => "accepting more slowly: clients come faster than accept-rate",
            Limit::Overload => "refusing clients: those who are here wait too long for a worker",
            Limit::FirstByte => "closing clients that connect and say nothing",
            Limit::Idle => "closing clients that have said nothing for too long",
            Limit::Message => "closing clients that don't end a message they began",
            Limit::WriteStall => "closing clients that don't read what they are sent",
            Limit::Lifetime => "closing clients that have been here for too long",
            Limit::Shed => "closing clients that rested longest, to make room",
            Limit::Queue => "refusing clients: as many wait for a worker as the queue holds",
            Limit::Wait => "refusing clients: they have waited for a worker for max-wait",
            Limit::Overlong => "not taking whole what is longer than message-max",
            Limit::Framing => "closing clients that don't send messages as the framing says",
        }
    }
}

/// Something that should not happen, and closes a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Its handler panicked.
    Panic,
    /// The poller does not take it.
    Unwatched,
}

impl Trouble {
    fn describe(self) -> &'static str {
        match self {
            Trouble::Panic => "the handler panicked; its client is closed",
            Trouble::Unwatched => "can't watch a client; it is closed",
        }
    }
}

/// Counts what limits do, and logs when they begin and end to do it.
pub(crate) struct Notices {
    /// Of the server, and what parts it from the words; empty if it has none.
    prefix: String,
    /// Called when something begins, so that somebody looks again when it may be over.
    begun: Box<dyn Fn() + Send + Sync>,
    counts: [AtomicU64; LIMITS.len()],
    acting: Mutex<Vec<Episode>>,
    troubles: Mutex<Vec<Series>>,
}

/// A limit that acts.
struct Episode {
    limit: Limit,
    first: u64,
    last: Instant,
}

/// A trouble that goes on.
struct Series {
    trouble: Trouble,
    count: u64,
    last: Instant,
}

impl Notices {
    /// Of a server with this name, which may be empty. `begun` has [`next`](Notices::next) asked.
    pub(crate) fn new(name: &str, begun: impl Fn() + Send + Sync + 'static) -> Notices {
        let prefix = match name {
            "" => String::new(),
            name => format!("{name}: "),
        };
        Notices {
            prefix,
            begun: Box::new(begun),
            counts: Default::default(),
            acting: Mutex::default(),
            troubles: Mutex::default(),
        }
    }

    /// What lines of a server that is not alone begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A client is in trouble; `why` is empty where the log says it elsewhere.
    pub(crate) fn trouble(&self, trouble: Trouble, id: u64, peer: &Peer, why: &str) {
        let last = Instant::now();
        let mut troubles = self.troubles.lock();
        if let Some(series) = troubles.iter_mut().find(|one| one.trouble == trouble) {
            series.count += 1;
            series.last = last;
            return;
        }
        troubles.push(Series {
            trouble,
            count: 1,
            last,
        });
        drop(troubles);
        (self.begun)();
        let why = Some(why).filter(|why| !why.is_empty());
        error!(id, %peer, why, "{}", trouble.describe());
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
        (self.begun)();
        warn!(first = %who, "{}{}", self.prefix, limit.describe());
    }

    /// How often it has acted.
    pub(crate) fn count(&self, limit: Limit) -> u64 {
        self.counts[limit as usize].load(Ordering::Relaxed)
    }

    /// When [`look`](Notices::look) may have something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        let limits = self.acting.lock().iter().map(|one| one.last).min();
        let troubles = self.troubles.lock().iter().map(|one| one.last).min();
        Some(limits.into_iter().chain(troubles).min()? + QUIET)
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
        let mut over = Vec::new();
        self.troubles.lock().retain(|series| {
            let goes_on = now < series.last + QUIET;
            // What happened once has been told.
            if !goes_on && series.count > 1 {
                over.push((series.trouble, series.count));
            }
            goes_on
        });
        for (trouble, count) in over {
            info!(count, "no more: {}", trouble.describe());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_told_by_a_flag_that_only_the_command_has() {
        for limit in LIMITS {
            assert!(!limit.describe().contains("--"), "{limit:?}");
        }
    }
}
