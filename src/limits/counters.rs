//! Counts what limits do, and logs it: one line when a limit begins to act, one for each other
//! client that it acts on, up to ten, and one with the count when it has been quiet for a while, or
//! when the server ends. [`Series`] decides which lines are logged.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tracing::{error, info, warn};

use crate::escape::escape;
use crate::framing::hint::{HINTS, Hint};
use crate::limits::limit::{LIMITS, Limit};
use crate::net::address::Peer;
use crate::series::{Series, Told};

/// Most bytes of a client that a log line quotes.
pub(crate) const SENT_MAX: usize = 40;

/// An internal failure that closes a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The handler panicked.
    Panic,
    /// The poller can't watch the connection.
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

/// All troubles, in the order of the enum.
const TROUBLES: [Trouble; 2] = [Trouble::Panic, Trouble::Unwatched];

/// What a log line says of the client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Case<'a> {
    /// The connection's number; `None` if the client was not admitted.
    pub(crate) id: Option<u64>,
    /// `None` if the client was not accepted yet.
    pub(crate) peer: Option<Peer>,
    /// Details, beyond the text of the limit; may be empty.
    pub(crate) why: &'a str,
    /// The bytes that are the reason; may be empty. The line quotes the beginning.
    pub(crate) sent: &'a [u8],
}

/// The log's key for a client: host and reason. Ports change with each try, and several devices may
/// share one address.
type Client = (Option<IpAddr>, String);

/// Counts what limits do, and logs it.
pub(crate) struct Notices {
    /// The server's name and a separator; empty if it has no name.
    prefix: String,
    /// Called when a limit begins to act, so that [`look`](Notices::look) is scheduled.
    begun: Box<dyn Fn() + Send + Sync>,
    counts: [AtomicU64; LIMITS.len()],
    limits: Mutex<[Series<Client>; LIMITS.len()]>,
    troubles: Mutex<[Series<Client>; TROUBLES.len()]>,
    hints: Mutex<[Series<Client>; HINTS.len()]>,
}

impl Notices {
    /// For a server with this name, which may be empty. `begun` must have
    /// [`next`](Notices::next) called.
    pub(crate) fn new(name: &str, begun: impl Fn() + Send + Sync + 'static) -> Notices {
        let prefix = match name {
            "" => String::new(),
            name => format!("{name}: "),
        };
        Notices {
            prefix,
            begun: Box::new(begun),
            counts: Default::default(),
            limits: Mutex::default(),
            troubles: Mutex::default(),
            hints: Mutex::new([const { Series::new() }; HINTS.len()]),
        }
    }

    /// The prefix of log lines, in processes with several servers.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Logs an internal failure that closes a client.
    pub(crate) fn trouble(&self, trouble: Trouble, case: Case<'_>) {
        let now = Instant::now();
        let told = self.troubles.lock()[trouble as usize].happened(case.client(), now);
        let Some(told) = told else { return };
        (self.begun)();
        let Case { id, why, .. } = case;
        let peer = case.peer.map(tracing::field::display);
        let (why, earlier, what) = (some(why), told.earlier(), trouble.describe());
        error!(id, peer, why, earlier, "{}{what}", self.prefix);
    }

    /// Counts and logs that a limit has acted on a client.
    pub(crate) fn acted(&self, limit: Limit, case: Case<'_>) {
        self.counts[limit as usize].fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let told = self.limits.lock()[limit as usize].happened(case.client(), now);
        let Some(told) = told else { return };
        (self.begun)();
        self.warn(limit.describe(), case, told);
    }

    /// Logs a guess at a client's protocol. A guess has no end to log.
    pub(crate) fn hint(&self, hint: Hint, case: Case<'_>) {
        let now = Instant::now();
        let told = self.hints.lock()[hint as usize].happened(case.client(), now);
        if let Some(told) = told {
            self.warn(&format!("a guess: {}", hint.describe()), case, told);
        }
    }

    fn warn(&self, what: &str, case: Case<'_>, told: Told) {
        let Case { id, why, .. } = case;
        let peer = case.peer.map(tracing::field::display);
        let (why, earlier, sent) = (some(why), told.earlier(), case.quoted());
        let (sent, prefix) = (some(&sent), &self.prefix);
        // The client chooses `sent`: it comes last, so that it can't pass for another field.
        warn!(id, peer, why, earlier, sent, "{prefix}{what}");
    }

    /// How often the limit has acted.
    pub(crate) fn count(&self, limit: Limit) -> u64 {
        self.counts[limit as usize].load(Ordering::Relaxed)
    }

    /// When to call [`look`](Notices::look) next.
    pub(crate) fn next(&self) -> Option<Instant> {
        let limits = self.limits.lock().iter().filter_map(Series::next).min();
        let troubles = self.troubles.lock().iter().filter_map(Series::next).min();
        limits.into_iter().chain(troubles).min()
    }

    /// Logs the end of limits and troubles that have been quiet for a while.
    pub(crate) fn look(&self, now: Instant) {
        self.tell_over(|one| one.look(now));
    }

    /// The server ends: logs the counts of those that have not been quiet for so long, where not
    /// each case had a line.
    pub(crate) fn end(&self) {
        self.tell_over(Series::end);
    }

    fn tell_over(&self, is_over: impl Fn(&mut Series<Client>) -> Option<u64>) {
        let over = self.limits.lock().each_mut().map(&is_over);
        for (limit, count) in LIMITS.iter().zip(over) {
            if let Some(count) = count {
                info!(count, "{}no more: {}", self.prefix, limit.describe());
            }
        }
        let over = self.troubles.lock().each_mut().map(&is_over);
        for (trouble, count) in TROUBLES.iter().zip(over) {
            // A single case has been logged already.
            if let Some(count) = count.filter(|count| *count > 1) {
                info!(count, "{}no more: {}", self.prefix, trouble.describe());
            }
        }
    }
}

impl Case<'_> {
    fn client(&self) -> Client {
        (self.peer.and_then(Peer::host), self.why.to_owned())
    }

    /// The beginning of the bytes, safe for a log.
    fn quoted(&self) -> String {
        let mut quoted = Vec::new();
        escape(&self.sent[..self.sent.len().min(SENT_MAX)], &mut quoted);
        let mut quoted = String::from_utf8_lossy(&quoted).into_owned();
        if self.sent.len() > SENT_MAX {
            quoted.push('…');
        }
        quoted
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_short_and_harmless() {
        let quoted = |sent: &[u8]| {
            Case {
                sent,
                ..Case::default()
            }
            .quoted()
        };
        assert_eq!(quoted(b""), "");
        assert_eq!(quoted(b"\x16\x03\x01\0"), "\\u{16}\\u{3}\\u{1}\\u{0}");
        assert_eq!(quoted(&[b'x'; SENT_MAX]), "x".repeat(SENT_MAX));
        assert_eq!(
            quoted(&[b'x'; SENT_MAX + 1]),
            format!("{}…", "x".repeat(SENT_MAX))
        );
    }
}
