//! The end of a connection. Once the end is sent, reads what the client still sends, until it has
//! received all and closes; then delivers what was read, tells the service, frees the slot.
//!
//! Closing a socket with unread bytes resets the connection, and so do bytes that come after a
//! close. A reset discards what has not been sent yet, and on some systems what the client has not
//! read. So the connection stays, at rest, as long as the client takes some of its answer, and for
//! a while after it has everything; how much it sends meanwhile makes no difference.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::debug;

use super::{After, Delivery, ReadOutcome, Turn, guarded};
use crate::connection::handler::{End, StreamEnd};
use crate::connection::{CloseRequest, Linger, Stage, Taken};
use crate::limits::counters::{Case, Trouble};
use crate::limits::limit::Limit;
use crate::limits::options::{CLOSING_IN_DRAIN_MAX, CLOSING_MAX, READ_MAX};
use crate::service::{Tail, Work};

/// Checks of the send queue within the time that it may stay unchanged. The poller reports an empty
/// queue, but not a shorter one.
const LOOKS: u32 = 8;
/// Maximum pause of a service that wants to wait after the end was sent: long enough to spare the
/// processor, short enough for a drain.
const TAIL_PAUSE_MAX: Duration = Duration::from_millis(10);

impl Turn<'_> {
    /// Whether the client closed in good order and its host has acknowledged all that it was sent.
    pub(super) fn is_over_already(&self, end: &End) -> bool {
        *end == End::Client && (self.owned.discards_output || self.connection.unsent() == 0)
    }

    /// Shuts the write side, so that the client sees the end.
    pub(super) fn linger(&mut self, end: End) -> After {
        // With TLS its session has ended, and its connection not yet: a reset is noticed by a read.
        let is_read_out = end == End::Client && self.owned.tls.is_none();
        // The service may have taken long since the turn began.
        self.now = Instant::now();
        if self.is_too_late() {
            return After::Gone(End::CutOff);
        }
        if !self.connection.shut_writing() {
            return After::Gone(end);
        }
        self.owned.readable = !is_read_out;
        self.owned.paused = None;
        self.owned.stage = Stage::Lingering(Box::new(Linger {
            end,
            unsent: usize::MAX,
            since: self.now,
            is_read_out,
            is_listed: false,
            must_close: false,
        }));
        self.read_to_the_end()
    }

    pub(super) fn read_to_the_end(&mut self) -> After {
        let Stage::Lingering(linger) = &self.owned.stage else {
            return After::Rest;
        };
        let mut linger = linger.clone();
        let delivery = match self.is_delivering(&linger.end) {
            true => Delivery::All,
            false => Delivery::None,
        };
        let heard = match linger.is_read_out {
            true => ReadOutcome::Nothing,
            false => self.read_on(delivery),
        };
        // Where the socket may be shut, its end is not known to be the client's.
        linger.is_read_out |= heard == ReadOutcome::End && !self.is_cut;
        if heard == ReadOutcome::Nothing && self.is_silent() {
            self.deliver(&[], StreamEnd::Reached);
        }
        if let Stage::Closing(end) = &self.owned.stage {
            // The service, or the framing, takes no more of it.
            linger.end = end.clone();
        }
        self.look_at_queue(&mut linger);
        let after = match (heard, self.outcome(&linger)) {
            (ReadOutcome::Broken, _) => After::Gone(linger.end.clone()),
            (_, Some(end)) => After::Gone(end),
            (ReadOutcome::More, None) if self.throttled_until().is_none() => After::Again,
            (_, None) => After::Rest,
        };
        self.owned.stage = Stage::Lingering(linger);
        after
    }

    /// Reads once, and delivers or discards it.
    pub(super) fn read_on(&mut self, delivery: Delivery) -> ReadOutcome {
        if !self.owned.readable && !self.owned.ending {
            return ReadOutcome::Nothing;
        }
        // In a drain everything is read; its deadline is the bound.
        let most = match self.draining() {
            true => READ_MAX,
            false => self.allowance().1.min(READ_MAX),
        };
        if most == 0 || (self.throttled_until().is_some() && !self.draining()) {
            return ReadOutcome::More;
        }
        let mut input = std::mem::take(&mut self.scratch.input);
        let heard = match self
            .connection
            .take_bytes(&mut self.owned.tls, &mut input, most)
        {
            Ok(Taken::End(_)) => {
                self.empty();
                ReadOutcome::End
            }
            Ok(Taken::Bytes {
                length,
                drained,
                more,
            }) => {
                self.note_read(length, drained, more);
                self.charge(0, length);
                if delivery == Delivery::All && length > 0 {
                    self.deliver_all(&input[..length]);
                }
                ReadOutcome::More
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.empty();
                ReadOutcome::Nothing
            }
            Err(_) => ReadOutcome::Broken,
        };
        self.scratch.input = input;
        heard
    }

    /// Whether what the client sends until it notices the end is delivered.
    pub(super) fn is_delivering(&self, end: &End) -> bool {
        end.is_ours() && self.ctx.work.tail() == Tail::Deliver
    }

    /// Whether a drain waits for what the client still sends.
    fn is_awaited(&self, linger: &Linger) -> bool {
        linger.end == End::Drained && self.is_delivering(&linger.end)
    }

    /// Whether the client has its answer, and no drain waits for what it still sends.
    pub(super) fn is_complete(&self) -> bool {
        let Stage::Lingering(linger) = &self.owned.stage else {
            return false;
        };
        linger.has_answer() && !self.is_awaited(linger)
    }

    /// Whether it is listed as a connection that may be closed for another.
    pub(super) fn is_listed(&self) -> bool {
        matches!(&self.owned.stage, Stage::Lingering(linger) if linger.is_listed)
    }

    fn look_at_queue(&mut self, linger: &mut Linger) {
        if linger.has_all() {
            return;
        }
        let unsent = self.connection.unsent();
        if unsent < linger.unsent {
            linger.unsent = unsent;
            linger.since = self.now;
        }
        let may_go = linger.has_answer() && !linger.is_read_out && !self.is_awaited(linger);
        if may_go && !linger.is_listed {
            linger.is_listed = true;
            self.ctx.give_up_share(self.connection);
            linger.must_close |= !self.ctx.lingering.add(self.connection);
        }
    }

    /// The end, if it ends now.
    fn outcome(&self, linger: &Linger) -> Option<End> {
        let is_over = linger.has_all() && linger.is_read_out;
        if is_over || linger.must_close {
            return Some(linger.end.clone());
        }
        if self.is_too_late() {
            let is_complete = linger.has_answer() && !self.is_awaited(linger);
            return Some(if is_complete {
                linger.end.clone()
            } else {
                End::CutOff
            });
        }
        let due = linger.since + self.closing_max(linger)?;
        if due > self.now {
            return None;
        }
        if linger.has_all() {
            return Some(linger.end.clone());
        }
        let why = format!("it takes none of the last {} bytes", linger.unsent);
        self.acted(Limit::WriteStall, &why, &[]);
        self.connection.close_with_reset();
        Some(End::Limit(Limit::WriteStall))
    }

    /// Whether the drain's deadline has passed.
    fn is_too_late(&self) -> bool {
        let deadline = self.ctx.drain.deadline();
        deadline.is_some_and(|deadline| deadline <= self.now)
    }

    /// Maximum time without progress before it ends.
    fn closing_max(&self, linger: &Linger) -> Option<Duration> {
        if !linger.has_all() {
            return self.stall_max();
        }
        if self.is_awaited(linger) {
            return None;
        }
        let write_stall = self.ctx.limits.options.times.write_stall;
        let most = write_stall.unwrap_or(CLOSING_MAX);
        let is_hurried = self.draining();
        Some(if is_hurried {
            most.min(CLOSING_IN_DRAIN_MAX)
        } else {
            most
        })
    }

    /// Maximum time for which a closing connection waits until its client takes something.
    pub(super) fn stall_max(&self) -> Option<Duration> {
        let write_stall = self.ctx.limits.options.times.write_stall;
        // In a drain, the drain's deadline ends it.
        let otherwise = (!self.draining()).then_some(CLOSING_MAX);
        write_stall.or(otherwise)
    }

    /// When to check again if nothing happens.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let Stage::Lingering(linger) = &self.owned.stage else {
            return None;
        };
        let deadline = self.ctx.drain.deadline();
        let most = self.closing_max(linger);
        let over = most.map(|most| linger.since + most);
        let look = most.filter(|_| !linger.has_all());
        let look = look.map(|most| self.now + most / LOOKS);
        [deadline, over, look].into_iter().flatten().min()
    }

    /// Follows a close request for a connection whose end was sent.
    pub(super) fn follow_request_lingering(&mut self, request: &CloseRequest) {
        let Stage::Lingering(linger) = &mut self.owned.stage else {
            return;
        };
        if linger.is_listed {
            linger.must_close = true;
        } else if let CloseRequest::Shed(limit) = request {
            self.give_up_answering();
            self.owned.stage = Stage::Closing(End::Limit(*limit));
        }
    }
}

