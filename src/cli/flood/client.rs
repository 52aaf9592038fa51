//! A client: what it has sent, what it may send, what has come back.
//!
//! A client belongs to one thread. It never waits; each method does what can be done now and
//! says what is next. Positions in its stream are bytes since its first message, numbered on
//! over all its connections.
//!
//! | phase | entered when | left when |
//! | --- | --- | --- |
//! | Apart | at first; after a connection | a connection is begun |
//! | Connecting | a connection is begun | it stands, or failed |
//! | Open | it stands | all is sent and answered, or the server ends it |
//! | Ending | the client has shut its side | the server has shut its own |

use std::io::{self, ErrorKind};
use std::time::Instant;

use mio::{Registry, Token};

use super::args::Expect;
use super::ledger::Tail;
use super::plan::{Connections, Pace, Plan, ServerEnd};
use super::replies::Replies;
use super::stream::Stream;
use super::tally::ConnectionFault;
use super::work::Work;

/// Where a client's connection is; see the table above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Apart,
    Connecting,
    Open,
    Ending,
}

/// What is to be done with a client next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing, until something happens to its connection.
    Wait,
    /// It has something to write.
    Write,
    /// Its connection is over.
    Over(Cause),
}

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// All was done.
    Done,
    /// It failed.
    Failed(ConnectionFault),
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) phase: Phase,
    /// Whether it is in its thread's queue of those that have something to write.
    pub(crate) queued: bool,
    /// Attempts to connect that failed, since the last one that did not.
    pub(crate) attempts: u32,
    /// When the messages in flight were sent, the connection was begun, or its end was.
    pub(crate) asked_at: Instant,
    pub(super) index: u64,
    pub(super) stream: Option<Stream>,
    /// Whether it has ever been connected.
    known: bool,
    /// The first message on this connection.
    pub(super) base: u64,
    /// Position up to which all is written.
    pub(super) sent: u64,
    /// Position up to which it may write; the end of a message.
    pub(super) target: u64,
    pub(super) replies: Replies,
}

impl Client {
    /// A client, not yet connected.
    pub(crate) fn new(index: u64, plan: &Plan, now: Instant) -> Client {
        Client {
            phase: Phase::Apart,
            queued: false,
            attempts: 0,
            asked_at: now,
            index,
            stream: None,
            known: false,
            base: 0,
            sent: 0,
            target: 0,
            replies: expected(plan.expect, 0),
        }
    }

    /// Begins to connect.
    pub(crate) fn connect(
        &mut self,
        work: &Work<'_>,
        registry: &Registry,
        token: Token,
    ) -> Result<(), ConnectionFault> {
        self.asked_at = Instant::now();
        let begun = work.plan.connect().and_then(|mut stream| {
            stream.watch(registry, token)?;
            Ok(stream)
        });
        let stream = begun.map_err(|e| failure(&e, Phase::Connecting))?;
        // A single small write needs no such option: a connection for each message saves a system
        // call.
        let plan = work.plan;
        if plan.connections == Connections::Kept || plan.pieces.is_some() {
            stream.send_at_once();
        }
        self.stream = Some(stream);
        self.phase = Phase::Connecting;
        Ok(())
    }

    /// The connection may be used. When each message has its own it is used before that is
    /// known: on a connection that does not stand yet a write only says "not now".
    pub(crate) fn open(&mut self) {
        self.phase = Phase::Open;
    }

    /// Checks whether the connection is established.
    pub(crate) fn is_established(&mut self) -> Result<bool, ConnectionFault> {
        let stream = self.stream.as_mut().ok_or(ConnectionFault::ConnectFailed)?;
        stream
            .is_established()
            .map_err(|e| failure(&e, Phase::Connecting))
    }

    /// Whether something that it has written waits for room.
    pub(crate) fn owes(&self) -> bool {
        self.stream.as_ref().is_some_and(Stream::owes)
    }

    /// Whether it has something to write, or waits for replies or for the server's end.
    pub(crate) fn is_waiting(&self, plan: &Plan) -> bool {
        match self.phase {
            Phase::Apart => false,
            Phase::Connecting | Phase::Ending => true,
            Phase::Open => self.sent < self.target || self.replies.settled() < self.messages(plan),
        }
    }

