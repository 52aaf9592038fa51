//! How a connection comes to its end.

use std::time::Instant;

use crate::connection::handler::End;
use crate::limits::limit::Limit;

/// How far a connection is on its way to the end.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// Not let in: it is told so, if the service has a line for that, and closed.
    Refused(Limit),
    /// From a balancer: its header has not come whole.
    Header { until: Instant },
    /// Its header names no client: a check, unless something follows.
    Nameless { until: Instant },
    /// Accepted; its service has not seen it yet.
    New,
    /// It waits for a worker that is lent to it.
    Waiting,
    /// Messages are read and answered.
    Open,
    /// It is to end, because the server drains or for another reason of ours: what had arrived
    /// when that was noticed is still read and answered.
    Last { arrived: usize, end: End },
    /// No more messages; what is owed is sent.
    Closing(End),
    /// The write side is shut; it is read until the client closes, too.
    Lingering(Linger),
}

/// A connection whose end was sent.
#[derive(Clone, Debug)]
pub(crate) struct Linger {
    pub(crate) end: End,
    /// Bytes that the client's host has not acknowledged, the end itself included.
    pub(crate) unsent: usize,
    /// When these were last seen to become fewer.
    pub(crate) since: Instant,
    /// The client has closed, too, or its sending side.
    pub(crate) is_read_out: bool,
    /// It is among those that leave when their place is needed.
    pub(crate) is_spare: bool,
    /// Its place is needed.
    pub(crate) is_let_go: bool,
}

impl Linger {
    /// All that was sent to the client has arrived at its host, the end perhaps not: systems take
    /// their time to acknowledge that, and it arrives after a close as well.
    pub(crate) fn has_answer(&self) -> bool {
        self.unsent <= 1
    }

    /// All that was sent to the client has arrived at its host, the end as well.
    pub(crate) fn has_all(&self) -> bool {
        self.unsent == 0
    }
}
