//! A connection's client and whether it is admitted. Both are known at once, except for a
//! connection through a balancer: until its header has come, the client is the balancer.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::net::address::Peer;
use crate::tls::TlsVersion;

/// It speaks plainly where clients may speak TLS.
const PLAIN: u8 = u8::MAX;

/// See the head of the file.
pub(crate) struct Identity {
    /// The other end of the connection.
    pub(crate) origin: Peer,
    rare: OnceLock<Box<Rare>>,
    standing: AtomicU8,
    /// 0: none; [`PLAIN`]; else 1 more than the version.
    tls: AtomicU8,
}

/// What is known of few clients. A header comes before a certificate.
#[derive(Default)]
struct Rare {
    announced: Option<Announcement>,
    /// The name in its certificate, once the handshake is done.
    name: OnceLock<Box<str>>,
}

/// The content of a PROXY header.
struct Announcement {
    client: Peer,
    /// The address that the client connected to; `None` for a Unix socket.
    local: Option<SocketAddr>,
}

/// Whether a connection is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Standing {
    /// It only receives a refusal, and does not count as a client.
    Refused,
    /// It counts as a client; its header or its handshake has not come yet.
    Awaited,
    /// It is admitted.
    Admitted,
}

impl Identity {
    pub(super) fn new(origin: Peer, standing: Standing) -> Identity {
        Identity {
            origin,
            rare: OnceLock::new(),
            standing: AtomicU8::new(standing as u8),
            tls: AtomicU8::new(0),
        }
    }

    fn announced(&self) -> Option<&Announcement> {
        self.rare.get()?.announced.as_ref()
    }

    /// The client, as far as known.
    pub(crate) fn peer(&self) -> Peer {
        self.announced()
            .map_or(self.origin, |announced| announced.client)
    }

    /// The balancer, if its header announced the client.
    pub(crate) fn via(&self) -> Option<Peer> {
        self.announced().map(|_| self.origin)
    }

    /// The address that the client connected to, if a header announced it. The inner `None` means a
    /// Unix socket.
    pub(crate) fn announced_local(&self) -> Option<Option<SocketAddr>> {
        self.announced().map(|announced| announced.local)
    }

    /// What a header said: the client, and the address that it connected to.
    pub(crate) fn announcement(&self) -> Option<(Peer, Option<SocketAddr>)> {
        let announced = self.announced()?;
        Some((announced.client, announced.local))
    }

    /// Sets what the balancer's header says. Only the first call counts.
    pub(crate) fn announce(&self, client: Peer, local: Option<SocketAddr>) {
        let announced = Some(Announcement { client, local });
        let name = OnceLock::new();
        let _ = self.rare.set(Box::new(Rare { announced, name }));
    }

    /// Sets the standing: the acceptor before the first turn, then only the running worker.
    pub(crate) fn set_standing(&self, standing: Standing) {
        self.standing.store(standing as u8, Ordering::SeqCst);
    }

    /// The handshake is done.
    pub(crate) fn set_tls(&self, version: TlsVersion, name: Option<String>) {
        if let Some(name) = name {
            let _ = self.rare.get_or_init(Box::default).name.set(name.into());
        }
        self.tls.store(version as u8 + 1, Ordering::Relaxed);
    }

    /// It speaks plainly where clients may speak TLS.
    pub(crate) fn set_plain(&self) {
        self.tls.store(PLAIN, Ordering::Relaxed);
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.tls.load(Ordering::Relaxed) == PLAIN
    }

    /// The name in the client's certificate.
    pub(crate) fn name(&self) -> Option<&str> {
        self.rare.get()?.name.get().map(|name| &**name)
    }

    /// The version of TLS, once the handshake is done.
    pub(crate) fn tls(&self) -> Option<TlsVersion> {
        let versions = [TlsVersion::V1_2, TlsVersion::V1_3];
        let number = self.tls.load(Ordering::Relaxed).checked_sub(1)?;
        versions.get(usize::from(number)).copied()
    }

    pub(crate) fn is(&self, standing: Standing) -> bool {
        self.standing.load(Ordering::SeqCst) == standing as u8
    }
}
