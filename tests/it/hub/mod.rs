//! The hub.

mod also;
mod back;
pub(crate) mod feed;
mod figures;
mod lost;
mod moved;
mod moved_here;
mod nmea;
mod programs;
mod pty;
pub(crate) mod slow;
pub(crate) mod sources;
mod streams;

use std::net::TcpStream;

use poold::Server;
use poold::service::hub::{Hub, HubSettings};

use crate::support::admin::Watched;
use crate::support::net::connect;
use crate::support::server::{options, serve};
use crate::support::spool::wait_until;

/// Waits until so many clients are readers. (One that rests may not have had its first turn.)
pub(crate) fn wait_readers(watched: &Watched, count: u64) {
    wait_until("all are in", || {
        watched.status()["tables"][0]["rows"][0][0] == count
    });
}

/// A hub behind a port, with small outboxes.
pub(crate) struct Running {
    pub(crate) hub: Hub,
    pub(crate) server: Server,
    pub(crate) address: String,
}

impl Running {
    pub(crate) fn start(settings: HubSettings) -> Running {
        let options = poold::Options {
            framing: settings.framing.clone(),
            outbox_max: settings.waiting_max,
            send_buffer: Some(8 * 1024),
            ..options()
        };
        let hub = Hub::new(settings);
        let (server, address) = serve(options, hub.clone());
        Running {
            hub,
            server,
            address,
        }
    }

    /// A client that the hub knows.
    pub(crate) fn join(&self) -> TcpStream {
        let before = self.hub.stats().readers;
        let client = connect(&self.address);
        wait_until("the client is in", || self.hub.stats().readers > before);
        client
    }

    pub(crate) fn wait_published(&self, count: u64) {
        wait_until("all is published", || self.hub.stats().published >= count);
    }
}
