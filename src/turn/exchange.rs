//! A turn's input and output: read, cut, serve, reply.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use tracing::debug;

use super::hints::{Came, FIRST_MAX};
use super::{Turn, guarded};
use crate::connection::client::Client;
use crate::connection::handler::{End, MessageTally, Messages, Reply, Rest, StreamEnd, Verdict};
use crate::connection::outbox::{Flush, Outbox};
use crate::connection::{Look, Stage, Taken};
use crate::framing::Fault;
use crate::limits::limit::Limit;
use crate::limits::options::{READ_MAX, TIME_MAX};
use crate::limits::times::Bucket;
use crate::scheduler::metrics::add;
use crate::service::{Opener, Tail};
use crate::tls::Ending;

impl Turn<'_> {
    pub(super) fn open_session(&mut self, opener: &dyn Opener) {
        let client = Client::new(self.connection);
        let options = &self.ctx.limits.options;
        self.scratch.wire.clear();
        let mut reply = Reply::new(&mut self.scratch.wire, &options.framing, options.outbox_max);
        match guarded(|| opener.open(&client, &mut reply)) {
            Ok(handler) => {
                add(&self.connection.tally.messages_out, reply.messages());
                self.scratch.moved.messages_out += reply.messages();
                self.owned.lasting.handler = Some(handler);
                self.send_replies();
                if let Some(reason) = self.connection.take_close() {
                    self.turn_out(End::Closed(reason));
                }
            }
            Err(()) => self.panicked(),
        }
    }

    /// Writes the outbox, as far as the socket takes it.
    pub(super) fn flush(&mut self) {
        if self.owned.discards_output {
            self.output = Outbox::default();
        }
        let messages = self.output.take_messages();
        if messages > 0 {
            add(&self.connection.tally.messages_out, messages);
            self.scratch.moved.messages_out += messages;
        }
        if self.output.is_empty() {
            self.push_out();
            return;
        }
        let pending = self.pending();
        let (connection, tls) = (self.connection, &mut self.owned.tls);
        let (written, end) = self
            .output
            .flush(|slices| connection.give_slices(tls, slices));
        self.scratch.moved.bytes_out += written as u64;
        if written > 0 || self.pending() < pending {
            self.set_stalled(None);
        }
        if let Flush::Broken(error) = end {
            self.cannot_write(&error);
        }
    }

    /// The peer takes no more output. What it sent before is still read.
    pub(super) fn cannot_write(&mut self, error: &io::Error) {
        let peer = self.connection.identity.peer();
        debug!(id = self.connection.id, %peer, %error, "reads no more");
        self.owned.discards_output = true;
        self.owned.readable = true;
        self.output = Outbox::default();
    }

    /// Reads once, or continues with what an earlier turn left, and gives it to the service.
    pub(super) fn serve(&mut self) {
        if self.owned.paused.is_some() {
            self.serve_after_pause();
            return;
        }
        let (messages, bytes) = self.allowance();
        if messages == 0 || bytes == 0 {
            return;
        }
        self.allowed = messages;
        if !self.owned.unread.is_empty() {
            let unread = std::mem::take(&mut self.owned.unread);
            self.note_activity();
            self.deliver(&unread, StreamEnd::NotYet);
            return;
        }
        let is_silent = self.is_silent();
        if !self.owned.readable && !self.owned.ending && !is_silent {
            return;
        }
        let mut input = std::mem::take(&mut self.scratch.input);
        let most = match self.owned.stage {
            // When the client's end is near, everything is read, not byte by byte.
            Stage::Last { arrived, .. } if !self.owned.ending => arrived.clamp(1, READ_MAX),
            _ => self.scratch.portion.most(),
        };
        let most = most.min(bytes);
        let taken = self
            .connection
            .take_bytes(&mut self.owned.tls, &mut input, most);
        match taken {
            Ok(Taken::End(ending)) => self.hear_end(ending),
            Ok(Taken::Bytes {
                length,
                drained,
                more,
            }) => {
                self.scratch.portion.took(length, self.now);
                self.note_read(length, drained, more);
                self.charge(0, length);
                if length > 0 {
                    self.deliver(&input[..length], StreamEnd::NotYet);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.empty();
                if is_silent {
                    self.deliver(&[], StreamEnd::Reached);
                }
            }
            Err(error) => self.lost(&error),
        }
        self.scratch.input = input;
    }

    /// Calls a service that asked to be called again at this time, whether or not more has come.
    fn serve_after_pause(&mut self) {
        if self.owned.paused.is_some_and(|until| until > self.now) {
            return;
        }
        self.owned.paused = None;
        self.allowed = self.allowance().0;
        let unread = std::mem::take(&mut self.owned.unread);
        self.deliver(&unread, StreamEnd::NotYet);
        if unread.is_empty() && matches!(self.owned.stage, Stage::Last { .. }) {
            // With nothing left to deliver the pause ends: the service might wait for ever.
            self.owned.paused = None;
        }
    }

    /// The server ends the connection: asks the service for its last words.
    pub(super) fn last_words(&mut self, end: &End) {
        let Some(handler) = self.owned.lasting.handler.as_mut() else {
            return;
        };
        let options = &self.ctx.limits.options;
        self.scratch.wire.clear();
        let mut reply = Reply::new(&mut self.scratch.wire, &options.framing, options.outbox_max);
        if guarded(|| handler.last_words(end, &mut reply)).is_err() {
            self.panicked();
            return;
        }
        add(&self.connection.tally.messages_out, reply.messages());
        self.scratch.moved.messages_out += reply.messages();
        self.send_replies();
    }

    /// Charges what was read to the client's rate.
    pub(super) fn charge(&mut self, messages: u64, bytes: usize) {
        let Some(rate) = self.ctx.limits.options.rate else {
            return;
        };
        if messages > 0 || bytes > 0 {
            let full = || Box::new(Bucket::new(rate, self.now));
            let bucket = self.owned.lasting.bucket.get_or_insert_with(full);
            bucket.take(messages, bytes);
        }
    }

    /// The socket is empty: new bytes cause a new event.
    pub(super) fn empty(&mut self) {
        self.owned.readable = false;
        self.owned.ending = false;
        self.owned.urgent = false;
    }

    /// Notes the time of the last byte, for lists and the idle limit.
    pub(super) fn note_activity(&self) {
        let since = self.now.saturating_duration_since(self.connection.since());
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.connection
            .tally
            .heard_ms
            .store(since, Ordering::Relaxed);
    }

    pub(super) fn note_read(&mut self, length: usize, drained: usize, more: bool) {
        self.note_activity();
        self.scratch.moved.bytes_in += length as u64;
        self.owned.readable = more || self.owned.urgent;
        self.notice_session_end();
        if let Stage::Last { arrived, .. } = &mut self.owned.stage {
            *arrived = arrived.saturating_sub(drained);
        }
    }

    /// The connection is lost. A service that stores gets the partial message.
    fn lost(&mut self, error: &io::Error) {
        self.owned.discards_output = true;
        if self.ctx.work.tail() == Tail::Deliver && !self.is_too_early(Ending::Truncated) {
            self.deliver(&[], StreamEnd::Reached);
        }
        self.is_at_its_end(End::Lost(error.to_string()));
    }

    /// No more will come. If the service wants to wait before it takes the partial message, the
    /// next turn after the pause sees the end again.
    pub(super) fn is_at_its_end(&mut self, end: End) {
        self.owned.ending = true;
        self.owned.readable = false;
        let is_left = self.owned.paused.is_some() && self.owned.decoder.is_inside();
        if self.is_serving() && !is_left {
            self.owned.stage = Stage::Closing(end);
        }
    }

    /// Cuts messages, gives them to the service, sends its replies.
    pub(super) fn deliver(&mut self, piece: &[u8], stream: StreamEnd) {
        let is_void = self.owned.discards_output || self.is_shed();
        let hint_of_end = self.hint_of_end(stream);
        let Some(handler) = self.owned.lasting.handler.as_mut() else {
            return;
        };
        let options = &self.ctx.limits.options;
        self.scratch.wire.clear();
        let mut reply = Reply::new(&mut self.scratch.wire, &options.framing, options.outbox_max);
        reply.is_void = is_void;
        let in_turn = &self.connection.tally.in_turn;
        let (now, allowed) = (self.now, self.allowed);
        let is_spent = self
            .owned
            .lasting
            .bucket
            .as_ref()
            .is_some_and(|one| one.is_spent());
        let mut messages = Messages::new(
            &mut self.owned.decoder,
            piece,
            stream,
            now,
            allowed,
            in_turn,
        )
        .spent(is_spent);
        let verdict = guarded(|| handler.batch(&mut messages, &mut reply));
        let replies = reply.messages();
        let Rest {
            tally,
            unread,
            begun,
            cut,
        } = messages.into_rest();
        self.owned.unread.extend_from_slice(unread);
        let read = &piece[..piece.len() - unread.len()];
        let stray = self.count(tally, replies, &cut);
        if !matches!(self.owned.look, Look::Done) {
            let came = Came::of(tally, stream, !cut.is_empty());
            // The last look sees all that has come: on a busy machine a turn ends after the first
            // message. Otherwise what is unread comes again.
            let seen = if came == Came::Nothing { read } else { piece };
            self.look_at(seen, came, stray, hint_of_end);
        }
        if stray > 0 {
            self.hint_of_stray();
        }
        self.send_replies();
        if options.times.idle.is_some() {
            // The client may have waited for this turn until now.
            self.now = Instant::now();
            self.note_activity();
        }
        self.follow_verdict(verdict, tally);
        if let Some(fault) = self.owned.decoder.fault() {
            self.break_off(fault, &piece[begun..]);
        }
    }

    /// Follows the service's verdict on its messages; an error is a panic.
    fn follow_verdict(&mut self, verdict: Result<Verdict, ()>, tally: MessageTally) {
        match verdict {
            Ok(Verdict::Go) => {}
            Ok(Verdict::Wait(time)) => {
                self.owned.paused = Some(Instant::now() + time.min(TIME_MAX));
            }
            Ok(Verdict::Close) => self.stop_serving(End::Service),
            Err(()) => {
                // The message in which it happened, if there was one.
                let undelivered = tally.messages.min(1);
                let total = &self.ctx.totals.undelivered;
                total.fetch_add(undelivered, Ordering::Relaxed);
                self.panicked();
            }
        }
    }

    /// The bytes can't be cut any further; the last message begins with `piece` or before it.
    fn break_off(&mut self, fault: Fault, piece: &[u8]) {
        let why = describe(fault, self.ctx.limits.options.message_max);
        let begun = self.owned.decoder.begun().iter();
        let sent: Vec<u8> = begun.chain(piece).take(FIRST_MAX).copied().collect();
        match self.hint_of_fault(&sent) {
            Some(hint) => {
                let why = format!("{why}; a guess: {}", hint.describe());
                self.acted(Limit::Framing, &why, &sent);
            }
            None => self.acted(Limit::Framing, &why, &sent),
        }
        self.stop_serving(End::Framing(why));
    }

    /// Counts a delivery; answers how many bytes belonged to no message.
    fn count(&mut self, tally: MessageTally, replies: u64, cut: &[u8]) -> u64 {
        self.charge(tally.messages, 0);
        let has_ended = self.owned.decoder.take_ended();
        if tally.messages > 0 || has_ended {
            // Another message may have begun, but this one has ended in time.
            self.owned.begun = None;
        }
        let totals = &self.ctx.totals;
        let (truncated, dropped, stray) = self.owned.decoder.take_counts();
        if truncated + dropped > 0 {
            let max = self.ctx.limits.options.message_max;
            let why = match truncated {
                0 => format!("dropped: it has more than {max} bytes"),
                _ => format!("cut to {max} bytes"),
            };
            self.acted(Limit::Overlong, &why, cut);
        }
        self.connection.tally.in_turn.store(0, Ordering::Relaxed);
        add(&self.connection.tally.messages_in, tally.messages);
        add(&self.connection.tally.messages_out, replies);
        self.scratch.moved.messages_out += replies;
        for (total, more) in [
            (&totals.messages, tally.messages),
            (&totals.partial, tally.partial),
            (&totals.truncated, truncated),
            (&totals.dropped, dropped),
            (&totals.stray_bytes, stray),
        ] {
            if more > 0 {
                total.fetch_add(more, Ordering::Relaxed);
            }
        }
        stray
    }

    /// Writes all replies of the turn at once, after what others have sent meanwhile.
    pub(super) fn send_replies(&mut self) {
        if self.scratch.wire.is_empty() || self.owned.discards_output {
            return;
        }
        if self.output.is_empty() {
            self.output = self.connection.take_more();
        }
        let mut written = 0;
        if self.output.is_empty() {
            match self
                .connection
                .give_bytes(&mut self.owned.tls, &self.scratch.wire)
            {
                Ok(length) => written = length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.cannot_write(&error),
            }
            self.scratch.moved.bytes_out += written as u64;
            if written == self.scratch.wire.len() {
                return;
            }
        }
        let rest = Bytes::copy_from_slice(&self.scratch.wire[written..]);
        // The bound was checked when the replies were collected.
        let _ = self.output.push(rest, usize::MAX);
        self.flush();
    }
}

fn describe(fault: Fault, max: usize) -> String {
    match fault {
        Fault::Overlong => format!("a message of more than {max} bytes"),
        Fault::BadCount | Fault::BadLength => fault.to_string(),
    }
}
