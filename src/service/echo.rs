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

    fn session_form(&self) -> Option<&'static str> {
        Some("echo 1")
    }

    fn write_session(&self, (): &mut (), _: &mut Vec<u8>) -> bool {
        true
    }

    fn read_session(&self, _: &Client, written: &[u8]) -> Option<()> {
        written.is_empty().then_some(())
    }
}
