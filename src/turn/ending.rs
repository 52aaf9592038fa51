//! How a connection ends: the end is sent, the rest read, the service told.

use std::io;
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::net::RecvFlags;
use tracing::debug;

use super::{After, Turn, guarded};
use crate::connection::Stage;
use crate::handler::{End, StreamEnd};
use crate::limits::{LINGER_BYTES_MAX, LINGER_MAX, READ_MAX};
use crate::notices::{Case, Limit, Trouble};
use crate::service::{Tail, Work};

/// Longest that a service which wants to wait is left alone when the end was sent already: long
/// enough for the processor's sake, and a drain does not wait for more.
const TAIL_PAUSE_MAX: Duration = Duration::from_millis(10);

impl Turn<'_> {
    /// Shuts the write side, so that the client sees the end, and reads on until it closes: a
    /// close with unread bytes would reset the connection, and the client might lose the replies.
    pub(super) fn linger(&mut self, end: End) {
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
    }

    pub(super) fn read_to_the_end(&mut self) -> After {
        let Stage::Lingering {
            until,
            bytes_left,
            end,
        } = self.hold.stage.clone()
        else {
            return After::Rest;
        };
        if self.now >= until || bytes_left == 0 {
            // One that was ending when a drain began is not waited for as long as the others.
            let deadline = self.house.drain.deadline();
            let is_cut = deadline.is_some_and(|deadline| self.now >= deadline);
            return After::Gone(if is_cut { End::CutOff } else { end });
        }
        if !self.hold.readable && !self.hold.ending {
            return After::Rest;
        }
        let delivers = end.is_ours() && self.house.work.tail() == Tail::Deliver;
        let mut input = std::mem::take(&mut self.scratch.input);
        let read = self.connection.read(&mut input, RecvFlags::DONTWAIT);
        let after = match read {
            Ok(0) => After::Gone(end),
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

    /// Delivers what came after the end was sent: nothing of it may wait for another turn. A
    /// service that wants to wait keeps its worker meanwhile.
    fn deliver_all(&mut self, piece: &[u8]) {
        self.allowed = u64::MAX;
        self.deliver(piece, StreamEnd::NotYet);
        while !self.hold.unread.is_empty() {
            let _ = self.sleeps();
            let unread = std::mem::take(&mut self.hold.unread);
            self.now = Instant::now();
            self.deliver(&unread, StreamEnd::NotYet);
        }
    }

    /// Whether the service wanted to wait.
    fn sleeps(&mut self) -> bool {
        let Some(until) = self.hold.paused.take() else {
            return false;
        };
        let pause = until.saturating_duration_since(Instant::now());
        std::thread::sleep(pause.min(TAIL_PAUSE_MAX));
        true
    }

    /// What was read and not yet delivered, when no more will be read.
    fn deliver_rest(&mut self) {
        self.hold.deaf = true;
        let unread = std::mem::take(&mut self.hold.unread);
        if !unread.is_empty() {
            self.deliver_all(&unread);
        }
        self.allowed = u64::MAX;
        self.deliver(&[], StreamEnd::Reached);
        while self.hold.decoder.is_inside() && self.sleeps() {
            self.deliver(&[], StreamEnd::Reached);
        }
    }

    /// Its service closed it as it was opened: nothing that it has sent or sends is delivered.
    pub(super) fn turn_out(&mut self, end: End) {
        self.last_words(&end);
        self.tell_closed(&end);
        self.stop_serving(end);
    }

    /// The session's end. A handler that has panicked is not there any more.
    fn tell_closed(&mut self, end: &End) {
        if let Some(handler) = self.hold.handler.take()
            && guarded(|| handler.closed(end)).is_err()
        {
            let why = "while it was closed";
            let case = Case { why, ..self.case() };
            self.house.notices.trouble(Trouble::Panic, case);
            self.house.totals.panics.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// It is over: out of the registry, and the service is told.
    pub(super) fn bury(&mut self, end: End) {
        let connection = self.connection;
        // A worker that was stuck in it sees other errors first.
        let end = if connection.is_cut() {
            &End::CutOff
        } else {
            &end
        };
        if *end == End::CutOff {
            connection.close_with_reset();
        }
        if end.is_ours() && self.house.work.tail() == Tail::Deliver {
            self.deliver_rest();
        }
        connection.state.end();
        if let Work::Streams(_) = self.house.work {
            self.house.lobby.remove(connection.id);
        }
        if let Some(check) = self.hold.check.take() {
            self.house.deadlines.remove(check, connection.id);
        }
        self.tell_closed(end);
        debug!(
            id = connection.id,
            peer = %connection.peer,
            messages = connection.tally.messages_in.load(Ordering::Relaxed),
            end = ?end,
            "{}closed",
            self.house.notices.prefix()
        );
        // While it is listed: who has left the list before a drain begins is no part of it.
        if self.draining() {
            let by_itself = !matches!(end, End::CutOff | End::Limit(Limit::WriteStall));
            self.house.drain.count_end(!by_itself);
        }
        self.house.give_up_place(connection);
        self.house.registry.remove(connection.id);
        if self.house.crowded.load(Ordering::SeqCst) {
            self.house.doorbell.ring();
        }
        self.house.drain.one_gone(|| self.house.registry.count());
    }
}
