//! Hints: what a client's bytes look like where they make no messages.
//!
//! | the client | is checked |
//! |---|---|
//! | sent nothing yet | never |
//! | ended a message at once, as nearly all do | once, for what other protocols begin with |
//! | sent bytes, and ended no message | then, after four seconds, and at its end |

use std::time::{Duration, Instant};

use super::Turn;
use crate::connection::handler::{MessageTally, StreamEnd};
use crate::connection::{Begun, Look};
use crate::framing::Framing;
use crate::framing::guess::{of_bytes, of_signature};
use crate::framing::hint::Hint;
use crate::limits::options::Hints;

/// First bytes of a connection that are kept until a message ends.
pub(super) const FIRST_MAX: usize = 1024;
/// Time after the first bytes by which a message should have ended.
const PATIENCE: Duration = Duration::from_secs(4);

/// The messages that the checked bytes made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// No message has ended.
    Nothing,
    /// A message ended.
    Whole,
    /// A message was cut: it was too long, or the connection ended first.
    Part,
}

impl Came {
    pub(super) fn of(tally: MessageTally, stream: StreamEnd, is_cut: bool) -> Came {
        match tally.messages {
            0 if stream == StreamEnd::NotYet => Came::Nothing,
            messages if is_cut || messages == tally.partial => Came::Part,
            _ => Came::Whole,
        }
    }
}

impl Turn<'_> {
    /// Checks the beginning of what a client sends.
    pub(super) fn look_at(&mut self, piece: &[u8], came: Came) {
        let options = &self.ctx.limits.options;
        let (since, mut first) = match std::mem::replace(&mut self.owned.look, Look::Done) {
            Look::Done => return,
            // [`hint_of_fault`](Turn::hint_of_fault) has more to look at.
            _ if self.owned.decoder.fault().is_some() => return,
            _ if options.hints == Hints::Off => return,
            Look::Nothing if piece.is_empty() => {
                self.owned.look = Look::Nothing;
                return;
            }
            Look::Nothing => (self.now, Vec::new()),
            Look::Begun(begun) => (begun.since, begun.first),
        };
        let room = FIRST_MAX.saturating_sub(first.len());
        first.extend_from_slice(&piece[..piece.len().min(room)]);
        let hint = match came {
            Came::Nothing | Came::Whole => of_signature(&options.framing, &first),
            Came::Part => self.of_all(&first),
        };
        match hint {
            Some(hint) => self.tell_hint(hint, &first),
            None if came == Came::Nothing => {
                self.owned.look = Look::Begun(Box::new(Begun { since, first }));
            }
            None => {}
        }
    }

    /// What all bytes so far look like.
    fn of_all(&self, bytes: &[u8]) -> Option<Hint> {
        let framing = &self.ctx.limits.options.framing;
        let has_outside = matches!(framing, Framing::Between { .. });
        let is_outside = has_outside && !self.owned.decoder.is_inside();
        of_bytes(framing, bytes).or(is_outside.then_some(Hint::Stray))
    }

    /// When to give the hint that no message has ended.
    pub(super) fn hint_at(&self) -> Option<Instant> {
        match &self.owned.look {
            Look::Begun(begun) if self.is_serving() => Some(begun.since + PATIENCE),
            _ => None,
        }
    }

    pub(super) fn notice_hint(&mut self) {
        if self.hint_at().is_none_or(|at| at > self.now) {
            return;
        }
        let Look::Begun(looked) = std::mem::replace(&mut self.owned.look, Look::Done) else {
            return;
        };
        let first = looked.first;
        // Keepalives and white space are no messages, so none is missing. People type slowly.
        let is_typed = matches!(self.ctx.limits.options.framing, Framing::Typed);
        let waits = self.owned.decoder.is_inside() && !is_typed;
        let begun = self.owned.decoder.begun();
        let all = if begun.len() > first.len() {
            begun
        } else {
            &first
        };
        let hint = self.of_all(all);
        if let Some(hint) = hint.or(waits.then_some(Hint::Unknown)) {
            self.tell_hint(hint, &first);
        }
    }

    /// What a message that the framing does not allow looks like.
    pub(super) fn hint_of_fault(&mut self, sent: &[u8]) -> Option<Hint> {
        let options = &self.ctx.limits.options;
        self.owned.look = Look::Done;
        let hint = match options.hints {
            Hints::Told => of_bytes(&options.framing, sent),
            Hints::Off => None,
        };
        hint.inspect(|hint| self.connection.tally.tell(*hint))
    }

    /// Gives a hint about bytes that belong to no message, unless the check of the first bytes is
    /// still under way.
    pub(super) fn hint_of_stray(&self) {
        let is_done = matches!(self.owned.look, Look::Done);
        let is_told = self.connection.tally.hint().is_some();
        if is_done && !is_told && self.ctx.limits.options.hints == Hints::Told {
            self.tell_hint(Hint::Stray, &[]);
        }
    }

    fn tell_hint(&self, hint: Hint, sent: &[u8]) {
        self.connection.tally.tell(hint);
        let case = self.quoting("", sent);
        self.ctx.notices.hint(hint, case);
    }
}
