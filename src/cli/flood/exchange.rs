//! A client's reads and writes, and the next step after them.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use super::client::{Cause, Client, Next, Phase, failure};
use super::plan::{Connections, GREED, Pace, Plan};
use super::secured::is_not_now;
use super::stream::Stream;
use super::tally::ConnectionFault;
use super::work::{Stage, Work};

impl Client {
    /// Reads what has come. `ended` says that the end of the stream may have come as well.
    pub(crate) fn hear(&mut self, work: &mut Work<'_>, ended: bool) -> Next {
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
    pub(crate) fn write(&mut self, work: &mut Work<'_>) -> Next {
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
                work.note_sent(self.index, self.messages(work.plan) - before);
                self.advance(work)
            }
            Err(e) if is_not_now(&e) => Next::Wait,
            Err(e) if e.kind() == ErrorKind::Interrupted => Next::Write,
            Err(e) => {
                // The server closed; replies before that still count.
                let cause = failure(&e, self.evident_phase(work.plan));
                match self.hear(work, true) {
                    Next::Over(Cause::Done) => Next::Over(Cause::Done),
                    _ => Next::Over(Cause::Failed(cause)),
                }
            }
        }
    }

    /// The next step: continue writing, wait for replies, send more, or end.
    pub(crate) fn advance(&mut self, work: &mut Work<'_>) -> Next {
        let plan = work.plan;
        if self.phase != Phase::Open || work.stage == Stage::Connecting {
            return Next::Wait;
        }
        if self.sent < self.target {
            return Next::Write;
        }
        let sent = self.messages(plan);
        if plan.has_replies() && self.replies.settled() < sent {
            return Next::Wait;
        }
        let limit = self.limit(plan);
        if work.stage == Stage::Stopping || sent >= limit {
            return self.end(work);
        }
        let Pace::Replies(pipeline) = plan.pace else {
            return Next::Wait;
        };
        let most = match plan.is_greedy(self.index) {
            true => GREED,
            false => pipeline,
        };
        self.release(limit.min(sent + most), plan);
        if plan.connections == Connections::Kept {
            self.asked_at = work.now;
        }
        Next::Write
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
                    let begun = self.sent.div_ceil(size);
                    let bytes = &work.inbox[..len];
                    self.replies.take(bytes, self.index, begun, &mut work.judge);
                    // A short read: the socket is empty, and more bytes cause an event. This saves
                    // a second read for each reply.
                    if len < work.inbox.len() && !ended && !stream.has_ended() {
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
        Cause::Failed(ConnectionFault::ClosedEarly)
    }

    /// All is sent and answered.
    fn end(&mut self, work: &Work<'_>) -> Next {
        // With nothing sent, nothing is to be confirmed, and the connection may not even stand yet.
        let is_confirmed = work.plan.has_replies() || self.is_fresh(work.plan);
        if work.plan.connections == Connections::EachMessage && is_confirmed {
            return Next::Over(Cause::Done);
        }
        let ended = self.stream.as_mut().map_or(Ok(()), Stream::end_writing);
        if let Err(e) = ended {
            return Next::Over(Cause::Failed(failure(&e, self.phase)));
        }
        self.phase = Phase::Ending;
        self.asked_at = work.now;
        Next::Wait
    }
}