impl Turn<'_> {
    /// Delivers what came after the end was sent, all of it in this turn. A service that wants to
    /// wait keeps its worker meanwhile.
    pub(super) fn deliver_all(&mut self, piece: &[u8]) {
        self.allowed = u64::MAX;
        self.deliver(piece, StreamEnd::NotYet);
        while !self.owned.unread.is_empty() {
            let _ = self.sleeps();
            let unread = std::mem::take(&mut self.owned.unread);
            self.now = Instant::now();
            self.deliver(&unread, StreamEnd::NotYet);
        }
    }

    /// Whether the service wanted to wait.
    fn sleeps(&mut self) -> bool {
        let Some(until) = self.owned.paused.take() else {
            return false;
        };
        let pause = until.saturating_duration_since(Instant::now());
        std::thread::sleep(pause.min(TAIL_PAUSE_MAX));
        true
    }

    /// Delivers what was read and not yet delivered, when no more will be read.
    fn deliver_rest(&mut self) {
        self.owned.discards_output = true;
        let unread = std::mem::take(&mut self.owned.unread);
        if !unread.is_empty() {
            self.deliver_all(&unread);
        }
        if self.is_unfinished() {
            return;
        }
        self.allowed = u64::MAX;
        self.deliver(&[], StreamEnd::Reached);
        while self.owned.decoder.is_inside() && self.sleeps() {
            self.deliver(&[], StreamEnd::Reached);
        }
    }

    /// The service closed the session while it opened it: nothing of the client is delivered.
    pub(super) fn turn_out(&mut self, end: End) {
        self.last_words(&end);
        self.tell_closed(&end);
        self.stop_serving(end);
    }

    /// Ends the session. After a panic there is no handler any more.
    fn tell_closed(&mut self, end: &End) {
        if let Some(handler) = self.owned.lasting.handler.take()
            && guarded(|| handler.closed(end)).is_err()
        {
            let why = "while it was closed";
            let case = Case { why, ..self.case() };
            self.ctx.notices.trouble(Trouble::Panic, case);
            self.ctx.totals.panics.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells the service and removes the connection from the registry.
    pub(super) fn finalize(&mut self, end: End) {
        let connection = self.connection;
        // A worker that was stuck in it sees another error first.
        let is_cut = connection.is_cut() && !self.is_complete();
        let end = if is_cut { &End::CutOff } else { &end };
        if *end == End::CutOff {
            connection.close_with_reset();
        }
        if end.is_ours() && self.ctx.work.tail() == Tail::Deliver {
            self.deliver_rest();
        }
        connection.state.end();
        if let Work::Streams(_) = self.ctx.work {
            self.ctx.wait_queue.remove(connection.id);
        }
        if let Some(check) = self.owned.lasting.check.take() {
            self.ctx.deadlines.remove(check, connection.id);
        }
        self.tell_closed(end);
        debug!(
            id = connection.id,
            peer = %connection.identity.peer(),
            messages = connection.tally.messages_in.load(Ordering::Relaxed),
            end = ?end,
            "{}closed",
            self.ctx.notices.prefix()
        );
        if self.is_listed() {
            self.ctx.lingering.remove(connection);
        }
        let is_cut = matches!(end, End::CutOff | End::Limit(Limit::WriteStall));
        self.ctx
            .leave(connection, self.draining().then_some(is_cut));
    }
}
