//! A worker's turn with one connection.
//!
//! Flush what it is owed; read once; cut messages; give them to the service; collect the
//! replies; one write. What does not fit in a turn (more bytes, more messages, a reply the socket
//! would not take) waits for the next one, so a busy client stands in line like everybody else.
//!
//! A client that owes reading is not read from: as long as anything is left in its outbox, no
//! message of it is taken in.

use std::cell::RefCell;
use std::io;
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use tracing::{debug, error};

use crate::acceptor::Doorbell;
use crate::connection::{Client, Connection, Hold, Order, Stage, add};
use crate::deadlines::Deadlines;
use crate::drain::{Drain, ServerPhase};
use crate::framing::Fault;
use crate::handler::{End, MessageTally, Messages, Reply, StreamEnd, Verdict};
use crate::limits::{LINGER_BYTES_MAX, LINGER_MAX, Limits, READ_MAX};
use crate::outbox::{Flush, Outbox};
use crate::registry::Registry;
use crate::service::{Opener, StreamService, Tail, Work};
use crate::state::{Next, Reasons};
use crate::stream::Stream;

/// What every turn needs of the server.
pub(crate) struct House {
    pub(crate) limits: Limits,
    pub(crate) work: Work,
    pub(crate) registry: Registry,
    pub(crate) drain: Drain,
    pub(crate) deadlines: Deadlines,
    pub(crate) totals: Totals,
    /// Rung when a full house has room again.
    pub(crate) doorbell: Doorbell,
}

/// What the server has done in its life.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) messages: AtomicU64,
    pub(crate) undelivered: AtomicU64,
    pub(crate) partial: AtomicU64,
    pub(crate) truncated: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) panics: AtomicU64,
}

/// A worker's own buffers, used again for every turn.
pub(crate) struct Scratch {
    input: Box<[u8]>,
    wire: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; READ_MAX].into_boxed_slice(),
        wire: Vec::new(),
    });
}

impl Scratch {
    /// Lends this thread's buffers, which it keeps from one time on duty to the next.
    pub(crate) fn lend<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
        SCRATCH.with_borrow_mut(work)
    }
}

/// Serves `connection` once; answers whether it must be queued again.
pub(crate) fn take_turn(
    house: &House,
    connection: &Arc<Connection>,
    scratch: &mut Scratch,
    now: Instant,
) -> Next {
    let reasons = connection.state.start();
    let (mut hold, owed, order) = connection.take();
    hold.readable |= reasons.include(Reasons::READABLE);
    hold.ending |= reasons.include(Reasons::ENDING);
    let mut turn = Turn {
        house,
        connection,
        hold: &mut hold,
        owed,
        scratch,
        now,
    };
    match turn.run(order) {
        After::Gone(end) => {
            turn.bury(end);
            Next::Leave
        }
        after => {
            let owed = std::mem::take(&mut turn.owed);
            hold.decoder.rest();
            connection.put_back(hold, owed);
            if after == After::Again {
                connection.state.again()
            } else {
                connection.state.finish()
            }
        }
    }
}

/// What becomes of a connection after its turn.
#[derive(Debug, PartialEq, Eq)]
enum After {
    Rest,
    Again,
    Gone(End),
}

struct Turn<'a> {
    house: &'a House,
    connection: &'a Arc<Connection>,
    hold: &'a mut Hold,
    /// Taken out of the outbox, or written only in part: goes back at the turn's end.
    owed: Outbox,
    scratch: &'a mut Scratch,
    now: Instant,
}

