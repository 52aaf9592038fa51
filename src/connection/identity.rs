//! Who a client is, and whether it is let in: both are known at once, but for one that comes
//! through a balancer. That one is the balancer until its header has told.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::net::address::Peer;

/// See the head of the file.
pub(crate) struct Identity {
    /// The other end of the connection.
    pub(crate) origin: Peer,
    announced: OnceLock<Box<Announcement>>,
    standing: AtomicU8,
}

/// What a header says.
struct Announcement {
    client: Peer,
    /// Where the client connected to; `None` for a Unix socket.
    local: Option<SocketAddr>,
}

/// How a connection stands with the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Standing {
    /// It is only told that it is not let in, and takes no client's place.
    Refused,
    /// It takes a place; who it is for is not known yet.
    Awaited,
    /// It is let in.
    Admitted,
}

impl Identity {
    pub(super) fn new(origin: Peer, standing: Standing) -> Identity {
        Identity {
            origin,
            announced: OnceLock::new(),
            standing: AtomicU8::new(standing as u8),
        }
    }

    /// The client, as far as it is known.
    pub(crate) fn peer(&self) -> Peer {
        let announced = self.announced.get();
        announced.map_or(self.origin, |announced| announced.client)
    }

    /// The address that the client connected to, if it was announced. Within: `None` for a Unix
    /// socket.
    pub(crate) fn announced_local(&self) -> Option<Option<SocketAddr>> {
        self.announced.get().map(|announced| announced.local)
    }

    /// The balancer names its client. Only the first time counts.
    pub(crate) fn announce(&self, client: Peer, local: Option<SocketAddr>) {
        let _ = self.announced.set(Box::new(Announcement { client, local }));
    }

    /// Only the running worker changes it, and before its first turn the acceptor.
    pub(crate) fn set_standing(&self, standing: Standing) {
        self.standing.store(standing as u8, Ordering::SeqCst);
    }

    pub(crate) fn is(&self, standing: Standing) -> bool {
        self.standing.load(Ordering::SeqCst) == standing as u8
    }
}
