//! A balancer's connection before its client is known: it waits at rest for the PROXY header, reads
//! exactly the header, and then admits or refuses the client.
//!
//! A balancer's health check looks like a client that has sent nothing yet: a header, then a reset,
//! or an end without a header. It must not reach the service. So a connection whose header names no
//! client waits a moment for what follows.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tracing::debug;

use super::Turn;
use crate::connection::handler::End;
use crate::connection::{Stage, Standing};
use crate::limits::limit::Limit;
use crate::net::address::Peer;
use crate::net::proxy;
use crate::net::proxy::{Announced, HEADER_MAX, Seen};
use crate::service::Work;

/// How long a connection whose header names no client is taken for a health check while it is
/// silent: HAProxy resets its checks as soon as their header is sent.
const CHECK_WITHIN: Duration = Duration::from_millis(100);
/// Maximum wait for a header once a drain has begun.
const WITHIN_IN_DRAIN: Duration = Duration::from_secs(1);

impl Turn<'_> {
    /// Reads the header, as far as it has come. Answers the connection's end, if it ends.
    pub(super) fn read_header(&mut self) -> Option<End> {
        if let Stage::Header { until } = self.owned.stage {
            match self.take_header(until) {
                Ok(Some(announced)) => {
                    if let Some(end) = self.meet(announced) {
                        return Some(end);
                    }
                }
                Ok(None) => return None,
                Err(end) => return Some(end),
            }
        }
        match self.owned.stage {
            Stage::Nameless { until } => self.read_nameless(until),
            _ => None,
        }
    }

    /// Whether the client is not known yet, or not yet sure of the server.
    pub(super) fn is_unknown(&self) -> bool {
        let stage = &self.owned.stage;
        matches!(
            stage,
            Stage::Header { .. } | Stage::Nameless { .. } | Stage::Handshake { .. }
        )
    }

    /// The deadline of the header, of the wait for a health check's end, or of the handshake.
    pub(super) fn awaited_until(&self) -> Option<Instant> {
        match self.owned.stage {
            Stage::Header { until } | Stage::Nameless { until } | Stage::Handshake { until } => {
                Some(until)
            }
            _ => None,
        }
    }

    /// In a drain, still waits a short time for a header or a handshake that is under way: its
    /// connection was accepted.
    pub(super) fn await_less(&mut self) {
        if let Stage::Header { until } | Stage::Handshake { until } = &mut self.owned.stage {
            *until = (*until).min(self.now + WITHIN_IN_DRAIN);
        }
    }

    /// Takes the header, and nothing behind it, from the socket once it is complete.
    fn take_header(&mut self, until: Instant) -> Result<Option<Announced>, End> {
        let mut input = std::mem::take(&mut self.scratch.input);
        let peeked = self.connection.peek(&mut input[..HEADER_MAX]);
        let taken = match peeked {
            Ok(0) => Err(End::Client),
            Ok(come) => self.look(&mut input[..come], until),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.empty();
                self.wait_for_header(&[], until)
            }
            Err(error) => Err(End::Lost(error.to_string())),
        };
        self.scratch.input = input;
        taken
    }

    fn look(&mut self, come: &mut [u8], until: Instant) -> Result<Option<Announced>, End> {
        match proxy::look(come) {
            Ok(Seen::Header { length, announced }) => {
                let taken = self.connection.skip(&mut come[..length]);
                taken.map_err(|error| End::Lost(error.to_string()))?;
                self.note_activity();
                self.owned.readable = true;
                Ok(Some(announced))
            }
            Ok(Seen::Begun) if self.owned.ending => Err(self.wrong("it ends within it", come)),
            Ok(Seen::Begun) => {
                // The poller reports the next byte.
                self.owned.readable = false;
                self.wait_for_header(come, until)
            }
            Err(wrong) => Err(self.wrong(&wrong.to_string(), come)),
        }
    }

    fn wait_for_header(&mut self, come: &[u8], until: Instant) -> Result<Option<Announced>, End> {
        if self.now < until {
            return Ok(None);
        }
        if self.draining() {
            self.owned.stage = Stage::Closing(End::Drained);
            return Ok(None);
        }
        Err(self.wrong("it does not come in time", come))
    }

    /// Resets the connection, so the balancer sees that something is wrong.
    fn wrong(&mut self, why: &str, come: &[u8]) -> End {
        self.acted(Limit::ProxyHeader, why, come);
        self.connection.close_with_reset();
        End::Limit(Limit::ProxyHeader)
    }

    /// The header is complete: it names the client, or no client.
    fn meet(&mut self, announced: Announced) -> Option<End> {
        let identity = &self.connection.identity;
        let balancer = identity.peer();
        let (client, local) = match announced {
            Announced::Tcp { from, to } => (Peer::from_tcp(from), Some(canonical(to))),
            Announced::Unix => (Peer::Unix(0), None),
            Announced::Unnamed => (balancer, None),
        };
        if client.is_at(balancer) {
            // It names the connection's own ends, as HAProxy's checks do in version 1.
            let until = self.now + CHECK_WITHIN;
            self.owned.stage = Stage::Nameless { until };
            return None;
        }
        identity.announce(client, local);
        debug!(
            id = self.connection.id,
            peer = %client,
            via = %balancer,
            "{}announced",
            self.ctx.notices.prefix()
        );
        self.let_in(Some(client))
    }

    /// The next byte or the end distinguishes a client from a health check.
    fn read_nameless(&mut self, until: Instant) -> Option<End> {
        match self.connection.peek(&mut [0]) {
            Ok(0) => Some(End::Client),
            Ok(_) => self.let_in(None),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                Some(End::Lost(error.to_string()))
            }
            Err(_) if self.now >= until => self.let_in(None),
            Err(_) => {
                self.empty();
                None
            }
        }
    }

    /// Admits or refuses the client, as the acceptor does for clients that come without a balancer.
    /// The balancer itself is checked against no list and has no share.
    fn let_in(&mut self, client: Option<Peer>) -> Option<End> {
        let (ctx, connection) = (self.ctx, self.connection);
        let Err(limit) = self.find_place(client) else {
            self.owned.readable = true;
            self.owned.stage = ctx.first_stage(connection.identity.is_plain(), self.now);
            return None;
        };
        self.acted(limit, "", &[]);
        if ctx.turn_away(connection, limit) {
            self.owned.stage = Stage::Refused(limit);
            return None;
        }
        Some(End::Refused(limit))
    }

    fn find_place(&self, client: Option<Peer>) -> Result<(), Limit> {
        let (ctx, connection) = (self.ctx, self.connection);
        if let Some(client) = client {
            ctx.admission.check_lists(client, self.now)?;
        }
        // With TLS it waits for a worker once its handshake is done.
        let is_plain = connection.identity.is_plain() || ctx.limits.options.tls.is_none();
        if is_plain && matches!(ctx.work, Work::Streams(_)) && !ctx.wait_queue.enter(connection) {
            return Err(Limit::Queue);
        }
        if let Some(client) = client {
            let placed = ctx.admission.take_share(client, connection.id);
            let placed = placed.inspect_err(|_| ctx.wait_queue.remove(connection.id))?;
            ctx.make_place(placed);
        }
        if is_plain {
            connection.identity.set_standing(Standing::Admitted);
        }
        Ok(())
    }
}

/// IPv4 addresses that are written as IPv6, as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    (address.ip().to_canonical(), address.port()).into()
}
