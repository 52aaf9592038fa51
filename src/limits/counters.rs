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
use crate::net::address::Peer;
use crate::series::Series;

/// Bytes of what a client sent that a line quotes.
pub(crate) const SENT_MAX: usize = 40;

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
    /// Closed in favour of the newest client of its address.
    Replaced,
    /// A balancer's connection did not begin with a PROXY header in time; it is reset.
    ProxyHeader,
}

/// All of them.
pub(crate) const LIMITS: [Limit; 17] = [
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
    Limit::Replaced,
    Limit::ProxyHeader,
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
            Limit::ProxyHeader => {
                "closing connections from proxy-from without a right PROXY header"
            }
            Limit::Replaced => "closing clients: a newer one of their address takes their place",
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
    fn no_limit_is_told_by_a_flag_that_only_the_command_has() {
        for limit in LIMITS {
            assert!(!limit.describe().contains("--"), "{limit:?}");
        }
    }

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
