//! `--admin`: shows the daemon's state over HTTP, and takes changes while it runs.
//!
//! It is a poold server of its own, with a worker of its own: it answers when every worker of the
//! service is stuck. It only reads counters and the registry, and waits for nothing.
//!
//! ```text
//! lines ─▶ http ─▶ request ─▶ routes ─▶ metrics, status, clients, actions ─▶ response ─▶ http
//! ```

mod actions;
mod args;
mod clients;
mod dump;
mod families;
mod faults;
mod history;
mod hosts;
mod http;
mod metrics;
mod own;
mod request;
mod response;
mod routes;
mod status;
mod tls;
mod top_clients;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::info;

use hosts::Loopback;
use http::Asker;

use super::handover::{HandoverServer, Inherited};
use super::sockets;
use super::sockets::all_of;
use crate::error::{Error, Result};
use crate::limits::admission::WhenFull;
use crate::limits::options::{Hints, Options};
use crate::limits::times::Times;
use crate::net::address::Address;
use crate::net::listen::{Binding, Listeners};
use crate::server::Server;

pub(super) use args::AdminArgs;
pub(super) use clients::Page;
pub(super) use history::Sample;
pub(super) use own::{Cell, OwnFigures, OwnMetric, Table, Unit, Values};
pub(super) use status::{OutputRow, Status, WorkerRow};
pub(super) use top_clients::{ClientRow, HintRow};
pub(super) use view::View;

/// The name of its sockets in a restart.
const ADMIN: &str = "admin";
/// Maximum number of clients of one admin address; the one idle longest makes room.
const CLIENTS_MAX: usize = 64;
/// Time between two samples of the server.
const SAMPLE_EACH: Duration = Duration::from_secs(1);

/// The admin's servers: one for each address, or one for all that a predecessor handed over.
pub(super) struct Admin {
    servers: Vec<Server>,
    view: Arc<View>,
    /// The sockets whose files this process removes at its end.
    with_files: Vec<Address>,
    sampled: Instant,
}

impl Admin {
    /// Listens on every address, or takes the predecessor's sockets, which must have the same
    /// addresses.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub(super) fn start(
        args: &AdminArgs,
        how: &Binding,
        view: View,
        from: Option<&mut Inherited>,
    ) -> Result<Admin> {
        let addresses = &args.addresses;
        let tls = args.tls()?;
        let view = Arc::new(view);
        let serve = |mut listeners: Listeners| {
            let view = Arc::clone(&view);
            let are_plain: Vec<_> = listeners.addresses().iter().map(is_unix).collect();
            listeners.set_plain(&are_plain);
            let loopback = Loopback::of(listeners.addresses());
            let answer = move |request: &_, asker: Asker| {
                let refusal = asker.came_to.and_then(|at| loopback.refuse(request, at));
                refusal.unwrap_or_else(|| routes::answer(&view, request, asker.peer))
            };
            let tls = tls.clone();
            let options = Options { tls, ..options() };
            Server::serve(listeners, options, http::Http(answer))
        };
        let inherited = from.map(|from| from.take(ADMIN)).transpose()?.flatten();
        let (listeners, with_files) = match inherited {
            Some((listeners, with_files)) if !addresses.is_empty() => {
                let found = listeners.addresses();
                let asked = addresses.iter().map(|address| address.parse());
                if !sockets::are_at(found, &asked.collect::<Result<Vec<_>>>()?, false) {
                    return Err(Error::option(
                        "admin",
                        format!(
                            "the running poold answers on {}, and a take-over can't change that; \
                             stop it and start this one",
                            all_of(found)
                        ),
                    ));
                }
                (vec![listeners], with_files)
            }
            _ => {
                let bound = addresses.iter().map(|one| Listeners::bind_all([one], how));
                let bound = bound.collect::<Result<Vec<_>>>()?;
                let with_files = bound.iter().flat_map(Listeners::with_files).collect();
                (bound, with_files)
            }
        };
        let servers = listeners.into_iter().map(serve).collect::<Result<_>>()?;
        Ok(Admin {
            servers,
            view,
            with_files,
            sampled: Instant::now(),
        })
    }

    /// Adds its sockets to those that a successor gets.
    pub(super) fn offer(&self, handover: &mut HandoverServer) {
        for server in &self.servers {
            handover.offer(ADMIN, server.handle(), self.with_files.clone());
        }
    }

    /// The predecessor has finished with its sockets: this process now removes their files.
    pub(super) fn own_files(&mut self) {
        for server in &mut self.servers {
            server.own_files_of(&self.with_files);
        }
    }

    /// Logs its addresses.
    pub(super) fn tell(&self) {
        for address in self.servers.iter().flat_map(Server::addresses) {
            info!("admin on {address}");
        }
    }

    /// Whether there is an admin address.
    pub(super) fn is_wanted(&self) -> bool {
        !self.servers.is_empty()
    }

    /// When to sample the server next: each second until it drains; then only on request.
    pub(super) fn next(&self) -> Option<Instant> {
        self.is_wanted().then(|| self.sampled + SAMPLE_EACH)
    }

    /// Takes a sample of the server, if it is due.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.next().is_some_and(|due| due <= now) {
            self.sampled = now;
            self.view.sample();
        }
    }

    /// Logs the server's state.
    pub(super) fn dump(&self) {
        dump::dump(&self.view);
    }

    /// Ends it; clients with open requests still get their answers.
    pub(super) fn stop(self) {
        for server in &self.servers {
            server.handle().drain();
        }
        for server in self.servers {
            let _ = server.wait();
        }
    }
}

fn is_unix(address: &Address) -> bool {
    matches!(address, Address::Unix(_))
}

fn options() -> Options {
    let defaults = Options::default();
    Options {
        name: "admin",
        workers: 1,
        // With few descriptors, fewer clients.
        clients_max: CLIENTS_MAX.min(defaults.clients_max),
        message_max: http::HEAD_MAX,
        // HTTP is expected here.
        hints: Hints::Off,
        // A few answers fill the outbox; a client with more requests then waits its turn.
        outbox_max: 1024,
        drain: Duration::from_millis(200),
        // A busy machine is a reason to ask; its few clients bound the work.
        overload: None,
        when_full: WhenFull::Shed,
        // Bounds, so no client blocks others with a slow request or with endless ones.
        shed_after: Duration::ZERO,
        times: Times {
            first_byte: Some(Duration::from_secs(10)),
            idle: Some(Duration::from_secs(120)),
            message: Some(http::REQUEST_TIME_MAX),
            write_stall: Some(Duration::from_secs(10)),
            ..Times::default()
        },
        ..defaults
    }
}
