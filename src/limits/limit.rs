//! The limits that act on clients; each has a row in one table.

use std::fmt;

/// A limit that acts on clients. Its [`Display`](fmt::Display) says what it does.
///
/// ```
/// use poold::Limit;
///
/// assert_eq!(Limit::Idle.to_string(), "closing clients that have said nothing for too long");
/// assert_eq!(Limit::Queue.name(), "queue");
/// assert_eq!(Limit::Queue.options(), ["queue_max"]);
/// assert!(Limit::Queue.refuses() && Limit::Idle.closes());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(all(test, feature = "cli"), derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum Limit {
    /// As many clients are connected as `clients_max` allows. Raise it.
    Clients,
    /// As many clients of the address are connected as `per_address_max` allows.
    AddressShare,
    /// The address is in `deny`, or not in `allow`.
    AddressList,
    /// Clients connect faster than `accept_rate`; the others wait in the backlog.
    AcceptRate,
    /// Ready clients wait too long for a worker. Add workers, or make the handler quicker.
    Overload,
    /// The client sent no byte in time after it connected.
    FirstByte,
    /// The client has sent nothing for too long.
    Idle,
    /// The client began a message and did not end it in time.
    Message,
    /// The client does not read what it is sent.
    WriteStall,
    /// The connection has lasted for as long as `lifetime` allows.
    Lifetime,
    /// The client had rested longest, and was closed to make room for another.
    Shed,
    /// As many clients wait for a worker as `queue_max` allows. Add workers, or raise it.
    Queue,
    /// The client has waited for a worker for `wait_max`. Add workers, or raise it.
    Wait,
    /// A message was longer than `message_max`, and was cut or dropped. Raise it.
    Overlong,
    /// The framing could not cut what the client sent into messages; the client is closed.
    Framing,
    /// The client was closed in favour of the newest one of its address.
    Replaced,
    /// A balancer's connection did not begin with a PROXY header in time; it is reset.
    ProxyHeader,
    /// The client's TLS handshake failed, or did not end in time.
    Handshake,
}

/// What a limit does to a client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Refuses it.
    Refuses,
    Closes,
    /// Lets it wait in the backlog.
    Delays,
    /// Takes less than it sent.
    Cuts,
}

/// A limit's row.
struct Row {
    limit: Limit,
    /// Its name in metrics and `status`.
    name: &'static str,
    effect: Effect,
    /// The fields of `Options` and `Times` that set it.
    options: &'static [&'static str],
    /// Its text in the log.
    says: &'static str,
}

/// One row for each limit, in the order of the enum: a limit's number is that of its row.
#[rustfmt::skip]
static ROWS: [Row; 18] = {
    use Effect::{Closes, Cuts, Delays, Refuses};
    use Limit::*;
    const fn row(
        limit: Limit,
        name: &'static str,
        effect: Effect,
        options: &'static [&'static str],
        says: &'static str,
    ) -> Row {
        Row { limit, name, effect, options, says }
    }
    [
        row(Clients, "clients", Refuses, &["clients_max"],
            "full: as many clients as max-clients allows"),
        row(AddressShare, "address_share", Refuses, &["per_address_max"],
            "refusing clients: their address has its share"),
        row(AddressList, "address_list", Refuses, &["allow", "deny"],
            "refusing clients: their address is not allowed"),
        row(AcceptRate, "accept_rate", Delays, &["accept_rate"],
            "accepting more slowly: clients come faster than accept-rate"),
        row(Overload, "overload", Refuses, &["overload"],
            "refusing clients: connected clients wait too long for a worker"),
        row(FirstByte, "first_byte", Closes, &["first_byte"],
            "closing clients that connect and say nothing"),
        row(Idle, "idle", Closes, &["idle"],
            "closing clients that have said nothing for too long"),
        row(Message, "message", Closes, &["message", "min_rate"],
            "closing clients that don't end a message they began"),
        row(WriteStall, "write_stall", Closes, &["write_stall"],
            "closing clients that don't read what they are sent"),
        row(Lifetime, "lifetime", Closes, &["lifetime"],
            "closing clients that have been here for too long"),
        row(Shed, "shed", Closes, &["when_full", "shed_after"],
            "closing clients that rested longest, to make room"),
        row(Queue, "queue", Refuses, &["queue_max"],
            "refusing clients: as many wait for a worker as the queue holds"),
        row(Wait, "wait", Refuses, &["wait_max"],
            "refusing clients: they have waited for a worker for max-wait"),
        row(Overlong, "overlong", Cuts, &["message_max", "overlong"],
            "not taking whole what is longer than message-max"),
        row(Framing, "framing", Closes, &["framing"],
            "closing clients that don't send messages as the framing says"),
        row(Replaced, "replaced", Closes, &["when_address_full"],
            "closing clients: a newer one of their address takes their place"),
        row(ProxyHeader, "proxy_header", Closes, &["proxy_from"],
            "closing connections from proxy-from without a right PROXY header"),
        row(Handshake, "handshake", Closes, &["tls", "handshake"],
            "closing clients whose TLS handshake fails"),
    ]
};

/// All limits, in the order of the enum.
pub(crate) const LIMITS: [Limit; ROWS.len()] = {
    let mut limits = [Limit::Clients; ROWS.len()];
    let mut at = 0;
    while at < ROWS.len() {
        limits[at] = ROWS[at].limit;
        at += 1;
    }
    limits
};

impl Limit {
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// What the limit does, as the log says it: "refusing clients: …".
    pub fn describe(self) -> &'static str {
        self.row().says
    }

    /// A short name, as the command's metrics have it: `address_share`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The fields of [`Options`](crate::Options) and [`Times`](crate::Times) that set the limit.
    pub fn options(self) -> &'static [&'static str] {
        self.row().options
    }

    /// Whether the limit refuses clients.
    pub fn refuses(self) -> bool {
        self.row().effect == Effect::Refuses
    }

    /// Whether the limit closes admitted clients.
    pub fn closes(self) -> bool {
        self.row().effect == Effect::Closes
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// clap lists the variants; the standard library can't.
    #[test]
    #[cfg(feature = "cli")]
    fn each_limit_has_one_row_in_its_place() {
        use clap::ValueEnum;
        assert_eq!(Limit::value_variants(), LIMITS);
    }

    #[test]
    fn no_limit_is_told_by_a_flag_that_only_the_command_has() {
        for limit in LIMITS {
            assert!(!limit.describe().contains("--"), "{limit:?}");
        }
    }

    #[test]
    fn what_a_limit_says_is_what_it_does() {
        for limit in LIMITS.into_iter().filter(|limit| *limit != Limit::Clients) {
            let says = limit.describe();
            assert_eq!(limit.refuses(), says.starts_with("refusing "), "{limit:?}");
            assert_eq!(limit.closes(), says.starts_with("closing "), "{limit:?}");
        }
    }
}
