//! A child for each message: it reads the message, and what it prints is the reply.

use std::time::Instant;

use bytes::Bytes;

use super::{BUSY, For, Ran, Runner, Talk};
use crate::connection::client::Client;
use crate::connection::handler::{Reply, Verdict};
use crate::framing::{Framing, Message};
use crate::limits::limit::Limit;
use crate::service::Service;

/// See the head of the file. With lines as messages, the child reads a line with its newline, and
/// the newline at the end of what it prints is the reply's own.
pub struct Filter {
    runner: Runner,
    framing: Framing,
    reply_max: usize,
}

impl Filter {
    /// Those that a program takes while it runs: its process's, and both ends of three pipes.
    pub const DESCRIPTORS: usize = 7;

    /// Answers messages by children of this runner, with at most `reply_max` bytes each. A child
    /// that prints more, or that is not done in time, ends its client's connection.
    pub fn new(runner: Runner, framing: Framing, reply_max: usize) -> Filter {
        Filter {
            runner,
            framing,
            reply_max,
        }
    }
}

impl Service for Filter {
    type Session = For;

    fn opened(&self, client: &Client, _: &mut Reply<'_>) -> For {
        For::of(client)
    }

    fn message(&self, who: &mut For, message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        let is_line = matches!(self.framing, Framing::Lines | Framing::Auto);
        let mut input = message.bytes.to_vec();
        if is_line {
            input.push(b'\n');
        }
        let talk = Talk::Message(input.into(), self.reply_max);
        match self.runner.run(who, &talk) {
            Ran::Ended(printed) => {
                let end: &[u8] = if is_line { b"\n" } else { b"" };
                reply.send(printed.strip_suffix(end).unwrap_or(&printed));
                Verdict::Go
            }
            Ran::Stopped(printed) => {
                // As far as it came; that it was not all is told by the end of the connection.
                if is_line {
                    reply.send_raw(printed);
                }
                Verdict::Close
            }
            Ran::Not => Verdict::Close,
        }
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
