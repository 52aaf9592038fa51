//! The options of a server, and their bounds.
//!
//! [`Options`] is what the user asks for; [`Limits`] is valid options.

mod bounds;
mod descriptors;
mod plain;

use std::time::Duration;

use crate::error::{Error, Result};
use crate::framing::{Framing, Overlong};
use crate::limits::admission::{AddressList, ProxyFrom, WhenAddressFull, WhenFull};
use crate::limits::times::{Rate, Times};
use crate::tls::{self, Tls};

pub(crate) use descriptors::{check_clients_max, clients_most};

use bounds::within;
use descriptors::{check_descriptors, default_clients_max};
use plain::check_plain;

/// Most bytes of one read, and so of one turn.
pub(crate) const READ_MAX: usize = 64 * 1024;
/// Without `write_stall`: how long a connection that is being closed waits for its client to take
/// some bytes; and, when the client has all of them, for the client to close.
pub(crate) const CLOSING_MAX: Duration = Duration::from_secs(30);
/// The same wait for the client to close, during a drain.
pub(crate) const CLOSING_IN_DRAIN_MAX: Duration = Duration::from_secs(2);
/// How long a balancer may take to send its header, without `first_byte`: the header comes at once,
/// or a second later if a packet was lost.
pub(crate) const HEADER_WITHIN: Duration = Duration::from_secs(10);
/// Longest drain.
const DRAIN_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest of every other time: far beyond it an `Instant` overflows.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// Memory of the daemon for an idle client, registry and allocator included (measured).
const CLIENT_BYTES: usize = 1024;
/// Most threads that serve clients.
const WORKERS_MAX: usize = 1024;

/// The options of a server. Every field has a default. Later versions may have more fields: end
/// with `..Default::default()`, as here.
///
/// ```
/// let options = poold::Options { workers: 4, ..Default::default() };
/// assert!(options.message_max == 64 * 1024);
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// The server's name in log lines and thread names, for processes with several servers. Keep it
    /// short: systems show 15 bytes of a thread's name.
    /// Default: empty.
    pub name: &'static str,
    /// Threads that serve clients: 1 to 1024. Default: 4 for each core, at least 8.
    pub workers: usize,
    /// Clients connected at once; more wait in the kernel's backlog. At least 1.
    /// Default: as many as the process's descriptor limit allows; set less for servers that share a
    /// process, or open files for their clients.
    pub clients_max: usize,
    /// How bytes are cut into messages. Default: [`Framing::Lines`].
    pub framing: Framing,
    /// Longest message in bytes, without its delimiter or header: 1 B to 1 GiB.
    /// Default: 64 KiB.
    pub message_max: usize,
    /// What happens to a longer message. Default: [`Overlong::Truncate`].
    pub overlong: Overlong,
    /// Most unsent bytes for one client: 1 KiB to 1 GiB. Each [send](crate::Client::send) takes up
    /// to 80 bytes more of memory; replies of the handler may come on top. The server does not read
    /// from a client that has unsent bytes. Default: 256 KiB.
    pub outbox_max: usize,
    /// The system's send buffer for each client (`SO_SNDBUF`), approximately: 4 KiB to 1 GiB.
    /// Default: the system decides, often megabytes.
    pub send_buffer: Option<usize>,
    /// Longest drain, up to a day; then the server resets the clients that are left. Default: 8 s.
    pub drain: Duration,
    /// What to do with clients beyond `clients_max`. Default: [`WhenFull::Wait`].
    pub when_full: WhenFull,
    /// With [`WhenFull::Shed`], a client that has rested for less is not closed. With zero, the
    /// client that has been silent longest is closed, even if it sends all the time. Default: a
    /// minute.
    pub shed_after: Duration,
    /// Clients at once from one IPv4 address or IPv6 /64, at least 1. Default: no limit.
    pub per_address_max: Option<usize>,
    /// What to do with clients beyond `per_address_max`. Default: [`WhenAddressFull::Refuse`].
    pub when_address_full: WhenAddressFull,
    /// Addresses that may connect. Default: all.
    pub allow: AddressList,
    /// Addresses that may not connect, even if `allow` has them. Default: none.
    pub deny: AddressList,
    /// Balancers: their connections must begin with a PROXY header (version 1 or 2) within
    /// `times.first_byte`, or ten seconds; else they are reset. `allow`, `deny` and
    /// `per_address_max` apply to the client that the header names, and services see that client,
    /// never the balancer. A header from any other address is data. Default: none.
    pub proxy_from: ProxyFrom,
    /// Clients accepted a second, 1 to 1 000 000; more wait in the backlog. Default: no limit.
    pub accept_rate: Option<u32>,
    /// TLS for all clients. Default: none.
    pub tls: Option<Tls>,
    /// With `tls`: clients may speak plainly as well, which those do whose first byte is not that
    /// of TLS, and those that are silent for `plain_after`. Not for clients with certificates, nor
    /// with [`Framing::Raw`] and [`Framing::Length`]. Default: false.
    pub tls_optional: bool,
    /// With `tls_optional`: how long a client may be silent before it is taken for a plain one. The
    /// plain clients of a service that speaks first wait for so long. Default: `handshake`.
    pub plain_after: Option<Duration>,
    /// With `tls`: a message that has not ended is delivered only if the client has ended its
    /// session, not if only the connection has ended, which anything between the two can cause.
    /// Not for stream services. Default: false.
    pub tls_strict_end: bool,
    /// With `tls`: how long a client's handshake may take. Default: 10 s.
    pub handshake: Duration,
    /// Time limits of each connection. Default: none.
    pub times: Times,
    /// How much each client may send. Default: no limit.
    pub rate: Option<Rate>,
    /// The server refuses new clients while they would wait longer than this for a worker, judging
    /// by the turns of the last tenth of a second, or of the last second if they are few.
    /// Only for services that answer ([`Tail::Discard`](crate::Tail)). Default: 500 ms.
    pub overload: Option<Duration>,
    /// Clients that wait for a worker of a [`StreamService`](crate::StreamService); more are
    /// refused. Default: no limit but `clients_max`.
    pub queue_max: Option<usize>,
    /// Longest that such a client waits before it is refused. Default: no limit.
    pub wait_max: Option<Duration>,
    /// Whether the log has a guess at the protocol of clients whose bytes don't fit the framing.
    /// Default: [`Hints::Told`].
    pub hints: Hints,
    /// The log names a worker whose handler does not return for this long.
    /// Default: 30 s.
    pub stuck_after: Duration,
    /// Descriptors that the service may open for each client that a worker serves, beside the
    /// client's own. They lower the highest `clients_max`. Default: 0.
    pub worker_descriptors: usize,
}

