//! One turn: a worker serves one connection, once.
//!
//! A turn flushes the outbox, reads once, cuts messages, gives them to the service, collects the
//! replies and writes once. What does not fit (more bytes, more messages, a reply that the socket
//! does not take) waits for the next turn, so a busy client queues like every other. While a
//! client has unsent output, the turn does not read from it.
//!
//! May import: `connection`, `drain`, `framing`, `limits`, `net`, `scheduler`, `service`, `tls`.
//! Must not: the server.

mod buffers;
mod close;
pub(crate) mod context;
mod exchange;
mod handshake;
mod header;
mod hints;
mod stream;
mod timing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;

pub(crate) use buffers::Scratch;

use crate::connection::handler::{End, StreamEnd};
use crate::connection::held::Stays;
use crate::connection::outbox::Outbox;
use crate::connection::{CloseRequest, Connection, Owned, Stage};
use crate::drain::ServerPhase;
use crate::limits::counters::{Case, Trouble};
use crate::limits::limit::Limit;
use crate::scheduler::state::{Next, Reasons};
use crate::service::{Quote, Work};
use crate::tls::REFUSAL;
use crate::turn::context::ServerContext;

/// Serves `connection` once; answers whether it must be queued again.
pub(crate) fn serve_once(
    ctx: &ServerContext,
    connection: &Arc<Connection>,
    scratch: &mut Scratch,
    now: Instant,
) -> Next {
    let reasons = connection.state.start();
    // A deadline may be the reason. Then read the clock after it: an older time would be before the
    // deadline, and nothing would wake the connection again.
    let now = if reasons.include(Reasons::NOTICE) {
        Instant::now()
    } else {
        now
    };
    let (mut owned, output, request) = connection.take(&mut scratch.spare);
    owned.readable |= reasons.include(Reasons::READABLE);
    owned.ending |= reasons.include(Reasons::ENDING);
    owned.urgent |= reasons.include(Reasons::URGENT);
    let mut turn = Turn {
        ctx,
        connection,
        owned: &mut owned,
        output,
        scratch: &mut *scratch,
        now,
        allowed: u64::MAX,
        is_cut: matches!(request, Some(CloseRequest::Cut)),
    };
    let next = match turn.run(request) {
        After::Gone(end) => {
            turn.finalize(end);
            Next::Leave
        }
        after => {
            turn.keep_time();
            turn.schedule();
            let output = std::mem::take(&mut turn.output);
            owned.decoder.rest();
            let moves = reasons.include(Reasons::MOVE).then(|| moves(&owned));
            connection.put_back(owned, output, &mut scratch.spare);
            if moves.is_some_and(|moves| ctx.hold(connection, moves)) {
                Next::Leave
            } else if after == After::Again {
                connection.state.again()
            } else {
                connection.state.finish()
            }
        }
    };
    scratch.rest(ctx.limits.replies_max());
    next
}

/// Whether a connection can move to another process.
fn moves(owned: &Owned) -> Result<(), Stays> {
    match &owned.stage {
        _ if owned.tls.is_some() => Err(Stays::Tls),
        Stage::Open | Stage::Waiting => Ok(()),
        Stage::Last { .. } | Stage::Closing(_) | Stage::Lingering(_) => Err(Stays::Ending),
        _ => Err(Stays::Waiting),
    }
}

/// What happens to the bytes that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    All,
    None,
}

/// The result of one read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadOutcome {
    /// There may be more.
    More,
    Nothing,
    End,
    Broken,
}

/// What becomes of a connection after its turn.
#[derive(Debug, PartialEq, Eq)]
enum After {
    Rest,
    Again,
    Gone(End),
}

struct Turn<'a> {
    ctx: &'a ServerContext,
    connection: &'a Arc<Connection>,
    owned: &'a mut Owned,
    /// Taken out of the outbox, or written only in part: returned at the end of the turn.
    output: Outbox,
    scratch: &'a mut Scratch,
    now: Instant,
    /// Messages that may be delivered by the client's rate.
    allowed: u64,
    /// The drain's deadline has passed, and the socket may be shut for it.
    is_cut: bool,
}

