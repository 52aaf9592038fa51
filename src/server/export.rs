//! Clients that move to another process: held at the end of a turn, written down, handed on.
//!
//! A [`Parcel`] has its client as a worker would: nothing else serves it. Dropped, the client goes
//! on here; [`sent`](Parcel::sent), it is the other process's. So a client is always served by one
//! process, or by none for a moment.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Handle;
use super::shared::Shared;
use crate::connection::Connection;
use crate::connection::carried::STATE_MAX;
use crate::connection::held::{Answer, Stays};
use crate::connection::moving::Contents;
use crate::connection::outbox::Outbox;
use crate::drain::ServerPhase;
use crate::scheduler::state::{Phase, Reasons};

/// Clients that are held at once: those of one batch.
const BATCH_MAX: usize = 64;
/// Bytes of states in one batch, unless one alone has more.
const BATCH_BYTES: usize = 256 * 1024;
/// How long the acceptor may take for the client that it is admitting.
const ACCEPTOR_WITHIN: Duration = Duration::from_secs(1);
/// How long a batch waits for handlers before the next clients are asked.
const ANSWER_WITHIN: Duration = Duration::from_millis(5);

impl Handle {
    /// Takes clients out of this server, for another process: see [`Export::next_batch`]. Until it
    /// is dropped, the server accepts no client; new ones wait in the backlog, or go to the process
    /// that has the [`listeners`](Handle::listeners) as well. So drop it after
    /// [`hand_over`](Handle::hand_over), or when the other process is gone.
    ///
    /// Clients whose handler has not returned when no other has come `within` this time stay.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::TcpStream;
    /// use std::time::Duration;
    ///
    /// use poold::{Listeners, Options, Server, service::Echo};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // In one process here; over a Unix socket between two, with SCM_RIGHTS.
    /// let old = Server::bind("127.0.0.1:0", Options::default(), Echo)?;
    /// let listeners = Listeners::bind("127.0.0.1:0")?.numbered_after(10_000);
    /// let new = Server::serve(listeners, Options::default(), Echo)?;
    /// let mut client = TcpStream::connect(old.address())?;
    /// # while old.handle().registry().count() == 0 {
    /// #     std::thread::yield_now();
    /// # }
    /// let mut export = old.handle().export(Duration::from_secs(1));
    /// while let Some(parcels) = export.next_batch() {
    ///     for mut parcel in parcels {
    ///         let socket = parcel.socket().try_clone_to_owned()?;
    ///         let Ok(arrival) = new.handle().adopt(socket, parcel.state()) else {
    ///             continue; // It stays with the old server.
    ///         };
    ///         let late = parcel.seal();
    ///         let id = parcel.id();
    ///         let close = parcel.sent();
    ///         arrival.serve(&late);
    ///         if let Some(reason) = close {
    ///             new.handle().registry().close(id, reason);
    ///         }
    ///     }
    /// }
    /// drop(export);
    /// old.handle().drain();
    /// assert_eq!(old.wait().left, 0);
    ///
    /// client.write_all(b"hello\n")?;
    /// let mut heard = [0; 6];
    /// client.read_exact(&mut heard)?;
    /// # drop(client);
    /// # new.handle().drain();
    /// # let _ = new.wait();
    /// # Ok(())
    /// # }
    /// ```
    pub fn export(&self, within: Duration) -> Export {
        let shared = Arc::clone(&self.shared);
        let ctx = &shared.ctx;
        let is_open = ctx.held.open();
        if is_open {
            // A client that it is admitting moves as well.
            let wake = || ctx.accept_waker.wake();
            let _ = shared.heartbeat.wait_for_acceptor(wake, ACCEPTOR_WITHIN);
        }
        Export {
            to_ask: Vec::new(),
            asked: Vec::new(),
            seen: 0,
            held: Vec::new(),
            stayed: BTreeMap::new(),
            within,
            until: Instant::now() + within,
            is_open,
            shared,
        }
    }
}

/// A move of a server's clients to another process. Of two at a time, the second has none.
pub struct Export {
    shared: Arc<Shared>,
    to_ask: Vec<Arc<Connection>>,
    /// Woken to move, and not held yet.
    asked: Vec<Arc<Connection>>,
    /// The highest number that was asked.
    seen: u64,
    held: Vec<Arc<Connection>>,
    stayed: BTreeMap<Stays, u64>,
    within: Duration,
    /// When those that are asked and still in a handler stay, unless another comes.
    until: Instant,
    is_open: bool,
}

impl Export {
    /// The next clients, as soon as some are between two turns; `None` when no more will be. Hand
    /// them on before the next call: they are not served meanwhile.
    pub fn next_batch(&mut self) -> Option<Vec<Parcel>> {
        let parcels = self.gather();
        if parcels.is_none() {
            self.finish();
        }
        parcels
    }

