//! `--admin`: how the daemon is, over HTTP, and what can be changed while it runs.
//!
//! It is a poold server of its own, with a worker of its own: it answers when every worker of the
//! service is stuck. It only reads counters and the registry, and waits for nothing.

mod http;
mod metrics;
mod request;
mod response;
mod routes;

use std::time::Duration;

use tracing::info;

use crate::admission::WhenFull;
use crate::error::Result;
use crate::limits::Options;
use crate::server::{Handle, Server};
use crate::times::Times;

/// Clients of one admin address at once; who rested longest makes room.
const CLIENTS_MAX: usize = 64;

/// The admin's servers, one for each address.
pub(super) struct Admin(Vec<Server>);

impl Admin {
    /// Listens on every address.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub(super) fn start(addresses: &[String], handle: &Handle) -> Result<Admin> {
        let start = |address: &String| {
            let handle = handle.clone();
            let service =
                http::Http(move |request: &_, peer| routes::answer(&handle, request, peer));
            let server = Server::bind(address, options(), service)?;
            info!("admin on {}", server.address());
            Ok(server)
        };
        addresses
            .iter()
            .map(start)
            .collect::<Result<_>>()
            .map(Admin)
    }

    /// Ends it; who is still asking gets what it is owed.
    pub(super) fn stop(self) {
        for server in &self.0 {
            server.handle().drain();
        }
        for server in self.0 {
            let _ = server.wait();
        }
    }
}

fn options() -> Options {
    Options {
        workers: 1,
        clients_max: CLIENTS_MAX,
        message_max: http::HEAD_MAX,
        drain: Duration::from_millis(200),
        when_full: WhenFull::Shed,
        shed_after: Duration::from_secs(1),
        times: Times {
            first_byte: Some(Duration::from_secs(10)),
            idle: Some(Duration::from_secs(120)),
            message: Some(http::REQUEST_TIME_MAX),
            write_stall: Some(Duration::from_secs(10)),
            ..Times::default()
        },
        ..Options::default()
    }
}