impl Turn<'_> {
    fn run(&mut self, request: Option<CloseRequest>) -> After {
        let is_shaking = |stage: &Stage| matches!(stage, Stage::Handshake { .. });
        let was_shaking = is_shaking(&self.owned.stage);
        let after = self.advance(request);
        if was_shaking && (matches!(after, After::Gone(_)) || !is_shaking(&self.owned.stage)) {
            self.ctx.handshakes.forget(self.connection);
        }
        after
    }

    fn advance(&mut self, request: Option<CloseRequest>) -> After {
        let is_lingering = matches!(self.owned.stage, Stage::Lingering(_));
        if self.is_cut && !is_lingering {
            return After::Gone(End::CutOff);
        }
        if self.is_unknown()
            && let Some(end) = self.read_header()
        {
            return After::Gone(end);
        }
        if let Stage::Handshake { until } = self.owned.stage
            && let Some(end) = self.shake_hands(until)
        {
            return After::Gone(end);
        }
        // What the client sent before its first turn is served, even if a close was requested
        // meanwhile.
        if let (Stage::New, Work::Messages(opener)) = (&self.owned.stage, &self.ctx.work) {
            self.owned.stage = Stage::Open;
            self.open_session(&**opener);
        }
        self.follow_request(request);
        match (&self.owned.stage, &self.ctx.work) {
            (Stage::New | Stage::Waiting, Work::Streams(service)) => self.come_in(&**service),
            (Stage::Refused(limit), _) => self.refuse(*limit),
            _ => {}
        }
        self.notice_drain();
        let had_output = !self.output.is_empty();
        self.flush();
        if !self.has_unsent() && self.is_serving() {
            if had_output {
                // The service may take long, and others send to the client meanwhile.
                self.connection.wrote_all();
            }
            self.read_if_due();
            self.serve();
        }
        // Last, because what the client has done meanwhile may have waited for this turn.
        self.notice_time();
        self.notice_hint();
        self.advance_close()
    }

    fn is_serving(&self) -> bool {
        matches!(
            self.owned.stage,
            Stage::New | Stage::Open | Stage::Last { .. }
        )
    }

    /// Tells a client why it is refused.
    fn refuse(&mut self, limit: Limit) {
        self.tell(limit);
        self.owned.stage = Stage::Closing(End::Refused(limit));
    }

    fn tell(&mut self, limit: Limit) {
        let line = match self.ctx.limits.options.tls {
            // It takes nothing but TLS.
            Some(_) if self.expects_tls() => Some(Bytes::from_static(REFUSAL)),
            _ => self.ctx.work.refusal(limit),
        };
        if let Some(line) = line {
            // The first chunk always fits.
            let _ = self.output.push(line, usize::MAX);
        }
    }

    fn notice_drain(&mut self) {
        if !self.draining() {
            return;
        }
        self.await_less();
        if matches!(self.owned.stage, Stage::Open) {
            self.begin_to_end(End::Drained);
        }
    }

    /// Serves what has arrived by now, and then ends.
    fn begin_to_end(&mut self, end: End) {
        if self.is_unknown() {
            // Nothing of a client has come.
            self.owned.stage = Stage::Closing(end);
            return;
        }
        if matches!(self.owned.stage, Stage::New | Stage::Waiting) {
            self.ctx.wait_queue.remove(self.connection.id);
        }
        let arrived = self.connection.arrived(self.owned.urgent);
        self.owned.readable |= arrived > 0;
        self.owned.stage = Stage::Last { arrived, end };
    }

    fn stop_serving(&mut self, end: End) {
        self.owned.unread = Vec::new();
        self.owned.stage = Stage::Closing(end);
    }

    /// Reports that a limit has acted on the client, because of what it `sent`, unless that is
    /// empty.
    fn acted(&self, limit: Limit, why: &str, sent: &[u8]) {
        self.ctx.notices.acted(limit, self.quoting(why, sent));
    }

    /// A case with what the client sent, if the log may quote it.
    fn quoting<'a>(&self, why: &'a str, sent: &'a [u8]) -> Case<'a> {
        let sent = match self.ctx.work.quote() {
            Quote::Beginning => sent,
            Quote::Nothing => &[],
        };
        Case {
            why,
            sent,
            ..self.case()
        }
    }

    fn case(&self) -> Case<'static> {
        Case {
            id: Some(self.connection.id),
            peer: Some(self.connection.identity.peer()),
            ..Case::default()
        }
    }

    fn panicked(&mut self) {
        self.ctx.notices.trouble(Trouble::Panic, self.case());
        self.ctx.totals.panics.fetch_add(1, Ordering::Relaxed);
        // Drop the session without calling it again; its Drop may panic, so guard it.
        let broken = self.owned.lasting.handler.take();
        let _ = guarded(|| drop(broken));
        self.stop_serving(End::Panic);
    }

    /// Moves the connection on towards its end, as far as it can go now.
    fn advance_close(&mut self) -> After {
        // What is unsent goes first, be it an alert; the poller says when the socket takes it.
        if self.has_unsent() && self.is_shed() {
            self.give_up_answering();
        }
        if self.has_unsent() {
            return self.await_room();
        }
        if let Stage::Last { arrived, end } = &self.owned.stage {
            let more = (self.owned.readable && *arrived > 0) || self.owned.ending;
            // A service that wanted to wait is called again in any case.
            if more || !self.owned.unread.is_empty() || self.owned.paused.is_some() {
                let throttled = self.throttled_until().is_some();
                return if throttled { After::Rest } else { After::Again };
            }
            let end = end.clone();
            // If later bytes are delivered, the message goes on.
            if self.owned.decoder.silence().is_some() && !self.is_delivering(&end) {
                self.deliver(&[], StreamEnd::Reached);
            }
            self.owned.stage = Stage::Closing(end.clone());
            self.last_words(&end);
            if !self.output.is_empty() {
                return After::Rest;
            }
        }
        if let Stage::Closing(end) = &self.owned.stage {
            let end = end.clone();
            // Includes what was pushed during this turn: after the end nothing can be sent.
            self.output = self.connection.shut_outbox();
            self.flush();
            if !self.output.is_empty() || !self.end_session() {
                return self.await_room();
            }
            if matches!(end, End::Limit(Limit::WriteStall)) || is_for_another(&end) {
                // Another client needs the slot, or this one takes nothing: do not wait for its
                // end.
                return After::Gone(end);
            }
            // A stream whose service has failed may still have unread bytes, so it lingers.
            let is_lost = matches!(end, End::Lost(_)) && self.owned.discards_output;
            if is_lost || self.is_over_already(&end) {
                return After::Gone(end);
            }
            return self.linger(end);
        }
        if matches!(self.owned.stage, Stage::Lingering(_)) {
            return self.read_to_the_end();
        }
        if matches!(self.owned.stage, Stage::Waiting) || self.is_unknown() {
            return After::Rest;
        }
        let more = self.owned.readable || self.owned.ending || !self.owned.unread.is_empty();
        if more && self.throttled_until().is_none() {
            After::Again
        } else {
            After::Rest
        }
    }

    /// Waits until the client takes more output. A client that is being closed may have to send
    /// before it reads, so its bytes are read and discarded.
    fn await_room(&mut self) -> After {
        let Stage::Closing(end) = &self.owned.stage else {
            return After::Rest;
        };
        if self.is_delivering(end) {
            return After::Rest;
        }
        self.owned.paused = None;
        match self.read_on(Delivery::None) {
            ReadOutcome::More if self.throttled_until().is_none() => After::Again,
            ReadOutcome::Broken => {
                self.owned.discards_output = true;
                After::Again
            }
            _ => After::Rest,
        }
    }

    /// Whether it is closed to free its slot.
    fn is_shed(&self) -> bool {
        match &self.owned.stage {
            Stage::Last { end, .. } | Stage::Closing(end) => is_for_another(end),
            _ => false,
        }
    }

    /// The client does not take its output: discards it, and resets the connection at the close.
    fn give_up_answering(&mut self) {
        self.owned.discards_output = true;
        self.connection.close_with_reset();
        self.output = Outbox::default();
    }

    fn draining(&self) -> bool {
        self.ctx.drain.phase() != ServerPhase::Running
    }
}

/// Whether the connection ends to free its slot for another.
fn is_for_another(end: &End) -> bool {
    matches!(end, End::Limit(Limit::Shed | Limit::Replaced))
}

/// Runs the service's code; a panic in it does not end the worker.
fn guarded<R>(run: impl FnOnce() -> R) -> Result<R, ()> {
    catch_unwind(AssertUnwindSafe(run)).map_err(drop)
}