    /// Asks for this client again later: it was not handed on, and goes on here meanwhile.
    pub fn again(&mut self, id: u64) {
        self.to_ask.extend(self.shared.ctx.registry.find(id));
    }

    fn gather(&mut self) -> Option<Vec<Parcel>> {
        loop {
            if !self.is_open || self.shared.ctx.drain.phase() != ServerPhase::Running {
                return None;
            }
            self.ask();
            if self.held.is_empty() && self.asked.is_empty() {
                return None;
            }
            let parcels = self.pack();
            let now = Instant::now();
            if !parcels.is_empty() {
                self.until = now + self.within;
                return Some(parcels);
            }
            if now >= self.until {
                let left = self.asked.len() + self.to_ask.len();
                *self.stayed.entry(Stays::Busy).or_default() += left as u64;
                return None;
            }
            self.hear(self.until.min(now + ANSWER_WITHIN));
        }
    }

    /// How many clients stay, and why; a client that another process does not take is not among
    /// them.
    pub fn stayed(&self) -> impl Iterator<Item = (Stays, u64)> {
        self.stayed.iter().map(|(why, count)| (*why, *count))
    }

    /// Wakes the next clients. Those that are asked and still in a handler hold up no others.
    fn ask(&mut self) {
        if self.held.len() >= BATCH_MAX {
            return;
        }
        if self.to_ask.is_empty() {
            let mut all = self.shared.ctx.registry.all();
            all.retain(|one| one.id > self.seen);
            all.sort_unstable_by_key(|one| std::cmp::Reverse(one.id));
            self.seen = all.first().map_or(self.seen, |last| last.id);
            self.to_ask = all;
        }
        let from = self
            .to_ask
            .len()
            .saturating_sub(BATCH_MAX - self.held.len());
        let slow = self.asked.len();
        let until = Instant::now() + ANSWER_WITHIN;
        for connection in self.to_ask.drain(from..) {
            connection.wake(Reasons::MOVE.and(Reasons::NOTICE));
            self.asked.push(connection);
        }
        while self.asked.len() > slow && Instant::now() < until {
            self.hear(until);
        }
    }

    /// Takes the answers that have come, or waits for one.
    fn hear(&mut self, until: Instant) {
        for answer in self.shared.ctx.held.take(until) {
            let (Answer::Held(connection) | Answer::Stays(connection, _)) = &answer;
            self.asked.retain(|one| one.id != connection.id);
            match answer {
                Answer::Held(connection) => self.held.push(connection),
                Answer::Stays(_, why) => *self.stayed.entry(why).or_default() += 1,
            }
        }
        self.asked.retain(|one| one.state.phase() != Phase::Gone);
    }

    fn pack(&mut self) -> Vec<Parcel> {
        let (mut parcels, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES && parcels.len() < BATCH_MAX {
            let Some(connection) = self.held.pop() else {
                break;
            };
            match Parcel::pack(&self.shared, connection) {
                Ok(parcel) => {
                    bytes += parcel.state.len();
                    parcels.push(parcel);
                }
                Err(why) => *self.stayed.entry(why).or_default() += 1,
            }
        }
        parcels
    }

    /// No more clients are held; those that still are go on.
    fn finish(&mut self) {
        if !self.is_open {
            return;
        }
        let late = self.shared.ctx.held.close().into_iter();
        let late = late.filter_map(|answer| match answer {
            Answer::Held(connection) => Some(connection),
            Answer::Stays(..) => None,
        });
        for connection in late.chain(self.held.drain(..)) {
            go_on(&self.shared, connection);
        }
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.finish();
        if self.is_open {
            self.shared.ctx.held.open_gate();
            self.shared.ctx.accept_waker.wake();
        }
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Export");
        out.field("stayed", &self.stayed).finish_non_exhaustive()
    }
}

/// A held connection is served here again.
fn go_on(shared: &Arc<Shared>, connection: Arc<Connection>) {
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
    state: Vec<u8>,
    /// What was pushed after the state was written down, once it is sealed.
    late: Option<Outbox>,
}

impl Parcel {
    /// Writes a held connection down; one that stays goes on.
    fn pack(shared: &Arc<Shared>, connection: Arc<Connection>) -> Result<Parcel, Stays> {
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

    /// Its state, for [`Handle::adopt`] in the other process.
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
        if let Some(check) = owned.check.take() {
            ctx.deadlines.remove(check, connection.id);
        }
        if let Some(handler) = owned.handler.take() {
            crate::service::moved(handler);
        }
        ctx.leave(connection);
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
        self.connection.put_back(owned, output);
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
    let handler = contents.owned.handler.as_mut().ok_or(Stays::Ending)?;
    if !crate::service::write_down(handler, &mut carried.session) {
        return Err(Stays::Session);
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
