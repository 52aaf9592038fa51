//! Discard: reads everything and throws it away (RFC 863).

use super::{Client, Message, Reply, Service, Tail, Verdict};

/// Reads everything and answers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Service for Discard {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), _: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        Verdict::Go
    }

    fn tail(&self) -> Tail {
        Tail::Deliver
    }

    fn session_form(&self) -> Option<&'static str> {
        Some("discard 1")
    }

    fn write_session(&self, (): &mut (), _: &mut Vec<u8>) -> bool {
        true
    }

    fn read_session(&self, _: &Client, written: &[u8]) -> Option<()> {
        written.is_empty().then_some(())
    }
}
