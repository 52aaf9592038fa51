//! A room: what all its readers must see.
//!
//! The first reader decides: its bytes are kept until all readers have had them, and are parsed
//! line by line once. The bytes of the other readers must only be equal, which costs next to
//! nothing.

use std::collections::VecDeque;
use std::time::Instant;

use super::super::line::{self, Parsed};
use super::sender::Sender;
use crate::service::chat::grammar::{self, Notice, What};

/// Unneeded bytes at which the rest is moved to the front.
const TRIM_MIN: usize = 1 << 20;

/// One room.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The bytes from offset `base` on.
    log: Vec<u8>,
    base: u64,
    /// The offset up to which lines were parsed.
    parsed: u64,
    /// The ends of batches that not all readers have seen.
    marks: VecDeque<Mark>,
    /// How many marks were removed from the front.
    gone: u64,
    /// The number of readers.
    pub(crate) readers: u64,
    pub(crate) faults: Faults,
}

/// The end of a sender's batch.
#[derive(Debug)]
struct Mark {
    end: u64,
    sender: usize,
    lines: u64,
    /// When the batch was sent, or should have been.
    due: Instant,
    /// The readers that have not seen it.
    left: u64,
}

/// The faults.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Faults {
    /// Lines whose number was not the next one of their sender.
    pub(crate) misplaced: u64,
    /// Lines that no sender sent.
    pub(crate) damaged: u64,
}

/// A reader's position.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Position {
    offset: u64,
    mark: u64,
}

/// What all readers have seen since.
pub(crate) struct Seen {
    pub(crate) sender: usize,
    pub(crate) lines: u64,
    pub(crate) due: Instant,
}

/// A reader saw other bytes than the others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Different;

impl Room {
    /// A reader got these bytes.
    pub(crate) fn take(
        &mut self,
        place: &mut Position,
        bytes: &[u8],
        senders: &mut [Sender],
    ) -> Result<(), Different> {
        let at = (place.offset - self.base) as usize;
        let known = &self.log[at..];
        let (same, new) = bytes.split_at(known.len().min(bytes.len()));
        if same != &known[..same.len()] {
            return Err(Different);
        }
        self.log.extend_from_slice(new);
        if !new.is_empty() {
            self.parse(senders);
        }
        place.offset += bytes.len() as u64;
        Ok(())
    }

    /// The reader has passed these many lines more.
    pub(crate) fn pass(&mut self, place: &mut Position) -> u64 {
        let mut lines = 0;
        while let Some(mark) = self.marks.get_mut((place.mark - self.gone) as usize)
            && mark.end <= place.offset
        {
            mark.left -= 1;
            lines += mark.lines;
            place.mark += 1;
        }
        lines
    }

    /// Removes a reader.
    pub(crate) fn leave(&mut self, place: Position) {
        self.readers -= 1;
        let ahead = (place.mark - self.gone) as usize;
        self.marks
            .iter_mut()
            .skip(ahead)
            .for_each(|mark| mark.left -= 1);
    }

    /// Takes the next batch that all readers have seen.
    pub(crate) fn seen(&mut self) -> Option<Seen> {
        let mark = self.marks.pop_front_if(|mark| mark.left == 0)?;
        self.gone += 1;
        let unneeded = (mark.end - self.base) as usize;
        if unneeded >= TRIM_MIN {
            self.log.drain(..unneeded);
            self.base = mark.end;
        }
        Some(Seen {
            sender: mark.sender,
            lines: mark.lines,
            due: mark.due,
        })
    }

