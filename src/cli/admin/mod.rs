//! `--admin`: how the daemon is, over HTTP, and what can be changed while it runs.
//!
//! It is a poold server of its own, with a worker of its own: it answers when every worker of the
//! service is stuck. It only reads counters and the registry, and waits for nothing.
//!
//! ```text
//! lines ─▶ http ─▶ request ─▶ routes ─▶ metrics, status, clients, actions ─▶ response ─▶ http
//! ```

mod actions;
mod args;
mod board;
mod clients;
mod families;
mod history;
mod http;
mod metrics;
mod request;
mod response;
mod routes;
mod status;
mod view;

use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use crate::admission::WhenFull;
use crate::drain::ServerPhase;
use crate::error::Result;
use crate::limits::Options;
use crate::server::Server;
use crate::times::Times;

pub(super) use args::AdminArgs;
pub(super) use clients::Page;
pub(super) use status::{ClientRow, Sample, Status, WorkerRow};
pub(super) use view::View;

/// Clients of one admin address at once; who rested longest makes room.
const CLIENTS_MAX: usize = 64;
/// From one look at the server to the next.
const SAMPLE_EACH: Duration = Duration::from_secs(1);

/// The admin's servers, one for each address.
pub(super) struct Admin {
    servers: Vec<Server>,
    view: Arc<View>,
}

impl Admin {
    /// Listens on every address.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub(super) fn start(addresses: &[String], view: View) -> Result<Admin> {
        let view = Arc::new(view);
        let start = |address: &String| {
            let view = Arc::clone(&view);
            let answer = move |request: &_, peer| routes::answer(&view, request, peer);
            Server::bind(address, options(), http::Http(answer))
        };
        let servers = addresses.iter().map(start).collect::<Result<_>>()?;
        Ok(Admin { servers, view })
    }

    /// Tells the log where it is.
    pub(super) fn tell(&self) {
        for server in &self.servers {
            info!("admin on {}", server.address());
        }
    }

    /// Remembers how the server is, each second, until it drains; while it does, it is only looked
    /// at when somebody asks. Without an address it does nothing.
    pub(super) fn watch(&self) {
        if self.servers.is_empty() {
            return;
        }
        while !self
            .view
            .handle
            .wait_for(ServerPhase::Draining, SAMPLE_EACH)
        {
            self.view.sample();
        }
    }

    /// Ends it; who is still asking gets what it is owed.
    pub(super) fn stop(self) {
        for server in &self.servers {
            server.handle().drain();
        }
        for server in self.servers {
            let _ = server.wait();
        }
    }
}

fn options() -> Options {
    Options {
        name: "admin",
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
