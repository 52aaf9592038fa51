//! What everybody in a room has to see.
//!
//! Whoever is ahead decides what that is: its bytes are kept until all have had them, and read
//! line by line once. All others' bytes only have to be the same, which costs next to nothing.

use std::collections::VecDeque;
use std::time::Instant;

use super::super::line::{self, Line};
use super::sender::Sender;

/// So many bytes that nobody needs any more are worth moving the rest.
const TRIM_MIN: usize = 1 << 20;

/// One room.
#[derive(Debug, Default)]
pub struct Room {
    /// The bytes from offset `base` on.
    log: Vec<u8>,
    base: u64,
    /// As far as the lines have been looked at.
    parsed: u64,
    /// The ends of what was sent at once, as far as not everybody has seen them.
    marks: VecDeque<Mark>,
    /// How many marks have gone from the front.
    gone: u64,
    /// Who still reads.
    pub readers: u64,
    pub faults: Faults,
}

/// The end of what a sender has sent at once.
#[derive(Debug)]
struct Mark {
    end: u64,
    sender: usize,
    lines: u64,
    /// When it was sent, or should have been.
    due: Instant,
    /// Readers that have not seen it.
    left: u64,
}

/// What should not have happened.
#[derive(Debug, Default, Clone, Copy)]
pub struct Faults {
    /// Lines whose number was not the next one of their sender.
    pub misplaced: u64,
    /// Lines that nobody sent.
    pub damaged: u64,
}

/// How far a reader is.
#[derive(Debug, Default, Clone, Copy)]
pub struct Place {
    offset: u64,
    mark: u64,
}

/// What everybody has seen since.
pub struct Seen {
    pub sender: usize,
    pub lines: u64,
    pub due: Instant,
}

/// A reader saw something else than the others.
#[derive(Debug, PartialEq, Eq)]
pub struct Different;

impl Room {
    /// A reader got these bytes.
    pub fn take(
        &mut self,
        place: &mut Place,
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
    pub fn pass(&mut self, place: &mut Place) -> u64 {
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

    /// A reader has gone: nobody waits for it any more.
    pub fn leave(&mut self, place: Place) {
        self.readers -= 1;
        let ahead = (place.mark - self.gone) as usize;
        self.marks
            .iter_mut()
            .skip(ahead)
            .for_each(|mark| mark.left -= 1);
    }

    /// What everybody has seen, one by one.
    pub fn seen(&mut self) -> Option<Seen> {
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

    /// Looks at the lines that have become whole.
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

/// Who said a line of ours, and its number.
fn spoken(line: &[u8]) -> Option<(usize, u64)> {
    match line::parse(text(line)?) {
        Line::Whole { client, seq, .. } => Some((client as usize, seq)),
        _ => None,
    }
}

/// What was said: `<ann> text` or `#room <ann> text`.
pub fn text(line: &[u8]) -> Option<&[u8]> {
    let line = untagged(line);
    let end = memchr::memchr(b'>', line.strip_prefix(b"<")?)?;
    line[end + 2..].strip_prefix(b" ")
}

/// What the server says itself: `-- ann left`.
pub fn is_notice(line: &[u8]) -> bool {
    untagged(line).starts_with(b"-- ")
}

fn untagged(line: &[u8]) -> &[u8] {
    match (line.first(), memchr::memchr(b' ', line)) {
        (Some(b'#'), Some(end)) => &line[end + 1..],
        _ => line,
    }
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

    /// A room of two readers, and a sender on whose account two lines are.
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
        let (mut one, mut two) = (Place::default(), Place::default());
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
        let (mut one, mut two) = (Place::default(), Place::default());
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
