//! Clients that move to another process: held at the end of a turn, written down, handed on.
//!
//! A [`Parcel`] has its client as a worker would: nothing else serves it. Dropped, the client goes
//! on here; [`sent`](Parcel::sent), it is the other process's. So a client is always served by one
//! process, or by none for a moment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Handle;
use super::parcel::{Parcel, go_on};
use super::shared::Shared;
use crate::connection::Connection;
use crate::connection::held::{Answer, Stays};
use crate::drain::ServerPhase;
use crate::scheduler::state::{Phase, Reasons};

/// Clients that are held at once: those of one batch.
const BATCH_MAX: usize = 64;
/// Bytes of states in one batch, unless one alone has more.
const BATCH_BYTES: usize = 256 * 1024;
/// Maximum bytes of what clients have in common.
const SHARED_MAX: usize = 32 * 1024 * 1024;
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
    /// Clients whose handler has not returned when no other has come `within` this time stay. A
    /// service whose clients move together needs [`Export::hold_all`] first. Of a
    /// [`StreamService`](crate::StreamService), clients that wait for a worker move; see
    /// [`hand_over_within`](Handle::hand_over_within) for those that it serves.
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
            let wake = || ctx.accept_waker.notify();
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
            together: None,
            has_moved: false,
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
    /// All clients are held.
    together: Option<Together>,
    /// The other process has what they have in common.
    has_moved: bool,
}

/// Until it is dropped, nothing that clients have in common changes.
struct Together {
    shared: Arc<Shared>,
    has_moved: bool,
}

impl Drop for Together {
    fn drop(&mut self) {
        self.shared.ctx.work.move_over(self.has_moved);
    }
}

impl Export {
    /// The next clients, as soon as some are between two turns; `None` when no more will be. Hand
    /// them on before the next call: they are not served meanwhile.
    pub fn next_batch(&mut self) -> Option<Vec<Parcel>> {
        let parcels = self.gather();
        if parcels.is_none() && self.together.is_none() {
            self.finish();
        }
        parcels
    }

    /// Holds all clients, of a service whose clients [move
    /// together](crate::Service::moves_together); answers what they have in common, for
    /// [`Handle::adopt_shared`]. Then take all batches, hand on all of the parcels, and only then
    /// serve the first; or [`release_all`](Export::release_all). Clients whose handler has not
    /// returned when no other has come within the export's time stay.
    ///
    /// `None`: the service is another, writes nothing down now, or drains.
    pub fn hold_all(&mut self) -> Option<Vec<u8>> {
        let work = &self.shared.ctx.work;
        if !self.is_open || self.together.is_some() || !work.moves_together() {
            return None;
        }
        (self.seen, self.stayed) = (0, BTreeMap::new());
        self.ask_all();
        let written = self.shared.ctx.work.write_shared();
        self.together = Some(Together {
            shared: Arc::clone(&self.shared),
            has_moved: false,
        });
        if written.as_ref().is_some_and(|all| all.len() > SHARED_MAX) {
            let count = self.release_all();
            *self.stayed.entry(Stays::Large).or_default() += count;
            return None;
        }
        let is_running = self.shared.ctx.drain.phase() == ServerPhase::Running;
        if written.is_none() || !is_running {
            let count = self.release_all();
            *self.stayed.entry(Stays::Session).or_default() += count;
            return None;
        }
        written
    }

    /// The clients of [`hold_all`](Export::hold_all) that are in no batch yet go on here, as those
    /// of dropped parcels do; answers how many. They may be held again.
    pub fn release_all(&mut self) -> u64 {
        let held = self.held.drain(..);
        let count = held.len() as u64;
        held.for_each(|connection| go_on(&self.shared, connection));
        self.together = None;
        count
    }

    /// The other process has what the clients of [`hold_all`](Export::hold_all) have in common.
    pub fn all_moved(&mut self) {
        let together = self.together.take();
        if let Some(mut together) = together {
            together.has_moved = true;
            self.has_moved = true;
        }
        self.finish();
    }

    fn ask_all(&mut self) {
        loop {
            self.find_more();
            if self.to_ask.is_empty() {
                break;
            }
            while !self.to_ask.is_empty() {
                self.wake_next(BATCH_MAX);
            }
            let (mut until, mut left) = (Instant::now() + self.within, self.asked.len());
            while left > 0 && Instant::now() < until {
                self.hear(until);
                if self.asked.len() < left {
                    left = self.asked.len();
                    until = Instant::now() + self.within;
                }
            }
        }
        let busy = self.asked.drain(..).len() as u64;
        if busy > 0 {
            *self.stayed.entry(Stays::Busy).or_default() += busy;
        }
    }

    /// Finds clients that were not asked yet.
    fn find_more(&mut self) {
        let mut all = self.shared.ctx.registry.all();
        all.retain(|one| one.id > self.seen);
        all.sort_unstable_by_key(|one| std::cmp::Reverse(one.id));
        self.seen = all.first().map_or(self.seen, |last| last.id);
        self.to_ask = all;
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
                if self.to_ask.is_empty() {
                    return None;
                }
                // All that were to be asked stay.
                continue;
            }
            let now = Instant::now();
            let parcels = match self.has_a_gap() && now < self.until {
                true => Vec::new(),
                false => self.pack(),
            };
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
        if self.held.len() >= BATCH_MAX || self.together.is_some() {
            return;
        }
        if self.to_ask.is_empty() {
            self.find_more();
        }
        self.wake_next(BATCH_MAX - self.held.len());
    }

    /// Wakes the next clients, and waits a moment for their answers.
    fn wake_next(&mut self, count: usize) {
        let from = self.to_ask.len().saturating_sub(count);
        let slow = self.asked.len();
        let until = Instant::now() + ANSWER_WITHIN;
        for connection in self.to_ask.drain(from..) {
            if connection.lent.load(Ordering::SeqCst) {
                *self.stayed.entry(Stays::Stream).or_default() += 1;
                continue;
            }
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
            let before = self.asked.len();
            self.asked.retain(|one| one.id != connection.id);
            match answer {
                Answer::Held(connection) => self.held.push(connection),
                Answer::Stays(_, why) if self.asked.len() < before => self.count(why),
                Answer::Stays(..) => {}
            }
        }
        self.asked.retain(|one| one.state.phase() != Phase::Gone);
        // They waited for a worker, and have got one.
        let lent = |one: &mut Arc<Connection>| one.lent.load(Ordering::SeqCst);
        let lent = self.asked.extract_if(.., lent).count();
        (0..lent).for_each(|_| self.count(Stays::Stream));
    }

    fn count(&mut self, why: Stays) {
        *self.stayed.entry(why).or_default() += 1;
    }

    /// Whether a client that waits for a worker may have to go before those that are held: the
    /// other process serves them in the order in which they come.
    fn has_a_gap(&self) -> bool {
        self.shared.ctx.work.keeps_workers() && !self.asked.is_empty()
    }

    fn pack(&mut self) -> Vec<Parcel> {
        let (mut parcels, mut bytes) = (Vec::new(), 0);
        self.held
            .sort_unstable_by_key(|one| std::cmp::Reverse(one.id));
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
        self.together = None;
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
        if self.has_moved && self.shared.ctx.drain.phase() == ServerPhase::Running {
            // The other process is gone: new clients have it in common here.
            self.shared.ctx.work.move_over(false);
        }
        if self.is_open {
            self.shared.ctx.held.open_gate();
            self.shared.ctx.accept_waker.notify();
        }
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Export");
        out.field("stayed", &self.stayed).finish_non_exhaustive()
    }
}
