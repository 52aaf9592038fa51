//! The stages of a connection, from its accept to its end.

use std::time::Instant;

use crate::connection::handler::End;
use crate::limits::limit::Limit;

/// A connection's stage.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// Refused: it is sent the service's line for that, if there is one, and closed.
    Refused(Limit),
    /// From a balancer: its header is not complete.
    Header { until: Instant },
    /// Its header names no client: a health check, unless something follows.
    Nameless { until: Instant },
    /// Admitted; its TLS handshake is not complete.
    Handshake { until: Instant },
    /// Admitted; the service has not seen it yet.
    New,
    /// It waits for a worker (stream services only).
    Waiting,
    /// Messages are read and answered.
    Open,
    /// The server ends it: what had arrived by then is still read and answered.
    Last { arrived: usize, end: End },
    /// No more messages; unsent output is sent.
    Closing(End),
    /// The write side is shut; it is read until the client closes as well.
    Lingering(Box<Linger>),
}

/// A connection whose end was sent.
#[derive(Clone, Debug)]
pub(crate) struct Linger {
    pub(crate) end: End,
    /// Bytes that the client's host has not acknowledged, including the end itself.
    pub(crate) unsent: usize,
    /// When these last became fewer.
    pub(crate) since: Instant,
    /// The client has closed as well, or its sending side.
    pub(crate) is_read_out: bool,
    /// It is listed as a connection that may be closed for another.
    pub(crate) is_listed: bool,
    /// Its slot is needed.
    pub(crate) must_close: bool,
}

impl Linger {
    /// All data has arrived at the client's host, the end perhaps not: systems are slow to
    /// acknowledge that, and it arrives after a close as well.
    pub(crate) fn has_answer(&self) -> bool {
        self.unsent <= 1
    }

    /// All data and the end have arrived at the client's host.
    pub(crate) fn has_all(&self) -> bool {
        self.unsent == 0
    }
}
