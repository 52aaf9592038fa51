//! Clients that come from another process.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use socket2::Socket;
use tracing::debug;

use super::Handle;
use super::shared::Shared;
use crate::connection::carried::{Carried, STATE_MAX};
use crate::connection::client::Client;
#[cfg(feature = "cli")]
use crate::connection::held::MoveReport;
use crate::connection::held::Stays;
use crate::connection::moving::Contents;
use crate::connection::{Connection, Opening, Stage};
use crate::drain::ServerPhase;
use crate::limits::admission::Placed;
use crate::limits::limit::Limit;
use crate::net::address::Peer;

impl Handle {
    /// Takes a client that another process has handed over with its state, see
    /// [`export`](Handle::export). It is not served before [`Arrival::serve`].
    ///
    /// The client keeps its number, if the server's own clients are
    /// [numbered](crate::Listeners::numbered_after) after it. Lists and bounds of this server judge
    /// it again.
    ///
    /// # Errors
    /// Why it stays with the other process.
    pub fn adopt(&self, socket: OwnedFd, state: &[u8]) -> Result<Arrival, Stays> {
        let shared = &self.shared;
        let state = (state.len() <= STATE_MAX).then(|| Carried::parse(state));
        let carried = state.flatten().ok_or(Stays::Version)?;
        shared.judge(&carried)?;
        let session = carried.session.clone();
        let from = (carried.origin, carried.announced.is_some());
        let connection = Arc::new(shared.unpack(socket.into(), carried)?);
        let peer = connection.identity.peer();
        let placed = match shared.is_balancer(&from) {
            true => Placed { replaces: None },
            false => {
                let placed = shared.ctx.admission.take_share(peer, connection.id);
                placed.map_err(|_| Stays::Full)?
            }
        };
        shared.ctx.registry.insert(Arc::clone(&connection));
        // Dropped on an error, it leaves again.
        let arrival = Arrival {
            shared: Arc::clone(shared),
            connection: Some(Arc::clone(&connection)),
        };
        if shared.ctx.work.keeps_workers() {
            let waits = session.is_empty() && shared.ctx.wait_queue.enter(&connection);
            waits.then_some(()).ok_or(Stays::Full)?;
        } else {
            shared.read_back(&connection, &session)?;
        }
        shared.ctx.make_place(placed);
        Ok(arrival)
    }
}

impl Handle {
    /// Takes what the clients of another process have in common, see
    /// [`Export::hold_all`](crate::Export::hold_all); before the first of them.
    ///
    /// # Errors
    /// Why they stay with the other process.
    pub fn adopt_shared(&self, shared: &[u8]) -> Result<(), Stays> {
        let ctx = &self.shared.ctx;
        if ctx.drain.phase() != ServerPhase::Running {
            return Err(Stays::Draining);
        }
        let is_read = ctx.work.moves_together() && ctx.work.read_shared(shared);
        is_read.then_some(()).ok_or(Stays::Service)
    }
}

#[cfg(feature = "cli")]
impl Handle {
    /// Whether clients move together.
    pub(crate) fn moves_together(&self) -> bool {
        self.shared.ctx.work.moves_together()
    }

    /// The clients of the other process have come, or will not: accepts new ones.
    pub(crate) fn awaits_no_clients(&self) {
        self.shared.ctx.held.open_gate();
        self.shared.ctx.accept_waker.notify();
    }

    /// Notes what the other process says of the move, for the figures.
    pub(crate) fn note_kept(&self, kept: MoveReport) {
        self.shared.ctx.held.note(kept);
    }
}

impl Shared {
    /// Whether this server can go on with a client.
    fn judge(&self, carried: &Carried) -> Result<(), Stays> {
        let (ctx, options) = (&self.ctx, &self.ctx.limits.options);
        if ctx.drain.phase() != ServerPhase::Running {
            return Err(Stays::Draining);
        }
        if ctx.work.form() != Some(&carried.form) {
            return Err(Stays::Service);
        }
        if carried.framing != options.framing.to_string() {
            return Err(Stays::Framing);
        }
        if options.tls.is_some() {
            return Err(Stays::Tls);
        }
        if carried.id > self.numbers_before || ctx.registry.look_up(carried.id).is_some() {
            return Err(Stays::Number);
        }
        if ctx.admitted() >= ctx.knobs.clients_max.load(Ordering::SeqCst) {
            return Err(Stays::Full);
        }
        if self.is_balancer(&(carried.origin, carried.announced.is_some())) {
            return Ok(());
        }
        let client = carried
            .announced
            .map_or(carried.origin, |(client, _)| client);
        match ctx.admission.check_lists(client, Instant::now()) {
            Ok(()) => Ok(()),
            Err(Limit::AddressList) => Err(Stays::AddressList),
            Err(_) => Err(Stays::Full),
        }
    }

    /// Whether the client is a balancer itself: it is checked against no list and has no share.
    fn is_balancer(&self, (origin, is_announced): &(Peer, bool)) -> bool {
        !is_announced && self.ctx.admission.awaits_header(*origin, Instant::now())
    }

    fn unpack(&self, socket: Socket, carried: Carried) -> Result<Connection, Stays> {
        if self
            .common
            .decoder()
            .resume(carried.place.clone())
            .is_none()
        {
            return Err(Stays::Framing);
        }
        let stage = match self.ctx.work.keeps_workers() {
            true => Stage::Waiting,
            false => Stage::Open,
        };
        let opening = Opening {
            id: carried.id,
            peer: carried.origin,
            socket,
            stage,
            common: Arc::clone(&self.common),
        };
        Connection::of_carried(opening, carried, Instant::now()).ok_or(Stays::Version)
    }
}

impl Shared {
    /// Gives the connection the session that the other process has written down.
    fn read_back(&self, connection: &Arc<Connection>, session: &[u8]) -> Result<(), Stays> {
        let client = Client::new(connection);
        let handler = self.ctx.work.read_back(&client, session);
        let handler = handler.ok_or(Stays::Service)?;
        if let Some(Contents { mut owned, output }) = connection.unpack() {
            owned.lasting.handler = Some(handler);
            connection.put_back(owned, output, &mut None);
        }
        Ok(())
    }
}

/// A client that another process has handed over. Dropped, it leaves this server again, unchanged.
pub struct Arrival {
    shared: Arc<Shared>,
    /// `None` at the end.
    connection: Option<Arc<Connection>>,
}

impl Arrival {
    /// Serves the client: the other process has let go of it. It is owed the `late` bytes as well,
    /// see [`Parcel::seal`](crate::Parcel::seal).
    pub fn serve(mut self, late: &[u8]) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !late.is_empty() {
            connection.owe(late.to_vec().into());
        }
        self.shared.ctx.held.arrived.fetch_add(1, Ordering::Relaxed);
        let id = connection.id;
        let peer = connection.identity.peer();
        debug!(id, %peer, "{}came from another process", self.shared.ctx.notices.prefix());
        self.shared.watch_or_cut(&connection);
        connection.has_come_to_stay();
        let _ = connection.state.again();
        self.shared.enqueue(connection);
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let contents = connection.unpack();
        connection.state.end();
        if let Some(handler) =
            contents.and_then(|mut contents| contents.owned.lasting.handler.take())
        {
            crate::service::moved(handler);
        }
        self.shared.ctx.wait_queue.remove(connection.id);
        self.shared.ctx.leave(&connection, None);
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Arrival");
        let id = self.connection.as_ref().map(|connection| connection.id);
        out.field("id", &id).finish_non_exhaustive()
    }
}
