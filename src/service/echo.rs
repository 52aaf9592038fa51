//! Echo: sends each message back to its client (RFC 862, with `Framing::Raw`).

use super::{Client, Message, Reply, Service, Verdict};

/// Sends each message back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl Service for Echo {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        reply.send(message.bytes);
        Verdict::Go
    }
}
