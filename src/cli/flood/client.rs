//! One client: what it has sent, what it may send, what has come back.
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

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use mio::{Registry, Token};

use super::args::Expect;
use super::ledger::Tail;
use super::plan::{Connections, Pace, Plan, ServerEnd};
use super::replies::Replies;
use super::stream::Stream;
use super::tally::Failure;
use super::work::{Stage, Work};

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sends, and reads the replies.
    Sender,
    /// Sends as much as it can, and never reads.
    Stalled,
    /// Connects, and that is all.
    Silent,
}

/// Where a client's connection is; see the table above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Apart,
    Connecting,
    Open,
    Ending,
}

/// What is to be done with a client next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing, until something happens to its connection.
    Wait,
    /// It has something to write.
    Write,
    /// Its connection is over.
    Over(Cause),
}

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// All was done.
    Done,
    /// It failed.
    Failed(Failure),
}

/// One client.
#[derive(Debug)]
pub struct Client {
    pub role: Role,
    pub phase: Phase,
    /// Whether it is in its thread's queue of those that have something to write.
    pub queued: bool,
    /// Attempts to connect that failed, since the last one that did not.
    pub attempts: u32,
    /// When the messages in flight were sent, the connection was begun, or its end was.
    pub asked_at: Instant,
    index: u64,
    stream: Option<Stream>,
    /// Whether it was ever connected.
    known: bool,
    /// The first message on this connection.
    base: u64,
    /// Position up to which all is written.
    sent: u64,
    /// Position up to which it may write; the end of a message.
    target: u64,
    replies: Replies,
}