/// Whether the log and [`ClientInfo`](crate::ClientInfo) guess at the protocol of a client whose
/// bytes make no messages, or begin as other protocols do. A guess changes nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hints {
    /// The log and the list have the guess.
    #[default]
    Told,
    /// No guesses, for services whose clients may look like other protocols.
    Off,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            name: "",
            workers: default_workers(),
            clients_max: default_clients_max(),
            framing: Framing::Lines,
            message_max: 64 * 1024,
            overlong: Overlong::Truncate,
            outbox_max: 256 * 1024,
            send_buffer: None,
            drain: Duration::from_secs(8),
            when_full: WhenFull::default(),
            shed_after: Duration::from_secs(60),
            per_address_max: None,
            when_address_full: WhenAddressFull::default(),
            allow: AddressList::default(),
            deny: AddressList::default(),
            proxy_from: ProxyFrom::default(),
            accept_rate: None,
            tls: None,
            tls_optional: false,
            plain_after: None,
            tls_strict_end: false,
            handshake: Duration::from_secs(10),
            times: Times::default(),
            rate: None,
            overload: Some(Duration::from_millis(500)),
            queue_max: None,
            wait_max: None,
            hints: Hints::Told,
            stuck_after: Duration::from_secs(30),
            worker_descriptors: 0,
        }
    }
}

/// Four for each core, at least eight: handlers that block leave the cores idle.
fn default_workers() -> usize {
    cores().saturating_mul(4).clamp(8, WORKERS_MAX)
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get())
}

/// Valid [`Options`], and values derived from them.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) options: Options,
    /// Whether any time limit is set.
    pub(crate) is_timed: bool,
}

