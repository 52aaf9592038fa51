//! The form of a message: `flood <run> <client> <seq> ` and padding, `.` and a newline.
//!
//! All that a client sends is a function of its number and the position in its stream, so no copy
//! is kept, neither to write the rest later nor to compare the reply. The padding depends on its
//! position and the full stop occurs nowhere else, so a line that lost its middle or its end is
//! recognized without knowing what was sent.

use std::ops::Range;

/// How every message begins.
pub(crate) const WORD: &[u8] = b"flood ";
const PADDING: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The longest run id.
pub(crate) const RUN_MAX: usize = 16;
/// The longest header: the word, the run, two numbers of twenty digits, their spaces.
const HEADER_MAX: usize = WORD.len() + RUN_MAX + 20 + 20 + 3;

/// The common part of a run's messages.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    run: String,
    /// A message's length in bytes, with its newline.
    size: usize,
    /// `flood <run> `
    stem: Vec<u8>,
    /// One message's worth of padding, with its end.
    blank: Vec<u8>,
}

impl Shape {
    /// Messages of `size` bytes, none of which has a greater number than these two. The error is
    /// the minimum size.
    pub(crate) fn new(run: &str, size: usize, clients: u64, messages: u64) -> Result<Shape, usize> {
        let stem = [WORD, run.as_bytes(), b" "].concat();
        let least = stem.len() + digits(clients) + 1 + digits(messages) + 1 + 2;
        if size < least {
            return Err(least);
        }
        let mut blank: Vec<u8> = (0..size).map(padding).collect();
        blank[size - 2..].copy_from_slice(b".\n");
        let run = run.to_owned();
        Ok(Shape {
            run,
            size,
            stem,
            blank,
        })
    }

    /// This run's id.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// A message's length in bytes, with its newline.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Room for `count` messages, ready for [`Shape::render`].
    pub(crate) fn slots(&self, count: usize) -> Vec<u8> {
        self.blank.repeat(count)
    }

    /// Turns a slot into one message. Only the start of the slot is written: the rest of it
    /// is the same for all messages, and was there from the beginning.
    pub(crate) fn render(&self, client: u64, seq: u64, slot: &mut [u8]) {
        let head = HEADER_MAX.min(self.size);
        slot[..head].copy_from_slice(&self.blank[..head]);
        slot[..self.stem.len()].copy_from_slice(&self.stem);
        let at = put_number(slot, self.stem.len(), client);
        put_number(slot, at, seq);
    }

    /// The bytes of a client's stream from `offset`, at most `len` of them, out of `slots`.
    pub(crate) fn stream<'a>(
        &self,
        slots: &'a mut [u8],
        client: u64,
        offset: u64,
        len: usize,
    ) -> &'a [u8] {
        let first = offset / self.size as u64;
        let Range { start, end } = self.window(offset, len, slots.len());
        let wanted = slots
            .chunks_exact_mut(self.size)
            .take(end.div_ceil(self.size));
        for (slot, seq) in wanted.zip(first..) {
            self.render(client, seq, slot);
        }
        &slots[start..end]
    }

    fn window(&self, offset: u64, len: usize, room: usize) -> Range<usize> {
        let start = (offset % self.size as u64) as usize;
        start..(start + len).min(room)
    }
}

/// The byte of padding at a position in a message.
pub(crate) fn padding(position: usize) -> u8 {
    PADDING[position % PADDING.len()]
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Writes the number and a space; says where they end. `format!` would allocate.
fn put_number(slot: &mut [u8], at: usize, mut number: u64) -> usize {
    let end = at + digits(number);
    for place in slot[at..end].iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
    slot[end] = b' ';
    end + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_number_leaves_no_trace_of_the_longer() {
        let shape = Shape::new("1", 40, 999, 999).unwrap();
        let (mut used, mut fresh) = (shape.slots(1), shape.slots(1));
        shape.render(999, 999, &mut used);
        shape.render(1, 2, &mut used);
        shape.render(1, 2, &mut fresh);
        assert_eq!(used, fresh);
    }

    #[test]
    fn any_part_of_the_stream_is_the_same_bytes() {
        let shape = Shape::new("ab", 30, 5, 20).unwrap();
        let whole = shape.stream(&mut shape.slots(9), 3, 0, 270).to_vec();
        for (start, len) in [(0, 30), (1, 29), (29, 2), (31, 150), (89, 31)] {
            let mut slots = shape.slots(7);
            let part = shape.stream(&mut slots, 3, start as u64, len);
            assert_eq!(part, &whole[start..start + len], "{start} {len}");
        }
    }
}