impl Client {
    /// A client, not yet connected.
    pub fn new(index: u64, role: Role, plan: &Plan, now: Instant) -> Self {
        Self {
            role,
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
    pub fn connect(
        &mut self,
        work: &Work<'_>,
        registry: &Registry,
        token: Token,
    ) -> Result<(), Failure> {
        self.asked_at = Instant::now();
        let begun = work.plan.target.connect().and_then(|mut stream| {
            stream.watch(registry, token)?;
            Ok(stream)
        });
        let stream = begun.map_err(|e| failure(&e, Phase::Connecting))?;
        // A single small write has nothing to wait for: without the option a connection for
        // each message costs one system call less.
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
    pub fn open(&mut self) {
        self.phase = Phase::Open;
    }

    /// Looks whether the connection stands.
    pub fn is_established(&self) -> Result<bool, Failure> {
        let stream = self.stream.as_ref().ok_or(Failure::ConnectFailed)?;
        stream
            .is_established()
            .map_err(|e| failure(&e, Phase::Connecting))
    }

    /// Counts a client as connected, once.
    pub fn note_connected(&mut self, work: &mut Work<'_>) {
        self.attempts = 0;
        if !self.known {
            self.known = true;
            work.moved_at = work.now;
            work.tally.connected += u64::from(self.role != Role::Silent);
        }
    }

    /// Whether this connection has carried nothing yet.
    pub fn is_fresh(&self, plan: &Plan) -> bool {
        self.sent == self.base * plan.shape.size() as u64
    }

    /// Time has released all messages below `end`.
    pub fn release(&mut self, end: u64, plan: &Plan) {
        self.target = self.target.max(end * plan.shape.size() as u64);
    }

    /// Reads what has come. `ended` says that the end of it may have come too.
    pub fn hear(&mut self, work: &mut Work<'_>, ended: bool) -> Next {
        match self.role {
            Role::Stalled if ended => return Next::Over(Cause::Failed(Failure::ClosedEarly)),
            Role::Stalled => return self.advance(work),
            Role::Silent | Role::Sender => {}
        }
        let before = self.answered(work.plan);
        let heard = self.drain(work, ended);
        let after = self.answered(work.plan);
        work.note_replies(self.index, before, after, self.asked_at);
        match heard {
            Err(e) => Next::Over(Cause::Failed(failure(&e, self.evident_phase(work.plan)))),
            Ok(true) => Next::Over(self.ended_by_server(work)),
            Ok(false) => self.advance(work),
        }
    }

    /// Writes once.
    pub fn write(&mut self, work: &mut Work<'_>) -> Next {
        if self.sent >= self.target || self.phase != Phase::Open {
            return self.advance(work);
        }
        let len = work.piece(self.target - self.sent);
        let shape = &work.plan.shape;
        let bytes = shape.stream(&mut work.slots, self.index, self.sent, len);
        let Some(stream) = &mut self.stream else {
            return Next::Wait;
        };
        match stream.write(bytes) {
            Ok(written) => {
                let before = self.messages(work.plan);
                self.sent += written as u64;
                self.note_connected(work);
                if self.role == Role::Sender {
                    work.note_sent(self.messages(work.plan) - before);
                }
                self.advance(work)
            }
            Err(e) if is_not_now(&e) => Next::Wait,
            Err(e) if e.kind() == ErrorKind::Interrupted => Next::Write,
            Err(e) => {
                // The server closed, and what it said before that has its worth.
                let cause = failure(&e, self.evident_phase(work.plan));
                match self.hear(work, true) {
                    Next::Over(Cause::Failed(Failure::ClosedEarly)) | Next::Wait | Next::Write => {
                        Next::Over(Cause::Failed(cause))
                    }
                    over => over,
                }
            }
        }
    }

    /// What to do after whatever happened: go on writing, wait for replies, send more, end.
    pub fn advance(&mut self, work: &mut Work<'_>) -> Next {
        let plan = work.plan;
        if self.phase != Phase::Open || work.stage == Stage::Connecting {
            return Next::Wait;
        }
        match self.role {
            Role::Silent => return Next::Wait,
            Role::Stalled => self.release(plan.messages.min(u64::MAX / SIZE_ROOM), plan),
            Role::Sender => {}
        }
        if self.sent < self.target {
            return Next::Write;
        }
        let sent = self.messages(plan);
        if self.role == Role::Stalled || plan.has_replies() && self.replies.settled() < sent {
            return Next::Wait;
        }
        let limit = self.limit(plan);
        if work.stage == Stage::Stopping || sent >= limit {
            return self.end(work);
        }
        let Pace::Replies(pipeline) = plan.pace else {
            return Next::Wait;
        };
        self.release(limit.min(sent + pipeline), plan);
        if plan.connections == Connections::Kept {
            self.asked_at = work.now;
        }
        Next::Write
    }

    /// Counts what became of this connection and drops it.
    pub fn retire(&mut self, work: &mut Work<'_>, cause: Cause) {
        self.stream = None;
        self.phase = Phase::Apart;
        let tally = &mut work.tally;
        match self.role {
            Role::Silent => tally.silent_closed += 1,
            Role::Stalled => tally.stalled_closed += 1,
            Role::Sender => {
                if let Cause::Failed(failure) = cause {
                    tally.errors.count(failure);
                }
                let sent = self.messages(work.plan);
                let done = cause == Cause::Done;
                let tail = match (cause, work.plan.server_end) {
                    (Cause::Failed(Failure::Timeout), _) => Tail::Due(sent),
                    (Cause::Failed(_), ServerEnd::Awaited) => Tail::CutOff,
                    _ => Tail::Due(sent),
                };
                let account = self.replies.close(sent, self.base, tail, done);
                work.note_connection(sent - self.base, &account, done);
            }
        }
    }

    /// Gets ready for another connection, if there is another message for one.
    pub fn renew(&mut self, plan: &Plan) -> bool {
        if !self.is_fresh(plan) {
            self.base += 1;
        }
        self.sent = self.base * plan.shape.size() as u64;
        self.target = self.sent;
        self.replies = expected(plan.expect, self.base);
        self.base < plan.messages
    }

    /// Messages written, whole.
    fn messages(&self, plan: &Plan) -> u64 {
        self.sent / plan.shape.size() as u64
    }

    fn answered(&self, plan: &Plan) -> u64 {
        self.replies.settled().min(if plan.has_replies() {
            self.messages(plan)
        } else {
            0
        })
    }

    /// One past the last message of this connection.
    fn limit(&self, plan: &Plan) -> u64 {
        match plan.connections {
            Connections::Kept => plan.messages,
            Connections::EachMessage => self.base + 1,
        }
    }

    /// An early write that failed was the attempt to connect.
    fn evident_phase(&self, plan: &Plan) -> Phase {
        let each = plan.connections == Connections::EachMessage;
        if each && self.is_fresh(plan) {
            Phase::Connecting
        } else {
            self.phase
        }
    }

    /// Reads until there is no more; says whether the end came.
    fn drain(&mut self, work: &mut Work<'_>, ended: bool) -> io::Result<bool> {
        let Some(stream) = &mut self.stream else {
            return Ok(false);
        };
        let size = work.plan.shape.size() as u64;
        loop {
            match stream.read(&mut work.inbox) {
                Ok(0) => return Ok(true),
                Ok(len) => {
                    work.now = Instant::now();
                    work.moved_at = work.now;
                    if self.role == Role::Sender {
                        let begun = self.sent.div_ceil(size);
                        let bytes = &work.inbox[..len];
                        self.replies.take(bytes, self.index, begun, &mut work.judge);
                    }
                    // Less than there was room for: it is empty, and more would be announced.
                    // So a reply costs one read, not two.
                    if len < work.inbox.len() && !ended {
                        return Ok(false);
                    }
                }
                Err(e) if is_not_now(&e) => return Ok(false),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn ended_by_server(&self, work: &Work<'_>) -> Cause {
        let sent = self.messages(work.plan);
        let complete = work.plan.has_replies()
            && sent >= self.limit(work.plan)
            && self.replies.settled() >= sent;
        if complete || self.phase == Phase::Ending {
            return Cause::Done;
        }
        Cause::Failed(Failure::ClosedEarly)
    }

    /// All is sent and answered.
    fn end(&mut self, work: &Work<'_>) -> Next {
        if work.plan.connections == Connections::EachMessage && work.plan.has_replies() {
            return Next::Over(Cause::Done);
        }
        let ended = self.stream.as_ref().map_or(Ok(()), Stream::end_writing);
        if let Err(e) = ended {
            return Next::Over(Cause::Failed(failure(&e, self.phase)));
        }
        self.phase = Phase::Ending;
        self.asked_at = work.now;
        Next::Wait
    }
}

/// More than the longest message, to keep positions within their type.
const SIZE_ROOM: u64 = 1 << 25;

fn expected(expect: Expect, base: u64) -> Replies {
    match expect {
        Expect::Echo => Replies::echo(base),
        Expect::Ack => Replies::acks(base),
        Expect::Nothing => Replies::nothing(),
    }
}

/// A connection that is still being made refuses reads and writes as if it were only busy.
fn is_not_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::NotConnected
    )
}

fn failure(error: &io::Error, phase: Phase) -> Failure {
    match (phase, error.kind()) {
        (Phase::Connecting, ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
            Failure::ConnectRefused
        }
        (Phase::Connecting, ErrorKind::TimedOut) => Failure::ConnectTimeout,
        (Phase::Connecting, _) => Failure::ConnectFailed,
        _ => Failure::Reset,
    }
}
