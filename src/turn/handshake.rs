//! The TLS handshake of a client that is admitted: the service has not seen it yet.
//!
//! A client that says nothing costs its slot. The session is made with its first byte, and only
//! what computes needs a permit, of which there are fewer than cores: see [`handshakes`].
//!
//! [`handshakes`]: crate::connection::handshakes

use std::io;
use std::time::Instant;

use tracing::debug;

use super::Turn;
use crate::connection::handler::{End, StreamEnd};
use crate::connection::{Stage, Standing};
use crate::limits::limit::Limit;
use crate::scheduler::metrics::add;
use crate::service::Work;
use crate::tls::{Ending, Failure, FailureKind, HELLO, PLAIN_LINE, Session, Shaken};

const PLAIN: &str = "the client speaks plainly; it has to connect with TLS";

const TRUNCATED: &str = "its connection ended before its TLS session";

/// The result of a step.
enum Step {
    /// There may be more to do.
    On,
    /// The client's next bytes, or a permit, are awaited.
    Wait,
    Failed(Failure),
    Gone(End),
}

impl Turn<'_> {
    /// Goes on with the handshake, as far as the client's bytes go. Answers the connection's end,
    /// if it ends at once.
    pub(super) fn shake_hands(&mut self, until: Instant) -> Option<End> {
        // What has come by the deadline counts, though the poller may not have told of it.
        self.owned.readable |= self.now >= until;
        let step = loop {
            match self.shake() {
                Step::On if matches!(self.owned.stage, Stage::Handshake { .. }) => {}
                step => break step,
            }
        };
        // A client that has just begun has more time.
        let is_over = matches!(self.owned.stage, Stage::Handshake { until } if self.now >= until);
        match step {
            Step::Gone(end) => {
                if self.owned.tls.is_some() {
                    self.ctx.handshakes.failed(FailureKind::Left);
                }
                return Some(end);
            }
            Step::Failed(why) => self.fail(why),
            Step::Wait if is_over && self.is_secured() => self.meet_service(),
            Step::Wait if is_over && self.draining() => {
                self.owned.stage = Stage::Closing(End::Drained);
            }
            Step::Wait if is_over && self.may_be_plain() => self.come_in_plainly(),
            Step::Wait if is_over => {
                self.fail(FailureKind::TimedOut.because("it does not end in time"));
            }
            _ => {}
        }
        None
    }

    fn shake(&mut self) -> Step {
        let Some(session) = &mut self.owned.tls else {
            return self.meet_tls();
        };
        if session.has_record() {
            return self.compute();
        }
        if !self.owned.readable && !self.owned.ending {
            return Step::Wait;
        }
        let (connection, mut most) = (self.connection, 0);
        let received = session.receive(|room| {
            most = room.len();
            connection.take_cipher(room)
        });
        match received {
            Ok(0) if self.is_secured() => {
                self.meet_service();
                Step::On
            }
            Ok(0) => Step::Gone(End::Lost("it left within the TLS handshake".into())),
            Ok(length) => {
                self.note_activity();
                let may_have_more = length == most || connection.has_behind();
                self.owned.readable = may_have_more || self.owned.urgent;
                Step::On
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.empty();
                Step::Wait
            }
            Err(error) => Step::Gone(End::Lost(error.to_string())),
        }
    }

    /// Looks at the first byte: a plain client costs no session. It is served, or told what is
    /// wrong.
    fn meet_tls(&mut self) -> Step {
        if !self.owned.readable && !self.owned.ending {
            return Step::Wait;
        }
        let mut first = [0];
        match self.connection.peek(&mut first) {
            // As health checks do.
            Ok(0) => Step::Gone(End::Client),
            Ok(_) if first[0] != HELLO && self.may_be_plain() => {
                self.come_in_plainly();
                Step::On
            }
            Ok(_) if first[0] != HELLO => {
                let _ = self.connection.give_bytes(&mut None, PLAIN_LINE);
                Step::Failed(FailureKind::Plain.because(PLAIN))
            }
            Ok(_) => match self.ctx.session() {
                Ok(session) => {
                    self.owned.tls = Some(Box::new(session));
                    self.ctx.handshakes.began();
                    if let Stage::Handshake { until } = &mut self.owned.stage {
                        // Until now it could have been a plain one that is silent.
                        *until += self.ctx.limits.options.handshake - self.ctx.silence_max();
                    }
                    Step::On
                }
                Err(failure) => Step::Failed(failure),
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.empty();
                Step::Wait
            }
            Err(error) => Step::Gone(End::Lost(error.to_string())),
        }
    }

    /// Whether it may speak plainly, and does not speak TLS so far.
    fn may_be_plain(&self) -> bool {
        self.ctx.limits.options.tls_optional && self.owned.tls.is_none()
    }

    /// Whether a client that is refused, and mostly has not said anything yet, gets an alert and
    /// not a line: a plain client could not read it.
    pub(super) fn expects_tls(&self) -> bool {
        if self.owned.tls.is_some() || self.connection.identity.is_plain() {
            return false;
        }
        let mut first = [0];
        let is_optional = self.ctx.limits.options.tls_optional;
        !is_optional || (matches!(self.connection.peek(&mut first), Ok(1)) && first[0] == HELLO)
    }

    fn come_in_plainly(&mut self) {
        self.connection.identity.set_plain();
        self.ctx.handshakes.plain();
        self.meet_service();
    }

    /// The service may see it; for a worker of its own it may have to wait.
    fn meet_service(&mut self) {
        let (ctx, connection) = (self.ctx, self.connection);
        connection.identity.set_standing(Standing::Admitted);
        // What the session has read and not given on, the socket does not show.
        self.owned.readable |= self.owned.tls.as_deref().is_some_and(Session::has_failed);
        self.notice_session_end();
        self.owned.stage = Stage::New;
        if matches!(ctx.work, Work::Streams(_)) && !ctx.wait_queue.enter(connection) {
            self.acted(Limit::Queue, "", &[]);
            self.turn_away(Limit::Queue);
        }
    }

    fn compute(&mut self) -> Step {
        let (connection, ctx) = (self.connection, self.ctx);
        let Some(permit) = ctx.handshakes.enter(connection) else {
            return Step::Wait;
        };
        let was_secured = self.is_secured();
        let Some(session) = &mut self.owned.tls else {
            return Step::Wait;
        };
        let shaken = session.shake(&mut self.scratch.input);
        self.scratch.shaken += permit.end();
        // It has room: a handshake is far smaller than a socket's buffer.
        let _ = session.push_out(|bytes| connection.give_cipher(bytes));
        match shaken {
            Ok(Shaken::Begun) => Step::On,
            Ok(Shaken::Done { length }) if was_secured => {
                self.take_first(length);
                self.meet_service();
                Step::On
            }
            Ok(Shaken::Done { length }) => {
                let name = session.client_name();
                connection.identity.set_tls(session.version(), name);
                self.come_in_secured(length)
            }
            Err(failure) => Step::Failed(failure),
        }
    }

    /// Whether the handshake is done.
    fn is_secured(&self) -> bool {
        self.connection.identity.tls().is_some()
    }

    /// The handshake is done; so many bytes of the client came with its end.
    fn come_in_secured(&mut self, length: usize) -> Step {
        let ctx = self.ctx;
        let name = self.connection.identity.name();
        let tls = ctx.limits.options.tls.as_ref();
        if tls.is_some_and(|tls| !tls.allows(name)) {
            let why = match name {
                Some(_) => "the name in the client's certificate is not allowed",
                None => "the client has no certificate with a name that is allowed",
            };
            return Step::Failed(FailureKind::ClientCertificate.because(why));
        }
        ctx.handshakes.done();
        self.take_first(length);
        let has_ended = self.owned.tls.as_ref().is_none_or(|tls| tls.has_ended());
        let may_come = length == 0 && !has_ended && matches!(ctx.work, Work::Messages(_));
        if self.draining() && may_come {
            // A client could not send before, and its first message may come right after this. It
            // has as long for it as for the handshake.
            return Step::On;
        }
        self.meet_service();
        Step::On
    }

    /// Takes what came with the end of the handshake.
    fn take_first(&mut self, length: usize) {
        let came = &self.scratch.input[..length];
        self.owned.unread.extend_from_slice(came);
        self.charge(0, length);
        self.scratch.moved.bytes_in += length as u64;
        add(&self.connection.tally.bytes_in, length as u64);
    }

    /// The handshake has failed: what there is of an alert is sent, and the end.
    fn fail(&mut self, Failure { kind, why }: Failure) {
        self.ctx.handshakes.failed(kind);
        self.acted(Limit::Handshake, &why, &[]);
        self.owned.readable = true;
        self.owned.stage = Stage::Closing(End::Handshake(why));
    }

    /// The end of the session is the client's end, which the socket does not show.
    pub(super) fn notice_session_end(&mut self) {
        self.owned.ending |= self.owned.tls.as_deref().is_some_and(Session::has_ended);
    }

    /// Whether output waits, encrypted or not.
    pub(super) fn has_unsent(&self) -> bool {
        !self.output.is_empty() || (!self.owned.discards_output && self.pending() > 0)
    }

    /// Bytes that are encrypted and not sent.
    pub(super) fn pending(&self) -> usize {
        self.owned.tls.as_ref().map_or(0, |tls| tls.pending())
    }

    /// Bytes of a record that is not complete.
    pub(super) fn kept(&self) -> usize {
        self.owned.tls.as_ref().map_or(0, |tls| tls.kept())
    }

    /// Sends what is encrypted already and belongs to no output: answers to the client's handshake,
    /// the end of the session.
    pub(super) fn push_out(&mut self) {
        let connection = self.connection;
        let Some(session) = &mut self.owned.tls else {
            return;
        };
        let pending = session.pending();
        let pushed = session.push_out(|bytes| connection.give_cipher(bytes));
        if session.pending() < pending {
            self.set_stalled(None);
        }
        match pushed {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => self.cannot_write(&error),
            _ => {}
        }
    }

    /// Ends the session, if there is one; answers whether all has left.
    pub(super) fn end_session(&mut self) -> bool {
        let Some(session) = &mut self.owned.tls else {
            return true;
        };
        if self.owned.discards_output {
            return true;
        }
        session.close();
        self.push_out();
        self.owned.discards_output || !self.has_unsent()
    }

    /// The client sends no more.
    pub(super) fn hear_end(&mut self, ending: Ending) {
        self.note_ending(ending);
        if self.is_too_early(ending) {
            self.owned.stage = Stage::Closing(End::Lost(TRUNCATED.into()));
            return;
        }
        self.deliver(&[], StreamEnd::Reached);
        self.is_at_its_end(End::Client);
    }

    /// Whether a message that has not ended is not to be delivered at such an end.
    pub(super) fn is_too_early(&self, ending: Ending) -> bool {
        let is_strict = self.ctx.limits.options.tls_strict_end && self.owned.tls.is_some();
        is_strict && ending == Ending::Truncated
    }

    /// Whether what has not ended is not to be delivered although the server ends the connection.
    pub(super) fn is_unfinished(&self) -> bool {
        let has_ended = self.owned.tls.as_ref().is_some_and(|tls| tls.has_ended());
        !has_ended && self.is_too_early(Ending::Truncated)
    }

    /// Counts a client whose connection ends before its session does.
    pub(super) fn note_ending(&self, ending: Ending) {
        if ending == Ending::Truncated {
            self.ctx.handshakes.truncated();
            let peer = self.connection.identity.peer();
            debug!(id = self.connection.id, %peer, "{TRUNCATED}");
        }
    }
}
