//! Runs a program for each message: the program reads the message, and its output is the reply.

use std::time::Instant;

use bytes::Bytes;

use super::{BUSY, Outcome, ProgramIo, Requester, Runner};
use crate::connection::client::Client;
use crate::connection::handler::{Reply, Verdict};
use crate::framing::{Framing, Message};
use crate::limits::limit::Limit;
use crate::service::Service;

/// See the head of the file. With lines as messages, the program reads a line with its newline, and
/// a newline at the end of its output ends the reply.
pub struct Filter {
    runner: Runner,
    framing: Framing,
    reply_max: usize,
}

impl Filter {
    /// Descriptors for each running program: its process's, and both ends of three pipes.
    pub const DESCRIPTORS: usize = 7;

    /// Answers each message by a program of this runner, with at most `reply_max` bytes. A program
    /// that prints more, or does not end in time, ends its client's connection.
    pub fn new(runner: Runner, framing: Framing, reply_max: usize) -> Filter {
        Filter {
            runner,
            framing,
            reply_max,
        }
    }
}

impl Service for Filter {
    type Session = Requester;

    fn opened(&self, client: &Client, _: &mut Reply<'_>) -> Requester {
        Requester::of(client)
    }

    fn message(
        &self,
        requester: &mut Requester,
        message: Message<'_>,
        reply: &mut Reply<'_>,
    ) -> Verdict {
        let is_line = matches!(
            self.framing,
            Framing::Lines | Framing::Typed | Framing::Auto
        );
        let mut input = message.bytes.to_vec();
        if is_line {
            input.push(b'\n');
        }
        let io = ProgramIo::Message(input.into(), self.reply_max);
        match self.runner.run(requester, &io, None) {
            Outcome::Ended(printed) => {
                let end: &[u8] = if is_line { b"\n" } else { b"" };
                reply.send(printed.strip_suffix(end).unwrap_or(&printed));
                Verdict::Go
            }
            Outcome::Stopped(printed) => {
                // Send what was printed; the end of the connection shows that it is incomplete.
                if is_line {
                    reply.send_raw(printed);
                }
                Verdict::Close
            }
            Outcome::NotStarted => Verdict::Close,
        }
    }

    /// A client between two messages has no program, and nothing else here.
    fn session_form(&self) -> Option<&'static str> {
        Some("exec 1")
    }

    fn write_session(&self, _: &mut Requester, _: &mut Vec<u8>) -> bool {
        true
    }

    fn read_session(&self, client: &Client, written: &[u8]) -> Option<Requester> {
        written.is_empty().then(|| Requester::of(client))
    }

    fn refusal(&self, _: Limit) -> Option<Bytes> {
        Some(Bytes::from_static(BUSY.as_bytes()))
    }

    fn cut_off(&self) {
        self.runner.cut_off();
    }

    fn finish(&self, _: Instant) -> u64 {
        self.runner.finish();
        0
    }
}
