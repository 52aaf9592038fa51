//! A client that is between two processes, with its state written down.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

use super::shared::Shared;
use crate::connection::Connection;
use crate::connection::carried::STATE_MAX;
use crate::connection::held::Stays;
use crate::connection::moving::Contents;
use crate::connection::outbox::Outbox;

/// A held connection is served here again.
pub(super) fn go_on(shared: &Arc<Shared>, connection: Arc<Connection>) {
    connection.has_come_to_stay();
    let _ = connection.state.again();
    shared.enqueue(connection);
}

/// A client that is between two processes. Dropped, it goes on here.
pub struct Parcel {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    /// `None` once it is sent.
    contents: Option<Contents>,
    pub(super) state: Vec<u8>,
    /// What was pushed after the state was written down, once it is sealed.
    late: Option<Outbox>,
}

impl Parcel {
    /// Writes a held connection down; one that stays goes on.
    pub(super) fn pack(shared: &Arc<Shared>, connection: Arc<Connection>) -> Result<Parcel, Stays> {
        let contents = (!connection.has_request()).then(|| connection.unpack());
        let Some(mut contents) = contents.flatten() else {
            go_on(shared, connection);
            return Err(Stays::Ending);
        };
        let written = write_down(shared, &connection, &mut contents);
        // Dropped on an error, it goes on.
        let mut parcel = Parcel {
            shared: Arc::clone(shared),
            connection,
            contents: Some(contents),
            state: Vec::new(),
            late: None,
        };
        parcel.state = written?;
        Ok(parcel)
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.connection.id
    }

    /// Its socket, to be duplicated into the other process.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.connection.socket.as_fd()
    }

    /// Its state, for [`Handle::adopt`](crate::Handle::adopt) in the other process.
    pub fn state(&self) -> &[u8] {
        &self.state
    }

    /// Closes its outbox, when the other process can take it: answers what was sent to it since its
    /// state was written down, for [`Arrival::serve`](crate::Arrival::serve).
    pub fn seal(&mut self) -> Vec<u8> {
        let late = self
            .late
            .get_or_insert_with(|| self.connection.shut_outbox());
        late.to_vec()
    }

    /// The other process serves it: it leaves this server, and its socket is closed here.
    ///
    /// A [close](crate::Client::close) that was requested since it was held is answered, with its
    /// reason: the other process is to [do it](crate::Registry::close).
    #[must_use = "a close that was requested is lost"]
    pub fn sent(mut self) -> Option<String> {
        let Contents { mut owned, .. } = self.contents.take()?;
        let (ctx, connection) = (&self.shared.ctx, &self.connection);
        // A descriptor elsewhere keeps the poller's entry.
        let _ = self.shared.poller.unwatch(&connection.socket);
        connection.state.end();
        ctx.wait_queue.remove(connection.id);
        if let Some(check) = owned.lasting.check.take() {
            ctx.deadlines.remove(check, connection.id);
        }
        if let Some(handler) = owned.lasting.handler.take() {
            crate::service::moved(handler);
        }
        ctx.leave(connection, None);
        connection.take_request()
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let Some(Contents { owned, output }) = self.contents.take() else {
            return;
        };
        if let Some(late) = self.late.take() {
            self.connection.reopen_outbox(late);
        }
        self.connection.put_back(owned, output, &mut None);
        go_on(&self.shared, Arc::clone(&self.connection));
    }
}

impl fmt::Debug for Parcel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Parcel");
        out.field("id", &self.id()).finish_non_exhaustive()
    }
}

fn write_down(
    shared: &Shared,
    connection: &Connection,
    contents: &mut Contents,
) -> Result<Vec<u8>, Stays> {
    let form = shared.ctx.work.form().ok_or(Stays::Session)?;
    let Contents { owned, output } = &*contents;
    if owned.unread.len() + owned.decoder.begun().len() + output.bytes() > STATE_MAX / 2 {
        return Err(Stays::Large);
    }
    let mut carried = connection.carried(contents, Instant::now());
    if !shared.ctx.work.keeps_workers() {
        let handler = contents.owned.lasting.handler.as_mut();
        let handler = handler.ok_or(Stays::Ending)?;
        if !crate::service::write_down(handler, &mut carried.session) {
            return Err(Stays::Session);
        }
    }
    if carried.session.len() > STATE_MAX / 2 {
        return Err(Stays::Large);
    }
    carried.form = form.to_owned();
    carried.framing = shared.ctx.limits.options.framing.to_string();
    let state = carried.to_bytes();
    if state.len() > STATE_MAX {
        return Err(Stays::Large);
    }
    Ok(state)
}