    /// Counts a client as connected, once.
    pub(crate) fn note_connected(&mut self, work: &mut Work<'_>) {
        self.attempts = 0;
        if !self.known {
            self.known = true;
            work.moved_at = work.now;
            work.tally.connected += 1;
        }
    }

    /// Whether this connection has carried nothing yet.
    pub(crate) fn is_fresh(&self, plan: &Plan) -> bool {
        self.sent == self.base * plan.shape.size() as u64
    }

    /// Time has released all messages below `end`.
    pub(crate) fn release(&mut self, end: u64, plan: &Plan) {
        self.target = self.target.max(end * plan.shape.size() as u64);
    }

    /// The time is up: of the released messages, only one that is begun is still sent. Messages
    /// that the clock has released were due, so they are sent, unless the run was interrupted.
    pub(crate) fn hold_back(&mut self, work: &Work<'_>) {
        let plan = work.plan;
        if matches!(plan.pace, Pace::Replies(_)) || work.is_interrupted() {
            self.target = self.sent.next_multiple_of(plan.shape.size() as u64);
        }
    }

    /// Counts the result of this connection and drops it.
    pub(crate) fn retire(&mut self, work: &mut Work<'_>, cause: Cause) {
        if let Some(mut stream) = self.stream.take() {
            work.tally.note_session(&stream);
            if cause == Cause::Done && self.phase == Phase::Open {
                stream.leave();
            }
        }
        self.phase = Phase::Apart;
        if let Cause::Failed(failure) = cause {
            work.tally.errors.count(failure);
        }
        let sent = self.messages(work.plan);
        let done = cause == Cause::Done;
        let tail = match (cause, work.plan.server_end) {
            // The reply could still have come later.
            (Cause::Failed(ConnectionFault::Timeout), _) if work.is_interrupted() => Tail::CutOff,
            (Cause::Failed(ConnectionFault::Timeout), _) => Tail::Due(sent),
            (Cause::Failed(_), ServerEnd::Awaited) => Tail::CutOff,
            _ => Tail::Due(sent),
        };
        let account = self.replies.close(sent, self.base, tail, done);
        work.note_connection(sent - self.base, &account, done);
    }

    /// Gets ready for another connection, if there is another message for one.
    pub(crate) fn renew(&mut self, plan: &Plan) -> bool {
        if !self.is_fresh(plan) {
            self.base += 1;
        }
        self.sent = self.base * plan.shape.size() as u64;
        self.target = self.sent;
        self.replies = expected(plan.expect, self.base);
        self.base < plan.messages
    }

    /// Messages written, whole.
    pub(super) fn messages(&self, plan: &Plan) -> u64 {
        self.sent / plan.shape.size() as u64
    }

    pub(super) fn answered(&self, plan: &Plan) -> u64 {
        self.replies.settled().min(if plan.has_replies() {
            self.messages(plan)
        } else {
            0
        })
    }

    /// One past the last message of this connection.
    pub(super) fn limit(&self, plan: &Plan) -> u64 {
        match plan.connections {
            Connections::Kept => plan.messages,
            Connections::EachMessage => self.base + 1,
        }
    }
}

fn expected(expect: Expect, base: u64) -> Replies {
    match expect {
        Expect::Echo => Replies::echo(base),
        Expect::Ack => Replies::acks(base),
        Expect::Nothing => Replies::nothing(),
    }
}

/// The kind of failure that an error means in this phase.
pub(crate) fn failure(error: &io::Error, phase: Phase) -> ConnectionFault {
    match (phase, error.kind()) {
        (_, ErrorKind::Other) => ConnectionFault::Tls,
        (Phase::Connecting, ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
            ConnectionFault::ConnectRefused
        }
        (Phase::Connecting, ErrorKind::TimedOut) => ConnectionFault::ConnectTimeout,
        (Phase::Connecting, _) => ConnectionFault::ConnectFailed,
        // The server had ended its side before.
        (_, ErrorKind::BrokenPipe) => ConnectionFault::ClosedEarly,
        _ => ConnectionFault::Reset,
    }
}
