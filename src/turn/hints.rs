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
    /// Checks the beginning of what a client sends. `stray` bytes belong to no message; `of_end` is
    /// the [`hint_of_end`](Turn::hint_of_end).
    pub(super) fn look_at(&mut self, piece: &[u8], came: Came, stray: u64, of_end: Option<Hint>) {
        let options = &self.ctx.limits.options;
        let mut looked = match std::mem::replace(&mut self.owned.look, Look::Done) {
            Look::Done => return,
            // [`hint_of_fault`](Turn::hint_of_fault) has more to look at.
            _ if self.owned.decoder.fault().is_some() => return,
            _ if options.hints == Hints::Off => return,
            Look::Nothing if piece.is_empty() => {
                self.owned.look = Look::Nothing;
                return;
            }
            Look::Nothing => Begun::new(self.now),
            Look::Begun(begun) => *begun,
        };
        looked.has_stray |= stray > 0;
        let room = match came {
            // This is the last look, and an end may come late.
            Came::Part => piece.len(),
            Came::Nothing | Came::Whole => FIRST_MAX.saturating_sub(looked.first.len()),
        };
        let more = &piece[..piece.len().min(room)];
        looked.first.extend_from_slice(more);
        let hint = match came {
            Came::Nothing | Came::Whole => of_signature(&options.framing, &looked.first),
            Came::Part => of_end.or_else(|| of_bytes(&options.framing, &looked.first)),
        };
        let is_stray = looked.has_stray && came != Came::Nothing;
        match hint.or(is_stray.then_some(Hint::Stray)) {
            Some(hint) => self.tell_hint(hint, &looked.first),
            None if came == Came::Nothing => self.owned.look = Look::Begun(Box::new(looked)),
            None => {}
        }
    }

    /// At the end of the stream, before its last message is taken: what that looks like, if it is
    /// all that has come and longer than what is kept of it.
    pub(super) fn hint_of_end(&self, stream: StreamEnd) -> Option<Hint> {
        let (Look::Begun(looked), StreamEnd::Reached) = (&self.owned.look, stream) else {
            return None;
        };
        let all = looked.all(self.owned.decoder.begun());
        let is_longer = all.len() > looked.first.len();
        let framing = &self.ctx.limits.options.framing;
        is_longer.then(|| of_bytes(framing, all)).flatten()
    }

    /// When to give the hint that no message has ended.
    pub(super) fn hint_at(&self) -> Option<Instant> {
        match &self.owned.look {
            Look::Begun(begun) if self.is_serving() => {
                let at = begun.since + PATIENCE;
                // The end may be in what the client's rate holds back.
                Some(self.throttled_until().map_or(at, |until| at.max(until)))
            }
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
        let framing = &self.ctx.limits.options.framing;
        // Keepalives and white space are no messages, so none is missing. People type slowly.
        let is_typed = matches!(framing, Framing::Typed);
        let waits = self.owned.decoder.is_inside() && !is_typed;
        let all = looked.all(self.owned.decoder.begun());
        let hint = of_bytes(framing, all)
            .or(waits.then_some(Hint::Unknown))
            .or(looked.has_stray.then_some(Hint::Stray));
        if let Some(hint) = hint {
            self.tell_hint(hint, &looked.first);
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
