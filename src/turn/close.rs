//! The end of a connection: delivers what was read, tells the service, frees the slot.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::debug;

use super::{Turn, guarded};
use crate::connection::handler::{End, StreamEnd};
use crate::limits::counters::{Case, Trouble};
use crate::limits::limit::Limit;
use crate::service::{Tail, Work};

/// Maximum pause of a service that wants to wait after the end was sent: long enough to spare the
/// processor, short enough for a drain.
const TAIL_PAUSE_MAX: Duration = Duration::from_millis(10);

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
