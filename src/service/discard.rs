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
}
