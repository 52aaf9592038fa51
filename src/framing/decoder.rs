//! The decoder: one [`Cutter`] for each family of framings, and what they share.

use std::time::Duration;

use memchr::memchr;

use super::place::flag;
use super::store::{Cutter, Found, Store};
use super::table::Family;
use super::{Extent, Fault, Framing, Message, Overlong, Place};

/// How long a client is silent until its message is over, with a framing that has no end mark.
const SILENCE: Duration = Duration::from_millis(500);

/// Cuts the bytes of one connection into messages. See the module's head.
#[derive(Debug)]
pub(crate) struct Decoder {
    family: Family,
    store: Store,
    fault: Option<Fault>,
}

impl Decoder {
    /// `max` is in bytes, for one message.
    pub(crate) fn new(framing: &Framing, max: usize, overlong: Overlong) -> Decoder {
        let family = framing.cutter();
        let skips_empty = family.skips_empty();
        Decoder {
            family,
            store: Store::new(max, overlong, skips_empty),
            fault: None,
        }
    }

    /// The message that lies whole at the front of the piece, as nearly all do, and how many bytes
    /// of `piece` it uses up: one search finds it. All other messages, and messages over the bound,
    /// are cut step by step, by [`next`](Decoder::next).
    #[inline]
    pub(crate) fn whole<'a>(&mut self, piece: &'a [u8]) -> Option<(usize, &'a [u8])> {
        self.store.settle();
        if !self.store.is_empty() {
            return None;
        }
        let (used, message) = match &self.family {
            Family::Ended(ended) if ended.is_lines() => {
                let end = memchr(b'\n', piece)?;
                let line = &piece[..end];
                (end + 1, line.strip_suffix(b"\r").unwrap_or(line))
            }
            Family::Auto(auto) => auto.here(piece, self.store.max)?,
            Family::Delimited(delimited) => delimited.here(piece)?,
            Family::Between(between) => between.here(piece)?,
            _ => return None,
        };
        (message.len() <= self.store.max).then_some((used, message))
    }

    /// The next message in `piece`, and how many bytes of `piece` it uses up, delimiter included.
    /// `None`: the decoder has taken the whole piece, or there is a [`fault`](Decoder::fault).
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn next<'a>(&'a mut self, piece: &'a [u8]) -> (usize, Option<Message<'a>>) {
        if let Some((used, bytes)) = self.whole(piece) {
            let extent = Extent::Whole;
            return (used, Some(Message { bytes, extent }));
        }
        self.step_by_step(piece)
    }

    /// The same for a message that does not lie whole at the front of the piece.
    pub(crate) fn step_by_step<'a>(&'a mut self, piece: &'a [u8]) -> (usize, Option<Message<'a>>) {
        let mut at = 0;
        while at < piece.len() && self.fault.is_none() {
            match self.family.step(&mut self.store, &piece[at..]) {
                Found::Taken(used) => {
                    at += used;
                    self.store.ended |= !self.is_inside();
                }
                Found::Fault(fault) => {
                    // What was gathered is no message.
                    self.store.skipping = true;
                    self.fault = Some(fault);
                }
                Found::Here {
                    length,
                    used,
                    extent,
                } => {
                    let bytes = &piece[at..at + length];
                    return (at + used, Some(Message { bytes, extent }));
                }
                Found::Gathered {
                    length,
                    used,
                    extent,
                } => {
                    let bytes = self.store.hand_out(length);
                    return (at + used, Some(Message { bytes, extent }));
                }
            }
        }
        (at, None)
    }

    /// The stream has ended: the message that began and did not end, unless there is a fault. A
    /// carriage return at the end of a line is not part of it, as in a whole line.
    pub(crate) fn finish(&mut self) -> Option<Message<'_>> {
        if self.fault.is_some() {
            return None;
        }
        self.store.settle();
        let tail = self.family.tail(&self.store.gathered);
        let is_begun = !self.store.is_empty();
        self.store.stray += self.family.reset(is_begun);
        let ends_whole = self.silence().is_some();
        match self.store.finish(tail) {
            Err(fault) => {
                self.fault = Some(fault);
                None
            }
            Ok(None) => {
                self.store.gathered.clear();
                None
            }
            Ok(Some((length, extent))) => {
                let extent = match extent {
                    Extent::Partial if ends_whole => Extent::Whole,
                    extent => extent,
                };
                let bytes = self.store.hand_out(length);
                Some(Message { bytes, extent })
            }
        }
    }

    /// After this time without bytes the message under way is over, and
    /// [`finish`](Decoder::finish) returns it. `None` if silence does not end it.
    pub(crate) fn silence(&self) -> Option<Duration> {
        (matches!(self.family, Family::Pri(_)) && self.is_inside()).then_some(SILENCE)
    }

    /// Why the decoder can't continue.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_inside(&self) -> bool {
        !self.store.is_empty() || self.family.is_inside()
    }

    /// Whether, since the last call, a message has ended that was not handed out at its end.
    pub(crate) fn take_ended(&mut self) -> bool {
        std::mem::take(&mut self.store.ended)
    }

    /// The bytes of the message under way that came before this piece.
    pub(crate) fn begun(&self) -> &[u8] {
        self.store.begun()
    }

    /// Whether it is as one that has seen nothing.
    pub(crate) fn is_as_new(&self) -> bool {
        self.fault.is_none() && !self.is_inside() && self.family.marks().is_empty()
    }

    /// Where it is in the stream.
    pub(crate) fn place(&self) -> Place {
        let marks = self.family.marks();
        if !self.is_inside() && marks.is_empty() {
            return Place::default();
        }
        let mut all = vec![u64::from(self.store.skipping), self.store.max as u64];
        all.extend(marks);
        Place {
            begun: self.begun().to_vec(),
            marks: all,
        }
    }

    /// Goes on from there with a decoder that has seen nothing; `None` if no stream of this framing
    /// and bound leads there.
    pub(crate) fn resume(&mut self, place: Place) -> Option<()> {
        if place.is_empty() {
            return Some(());
        }
        let [skipping, max, marks @ ..] = &place.marks[..] else {
            return None;
        };
        self.store.resume(place.begun, flag(*skipping)?, *max)?;
        self.family.resume(marks, &self.store)
    }

    /// Over-long messages since the last call, those truncated and those dropped, and bytes that
    /// belong to no message.
    pub(crate) fn take_counts(&mut self) -> (u64, u64, u64) {
        let store = &mut self.store;
        let counts = [&mut store.truncated, &mut store.dropped, &mut store.stray];
        counts.map(std::mem::take).into()
    }

    /// Frees memory that an idle connection does not need.
    pub(crate) fn rest(&mut self) {
        self.store.rest();
    }

    /// Bytes that the decoder holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.store.gathered.len()
    }
}