    /// Parses the lines that are complete.
    fn parse(&mut self, senders: &mut [Sender]) {
        let from = (self.parsed - self.base) as usize;
        let mut at = from;
        while let Some(length) = memchr::memchr(b'\n', &self.log[at..]) {
            let line = &self.log[at..at + length];
            at += length + 1;
            self.parsed = self.base + at as u64;
            let Some((sender, seq)) = spoken(line) else {
                self.faults.damaged += u64::from(!is_notice(line));
                continue;
            };
            let Some(by) = senders.get_mut(sender) else {
                self.faults.damaged += 1;
                continue;
            };
            match by.came(seq) {
                Err(()) => self.faults.misplaced += 1,
                Ok(None) => {}
                Ok(Some(batch)) => self.marks.push_back(Mark {
                    end: self.parsed,
                    sender,
                    lines: batch.lines,
                    due: batch.due,
                    left: self.readers,
                }),
            }
        }
    }
}

/// The sender of a run's line, and its number.
fn spoken(line: &[u8]) -> Option<(usize, u64)> {
    match line::parse(text(line)?) {
        Parsed::Whole { client, seq, .. } => Some((client as usize, seq)),
        _ => None,
    }
}

/// The text of a line that a member has said.
pub(crate) fn text(line: &[u8]) -> Option<&[u8]> {
    match what(line)? {
        What::Said { text, .. } => Some(text.as_bytes()),
        _ => None,
    }
}

/// Whether it is a line of the server's own.
pub(crate) fn is_notice(line: &[u8]) -> bool {
    notice(line).is_some()
}

/// The server's notice: `ann left`.
pub(crate) fn notice(line: &[u8]) -> Option<Notice<'_>> {
    match what(line)? {
        What::Notice(text) => Some(Notice::parse(text)),
        _ => None,
    }
}

/// What a line says, if it is no line of the past.
fn what(line: &[u8]) -> Option<What<'_>> {
    let line = grammar::parse(str::from_utf8(line).ok()?);
    line.time.is_none().then_some(line.what)
}

#[cfg(test)]
mod tests {
    use super::super::super::message::Shape;
    use super::*;

    fn said(shape: &Shape, seq: u64) -> Vec<u8> {
        let mut slot = shape.slots(1);
        shape.render(0, seq, &mut slot);
        [b"<guest-1> ".to_vec(), slot].concat()
    }

    /// A room of two readers, and a sender of two lines.
    fn room() -> (Room, Vec<Sender>, Shape) {
        let shape = Shape::new("r", 32, 1, 10).expect("large enough");
        let mut sender = Sender::new(0, 0);
        sender.queue(&shape, 2, Instant::now());
        let room = Room {
            readers: 2,
            ..Room::default()
        };
        (room, vec![sender], shape)
    }

    #[test]
    fn all_have_to_see_the_same_lines() {
        let (mut room, mut senders, shape) = room();
        let all = [said(&shape, 0), b"-- ann left\n".to_vec(), said(&shape, 1)].concat();
        let (mut one, mut two) = (Position::default(), Position::default());
        assert_eq!(room.take(&mut one, &all[..70], &mut senders), Ok(()));
        assert_eq!(room.pass(&mut one), 0);
        assert_eq!(room.take(&mut two, &all, &mut senders), Ok(()));
        assert_eq!((room.pass(&mut two), room.seen().is_none()), (2, true));
        assert_eq!(room.take(&mut one, &all[70..], &mut senders), Ok(()));
        assert_eq!(room.pass(&mut one), 2);
        assert_eq!(room.seen().expect("both have").lines, 2);
        assert_eq!((room.faults.misplaced, room.faults.damaged), (0, 0));
    }

    #[test]
    fn another_order_a_gap_or_rubbish_is_found() {
        let (mut room, mut senders, shape) = room();
        let (mut one, mut two) = (Position::default(), Position::default());
        let first = said(&shape, 0);
        assert_eq!(room.take(&mut one, &first, &mut senders), Ok(()));
        assert_eq!(
            room.take(&mut two, &said(&shape, 1), &mut senders),
            Err(Different)
        );
        assert_eq!(room.take(&mut one, &first, &mut senders), Ok(()));
        assert_eq!(room.faults.misplaced, 1);
        assert_eq!(room.take(&mut one, b"<guest-1> hm\n", &mut senders), Ok(()));
        assert_eq!(room.faults.damaged, 1);
    }
}