impl Turn<'_> {
    fn run(&mut self, order: Option<Order>) -> After {
        match order {
            Some(Order::Cut) => return After::Gone(End::CutOff),
            Some(Order::Close(reason)) if self.is_serving() => {
                self.hold.stage = Stage::Closing(End::Closed(reason));
            }
            _ => {}
        }
        if matches!(self.hold.stage, Stage::New) {
            self.open();
        }
        self.notice_drain();
        self.flush();
        if self.owed.is_empty() && self.is_serving() {
            self.serve();
        }
        self.settle()
    }

    fn is_serving(&self) -> bool {
        matches!(
            self.hold.stage,
            Stage::New | Stage::Open | Stage::Last { .. }
        )
    }

    fn open(&mut self) {
        self.hold.stage = Stage::Open;
        match &self.house.work {
            Work::Messages(opener) => self.open_session(&**opener),
            Work::Streams(service) => self.lend(&**service),
        }
    }

    fn open_session(&mut self, opener: &dyn Opener) {
        let client = Client::new(self.connection);
        let options = &self.house.limits.options;
        self.scratch.wire.clear();
        let mut reply = Reply::new(&mut self.scratch.wire, options.framing, options.outbox_max);
        match guarded(|| opener.open(&client, &mut reply)) {
            Ok(handler) => {
                add(&self.connection.tally.messages_out, reply.messages());
                self.hold.handler = Some(handler);
                self.send_replies();
            }
            Err(()) => self.panicked(),
        }
    }

    /// Gives the stream and this worker to the service until it returns.
    fn lend(&mut self, service: &dyn StreamService) {
        let connection = self.connection;
        connection.lent.store(true, Ordering::SeqCst);
        if self.house.drain.phase() != ServerPhase::Running {
            // The drain's round may have passed before the stream was lent.
            connection.shut(Shutdown::Read);
        }
        let served = connection.socket.set_nonblocking(false).and_then(|()| {
            guarded(|| service.serve(Stream::new(Arc::clone(connection))))
                .unwrap_or_else(|()| Err(io::Error::other("the handler panicked")))
        });
        connection.lent.store(false, Ordering::SeqCst);
        let end = match served.and_then(|()| connection.socket.set_nonblocking(true)) {
            Ok(()) => End::Service,
            Err(error) => End::Lost(error.to_string()),
        };
        // Bytes that came unread while the worker blocked made no event that is still to come.
        self.hold.readable = true;
        self.hold.stage = Stage::Closing(end);
    }

    /// In a drain, what has arrived by now is the last that is served.
    fn notice_drain(&mut self) {
        if matches!(self.hold.stage, Stage::Open)
            && self.house.drain.phase() != ServerPhase::Running
        {
            let arrived = rustix::io::ioctl_fionread(&self.connection.socket).unwrap_or(0);
            let arrived = usize::try_from(arrived).unwrap_or(usize::MAX);
            self.hold.readable |= arrived > 0;
            self.hold.stage = Stage::Last { arrived };
        }
    }

    /// Writes what waits in the outbox, as far as the socket takes it.
    fn flush(&mut self) {
        if self.hold.deaf {
            self.owed = Outbox::default();
        }
        if self.owed.is_empty() {
            return;
        }
        let connection = self.connection;
        if let (_, Flush::Broken(error)) = self.owed.flush(|slices| connection.write_slices(slices))
        {
            self.went_deaf(&error);
        }
    }

    /// The peer reads no more. What it sent before that is read all the same.
    fn went_deaf(&mut self, error: &io::Error) {
        debug!(id = self.connection.id, peer = %self.connection.peer, %error, "reads no more");
        self.hold.deaf = true;
        self.hold.readable = true;
        self.owed = Outbox::default();
    }

    /// Reads once, or takes up what an earlier turn left, and gives it to the service.
    fn serve(&mut self) {
        if !self.hold.unread.is_empty() {
            let unread = std::mem::take(&mut self.hold.unread);
            self.deliver(&unread, StreamEnd::NotYet);
            return;
        }
        if !self.hold.readable && !self.hold.ending {
            return;
        }
        let mut input = std::mem::take(&mut self.scratch.input);
        let most = match self.hold.stage {
            Stage::Last { arrived } => arrived.clamp(1, READ_MAX),
            _ => READ_MAX,
        };
        match self.connection.read(&mut input[..most]) {
            Ok(0) => {
                self.deliver(&[], StreamEnd::Reached);
                if self.is_serving() {
                    self.hold.stage = Stage::Closing(End::Client);
                }
                self.hold.ending = true;
                self.hold.readable = false;
            }
            Ok(length) => {
                self.heard(length, most);
                self.deliver(&input[..length], StreamEnd::NotYet);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.empty(),
            Err(error) => self.lost(&error),
        }
        self.scratch.input = input;
    }

    /// The socket has nothing: whatever comes makes a new event.
    fn empty(&mut self) {
        self.hold.readable = false;
        self.hold.ending = false;
    }

    fn heard(&mut self, length: usize, most: usize) {
        let since = self.now.saturating_duration_since(self.connection.since);
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.connection
            .tally
            .heard_ms
            .store(since, Ordering::Relaxed);
        // A short read shows that the socket is empty: epoll(7), question 9.
        self.hold.readable = length == most;
        if let Stage::Last { arrived } = &mut self.hold.stage {
            *arrived = arrived.saturating_sub(length);
        }
    }

    /// The connection broke. What was begun is a message for those who store.
    fn lost(&mut self, error: &io::Error) {
        if self.house.work.tail() == Tail::Deliver {
            self.deliver(&[], StreamEnd::Reached);
        }
        self.hold.deaf = true;
        self.hold.ending = true;
        self.hold.readable = false;
        self.hold.stage = Stage::Closing(End::Lost(error.to_string()));
    }

    /// Cuts messages, gives them to the service, sends its replies.
    fn deliver(&mut self, piece: &[u8], stream: StreamEnd) {
        let Some(handler) = self.hold.handler.as_mut() else {
            return;
        };
        let options = &self.house.limits.options;
        self.scratch.wire.clear();
        let mut reply = Reply::new(&mut self.scratch.wire, options.framing, options.outbox_max);
        let mut messages = Messages::new(&mut self.hold.decoder, piece, stream, self.now);
        let verdict = guarded(|| handler.batch(&mut messages, &mut reply));
        let replies = reply.messages();
        let (tally, rest) = messages.into_rest();
        self.hold.unread.extend_from_slice(rest);
        self.count(tally, replies);
        self.send_replies();
        match verdict {
            Ok(Verdict::Go) => {}
            Ok(Verdict::Close) => self.stop_serving(End::Service),
            Err(()) => self.panicked(),
        }
        if let Some(fault) = self.hold.decoder.fault() {
            self.stop_serving(End::Framing(describe(fault, options.message_max)));
        }
    }

    fn count(&mut self, tally: MessageTally, replies: u64) {
        let totals = &self.house.totals;
        let (truncated, dropped) = self.hold.decoder.take_overlong();
        add(&self.connection.tally.messages_in, tally.messages);
        add(&self.connection.tally.messages_out, replies);
        for (total, more) in [
            (&totals.messages, tally.messages),
            (&totals.partial, tally.partial),
            (&totals.truncated, truncated),
            (&totals.dropped, dropped),
        ] {
            if more > 0 {
                total.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    /// One write for all replies of the turn, after what others have sent meanwhile.
    fn send_replies(&mut self) {
        if self.scratch.wire.is_empty() || self.hold.deaf {
            return;
        }
        if self.owed.is_empty() {
            self.owed = self.connection.take_more();
        }
        let mut written = 0;
        if self.owed.is_empty() {
            match self.connection.write(&self.scratch.wire) {
                Ok(length) => written = length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.went_deaf(&error),
            }
            if written == self.scratch.wire.len() {
                return;
            }
        }
        let rest = Bytes::copy_from_slice(&self.scratch.wire[written..]);
        // The bound was kept when the replies were collected.
        let _ = self.owed.push(rest, usize::MAX);
        self.flush();
    }

    fn stop_serving(&mut self, end: End) {
        self.hold.unread = Vec::new();
        self.hold.stage = Stage::Closing(end);
    }

    fn panicked(&mut self) {
        let Connection { id, peer, .. } = **self.connection;
        error!(id, %peer, "the handler panicked; this client is closed");
        self.house.totals.panics.fetch_add(1, Ordering::Relaxed);
        self.house
            .totals
            .undelivered
            .fetch_add(1, Ordering::Relaxed);
        // Its session may be broken: it is not called again.
        self.hold.handler = None;
        self.stop_serving(End::Panic);
    }

    /// Moves the connection on towards its end, as far as it can go now.
    fn settle(&mut self) -> After {
        loop {
            match &mut self.hold.stage {
                Stage::New | Stage::Open => {
                    let more =
                        self.hold.readable || self.hold.ending || !self.hold.unread.is_empty();
                    let can = self.owed.is_empty() && more;
                    return if can { After::Again } else { After::Rest };
                }
                Stage::Last { arrived } => {
                    if !self.owed.is_empty() {
                        return After::Rest;
                    }
                    let more = (self.hold.readable && *arrived > 0) || self.hold.ending;
                    if more || !self.hold.unread.is_empty() {
                        return After::Again;
                    }
                    self.hold.stage = Stage::Closing(End::Drained);
                }
                Stage::Closing(end) => {
                    if !self.owed.is_empty() {
                        return After::Rest;
                    }
                    let end = end.clone();
                    let over = matches!(end, End::Client | End::Lost(_));
                    if over && (self.hold.ending || self.hold.deaf) {
                        return After::Gone(end);
                    }
                    self.linger(end);
                }
                Stage::Lingering { .. } => return self.read_to_the_end(),
            }
        }
    }

    /// Shuts the write side, so that the client sees the end, and reads on until it closes: a
    /// close with unread bytes would reset the connection, and the client might lose the replies.
    fn linger(&mut self, end: End) {
        self.connection.shut(Shutdown::Write);
        let (until, bytes_left) = match self.house.drain.deadline() {
            Some(deadline) => (deadline, usize::MAX),
            None => (self.now + LINGER_MAX, LINGER_BYTES_MAX),
        };
        self.hold.readable = true;
        self.hold.stage = Stage::Lingering {
            until,
            bytes_left,
            end,
        };
        self.house.deadlines.push(until, self.connection);
    }

    fn read_to_the_end(&mut self) -> After {
        let Stage::Lingering {
            until,
            bytes_left,
            end,
        } = self.hold.stage.clone()
        else {
            return After::Rest;
        };
        if self.now >= until || bytes_left == 0 {
            return After::Gone(if self.draining() { End::CutOff } else { end });
        }
        if !self.hold.readable && !self.hold.ending {
            return After::Rest;
        }
        let delivers = end == End::Drained && self.house.work.tail() == Tail::Deliver;
        let mut input = std::mem::take(&mut self.scratch.input);
        let read = self.connection.read(&mut input);
        let after = match read {
            Ok(0) => {
                if delivers {
                    self.deliver(&[], StreamEnd::Reached);
                }
                After::Gone(end.clone())
            }
            Ok(length) => {
                self.heard(length, READ_MAX);
                if delivers {
                    self.deliver_all(&input[..length]);
                }
                let bytes_left = bytes_left.saturating_sub(length);
                self.hold.stage = Stage::Lingering {
                    until,
                    bytes_left,
                    end,
                };
                After::Again
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.empty();
                After::Rest
            }
            Err(_) => After::Gone(end),
        };
        self.scratch.input = input;
        after
    }

    /// Delivers what came after the end was sent: nothing of it may wait for another turn.
    fn deliver_all(&mut self, piece: &[u8]) {
        self.deliver(piece, StreamEnd::NotYet);
        while !self.hold.unread.is_empty() {
            let unread = std::mem::take(&mut self.hold.unread);
            self.now = Instant::now();
            self.deliver(&unread, StreamEnd::NotYet);
        }
    }

    fn draining(&self) -> bool {
        self.house.drain.phase() != ServerPhase::Running
    }

    /// It is over: out of the registry, and the service is told.
    fn bury(&mut self, end: End) {
        let connection = self.connection;
        connection.state.end();
        // A worker that was stuck in it sees other errors first.
        let end = if connection.is_cut() {
            &End::CutOff
        } else {
            &end
        };
        if let Some(handler) = self.hold.handler.take()
            && guarded(|| handler.closed(end)).is_err()
        {
            error!(id = connection.id, peer = %connection.peer, "closing: the handler panicked");
            self.house.totals.panics.fetch_add(1, Ordering::Relaxed);
        }
        if *end == End::CutOff {
            connection.close_with_reset();
        }
        debug!(
            id = connection.id,
            peer = %connection.peer,
            messages = connection.tally.messages_in.load(Ordering::Relaxed),
            end = ?end,
            "closed"
        );
        let left = self.house.registry.remove(connection.id);
        if left + 1 == self.house.limits.options.clients_max {
            self.house.doorbell.ring();
        }
        self.house.drain.one_gone(*end == End::CutOff, left);
    }
}

/// Runs the service's code so that a panic in it ends no worker.
fn guarded<R>(run: impl FnOnce() -> R) -> Result<R, ()> {
    catch_unwind(AssertUnwindSafe(run)).map_err(drop)
}

fn describe(fault: Fault, max: usize) -> String {
    match fault {
        Fault::Overlong => format!("a message of more than {max} bytes"),
        Fault::BadCount => fault.to_string(),
    }
}