impl Limits {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Option`] names the first option that is out of its bounds; [`Error::Start`] if the
    /// process has too few descriptors for one client.
    pub(crate) fn new(options: Options) -> Result<Limits> {
        const GIB: usize = 1 << 30;
        check_name(options.name)?;
        check_workers(options.workers)?;
        check_descriptors(options.worker_descriptors)?;
        check_clients_max(
            options.clients_max,
            options.workers,
            options.worker_descriptors,
        )?;
        within("message_max", options.message_max, 1, GIB)?;
        within("outbox_max", options.outbox_max, 1024, GIB)?;
        within("send_buffer", options.send_buffer.unwrap_or(GIB), 4096, GIB)?;
        check_times(&options)?;
        within(
            "per_address_max",
            options.per_address_max.unwrap_or(1),
            1,
            usize::MAX,
        )?;
        check_when_address_full(&options)?;
        let optional = options.tls.as_ref().filter(|_| options.tls_optional);
        check_plain(optional, &options.framing)?;
        within(
            "accept_rate",
            options.accept_rate.unwrap_or(1) as usize,
            1,
            1_000_000,
        )?;
        if let Some(Rate {
            messages,
            messages_burst,
            bytes,
            bytes_burst,
        }) = options.rate
        {
            let parts = [
                ("messages", messages),
                ("messages_burst", messages_burst),
                ("bytes", bytes),
                ("bytes_burst", bytes_burst),
            ];
            if let Some((part, _)) = parts.iter().find(|(_, value)| *value == 0) {
                let problem = format!("{part} is 0; at least 1");
                return Err(Error::option("rate", problem));
            }
        }
        let is_timed = options.times != Times::default();
        let mut options = options;
        if let Some(rate) = options.rate {
            // No client can send faster than it is read.
            options.times.min_rate_most(rate.bytes / 2);
        }
        Ok(Limits { options, is_timed })
    }

    /// The most memory in bytes that clients and workers can make the server use at once:
    /// each client an unfinished message, an unread rest and a full outbox, each worker its
    /// buffers. A service that has the streams buffers what it reads itself.
    pub(crate) fn memory_max(&self, reads: bool) -> u64 {
        let Options {
            workers,
            clients_max,
            message_max,
            outbox_max,
            ..
        } = self.options;
        let (tls_client, tls_worker) = match self.options.tls {
            Some(_) => (tls::CLIENT_BYTES, tls::WORKER_BYTES),
            None => (0, 0),
        };
        let client = CLIENT_BYTES + outbox_max + tls_client;
        if !reads {
            let worker = if tls_worker > 0 {
                READ_MAX + tls_worker
            } else {
                0
            };
            return clients_max as u64 * client as u64 + workers as u64 * worker as u64;
        }
        let client = client + message_max + READ_MAX + message_max;
        let worker = READ_MAX + self.replies_max() + tls_worker;
        clients_max as u64 * client as u64 + workers as u64 * worker as u64
    }

    /// The buffer that a worker keeps for the replies of a turn.
    pub(crate) fn replies_max(&self) -> usize {
        self.options.outbox_max + self.options.message_max
    }
}

fn check_when_address_full(options: &Options) -> Result<()> {
    let newest = options.when_address_full == WhenAddressFull::Newest;
    if newest && options.per_address_max.is_none() {
        let problem = "newest needs max-per-address: the clients that an address may have";
        return Err(Error::option("when_address_full", problem));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    if name.contains('\0') {
        let problem = format!("{name:?} has a zero byte; a thread's name can't");
        return Err(Error::option("name", problem));
    }
    Ok(())
}

pub(crate) fn check_workers(workers: usize) -> Result<()> {
    within("workers", workers, 1, WORKERS_MAX)
}

pub(crate) fn check_stuck_after(stuck_after: Duration) -> Result<()> {
    at_most("stuck_after", Some(stuck_after), TIME_MAX, "100 years")
}

fn at_most(name: &'static str, time: Option<Duration>, most: Duration, words: &str) -> Result<()> {
    match time {
        Some(time) if time > most => Err(Error::option(
            name,
            format!("{time:?} is out of bounds; at most {words}"),
        )),
        _ => Ok(()),
    }
}

fn check_times(options: &Options) -> Result<()> {
    at_most("drain", Some(options.drain), DRAIN_MAX, "a day")?;
    check_stuck_after(options.stuck_after)?;
    at_most(
        "shed_after",
        Some(options.shed_after),
        TIME_MAX,
        "100 years",
    )?;
    let times = &options.times;
    let closing = [
        ("first_byte", times.first_byte),
        ("idle", times.idle),
        ("message", times.message),
        ("write_stall", times.write_stall),
        ("lifetime", times.lifetime),
        ("handshake", Some(options.handshake)),
    ];
    if let Some((name, _)) = closing
        .iter()
        .find(|(_, time)| *time == Some(Duration::ZERO))
    {
        return Err(Error::option(
            name,
            "a time of 0 would close every client; leave it out for no limit",
        ));
    }
    let waiting = [
        ("overload", options.overload),
        ("wait_max", options.wait_max),
    ];
    closing
        .into_iter()
        .chain(waiting)
        .try_for_each(|(name, time)| at_most(name, time, TIME_MAX, "100 years"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_beyond_all_clocks_or_of_no_length_is_refused_at_once() {
        let lifetime = |lifetime| {
            let mut options = Options::default();
            options.times.lifetime = Some(lifetime);
            Limits::new(options).map_err(|error| error.to_string())
        };
        let error = lifetime(Duration::MAX).expect_err("no deadline can be worked out");
        assert!(error.starts_with("lifetime: "), "{error}");
        assert!(lifetime(TIME_MAX).is_ok());
        let error = lifetime(Duration::ZERO).expect_err("it would close every client");
        assert!(error.contains("leave it out"), "{error}");
    }
}
