//! Log lines about limits and troubles: one when a limit begins to act, one for each other client
//! that it acts on, up to ten, and one with the count when it has been quiet for a while. How
//! often that may happen is for [`Series`] to say.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tracing::{error, info, warn};

use crate::escape::escape;
use crate::framing::hint::{HINTS, Hint};
use crate::limits::limit::{LIMITS, Limit};
use crate::net::address::Peer;
use crate::series::Series;

/// Bytes of what a client sent that a line quotes.
pub(crate) const SENT_MAX: usize = 40;

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

/// All of them, in their order.
const TROUBLES: [Trouble; 2] = [Trouble::Panic, Trouble::Unwatched];

/// What a line tells of the client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Case<'a> {
    /// Of its connection; `None` if it was not let in.
    pub(crate) id: Option<u64>,
    /// `None` if it was not accepted yet.
    pub(crate) peer: Option<Peer>,
    /// More than the limit's own words say; may be empty.
    pub(crate) why: &'a str,
    /// What it sent, where that is the reason; may be empty. The line quotes its beginning.
    pub(crate) sent: &'a [u8],
}

/// What makes a client another one: its host, and why it is told of. Ports change with each try,
/// and behind one address there may be several devices.
type Client = (Option<IpAddr>, String);

/// Counts what limits do, and logs it.
pub(crate) struct Notices {
    /// Of the server, and what parts it from the words; empty if it has none.
    prefix: String,
    /// Called when something begins, so that somebody looks again when it may be over.
    begun: Box<dyn Fn() + Send + Sync>,
    counts: [AtomicU64; LIMITS.len()],
    limits: Mutex<[Series<Client>; LIMITS.len()]>,
    troubles: Mutex<[Series<Client>; TROUBLES.len()]>,
    hints: Mutex<[Series<Client>; HINTS.len()]>,
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
            limits: Mutex::default(),
            troubles: Mutex::default(),
            hints: Mutex::new([const { Series::new() }; HINTS.len()]),
        }
    }

    /// What lines of a server that is not alone begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A client is in trouble.
    pub(crate) fn trouble(&self, trouble: Trouble, case: Case<'_>) {
        let now = Instant::now();
        let told = self.troubles.lock()[trouble as usize].happened(case.client(), now);
        let Some(told) = told else { return };
        (self.begun)();
        let Case { id, why, .. } = case;
        let peer = case.peer.map(tracing::field::display);
        let (why, earlier) = (some(why), told.earlier());
        error!(
            id,
            peer,
            why,
            earlier,
            "{}{}",
            self.prefix,
            trouble.describe()
        );
    }

    /// A limit has acted on a client.
    pub(crate) fn acted(&self, limit: Limit, case: Case<'_>) {
        self.counts[limit as usize].fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let told = self.limits.lock()[limit as usize].happened(case.client(), now);
        let Some(told) = told else { return };
        (self.begun)();
        let Case { id, why, .. } = case;
        let peer = case.peer.map(tracing::field::display);
        let (why, earlier, sent) = (some(why), told.earlier(), case.quoted());
        let sent = some(&sent);
        // What the client chose comes last, so that it can't pass for another field.
        warn!(
            id,
            peer,
            why,
            earlier,
            sent,
            "{}{}",
            self.prefix,
            limit.describe()
        );
    }

    /// A client's bytes look like something else. Nobody waits for the end of that.
    pub(crate) fn hint(&self, hint: Hint, case: Case<'_>) {
        let now = Instant::now();
        let told = self.hints.lock()[hint as usize].happened(case.client(), now);
        let Some(told) = told else { return };
        let Case { id, .. } = case;
        let peer = case.peer.map(tracing::field::display);
        let (earlier, sent) = (told.earlier(), case.quoted());
        let sent = some(&sent);
        warn!(
            id,
            peer,
            earlier,
            sent,
            "{}a guess: {}",
            self.prefix,
            hint.describe()
        );
    }

    /// How often it has acted.
    pub(crate) fn count(&self, limit: Limit) -> u64 {
        self.counts[limit as usize].load(Ordering::Relaxed)
    }

    /// When [`look`](Notices::look) may have something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        let limits = self.limits.lock().iter().filter_map(Series::next).min();
        let troubles = self.troubles.lock().iter().filter_map(Series::next).min();
        limits.into_iter().chain(troubles).min()
    }

    /// Logs the end of what has been quiet for a while.
    pub(crate) fn look(&self, now: Instant) {
        let over = self.limits.lock().each_mut().map(|one| one.look(now));
        for (limit, count) in LIMITS.iter().zip(over) {
            if let Some(count) = count {
                info!(count, "{}no more: {}", self.prefix, limit.describe());
            }
        }
        let over = self.troubles.lock().each_mut().map(|one| one.look(now));
        for (trouble, count) in TROUBLES.iter().zip(over) {
            // What happened once has been told.
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

    /// The beginning of what it sent, safe for a log.
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
