//! What one message looks like: `flood <run> <client> <seq> ` and padding, `.` and a newline.
//!
//! Whatever a client has ever sent is a function of its number and the position in its stream,
//! so nobody keeps a copy of it: neither to write the rest of it later nor to compare the reply.
//! The padding depends on its position and the full stop is found nowhere else, so a line that
//! lost its middle or its end is known without knowing what was sent.

use std::ops::Range;

const WORD: &[u8] = b"flood ";
const PADDING: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The longest run id.
pub const RUN_MAX: usize = 16;
/// The longest header: the word, the run, two numbers of twenty digits, their spaces.
const HEADER_MAX: usize = WORD.len() + RUN_MAX + 20 + 20 + 3;

/// What all the messages of one run have in common.
#[derive(Debug, Clone)]
pub struct Shape {
    run: String,
    /// A message's length in bytes, with its newline.
    size: usize,
    /// `flood <run> `
    stem: Vec<u8>,
    /// One message's worth of padding, with its end.
    blank: Vec<u8>,
}

impl Shape {
    /// Messages of `size` bytes, none of which has a greater number than these two.
    /// The error is the least size that would do.
    pub fn new(run: &str, size: usize, clients: u64, messages: u64) -> Result<Self, usize> {
        let stem = [WORD, run.as_bytes(), b" "].concat();
        let least = stem.len() + digits(clients) + 1 + digits(messages) + 1 + 2;
        if size < least {
            return Err(least);
        }
        let mut blank: Vec<u8> = (0..size).map(padding).collect();
        blank[size - 2..].copy_from_slice(b".\n");
        let run = run.to_owned();
        Ok(Self {
            run,
            size,
            stem,
            blank,
        })
    }

    /// This run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// A message's length in bytes, with its newline.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Room for `count` messages, ready for [`Shape::render`].
    pub fn slots(&self, count: usize) -> Vec<u8> {
        self.blank.repeat(count)
    }

    /// Turns a slot into one message. Only the start of the slot is written: the rest of it
    /// is the same for all messages, and was there from the beginning.
    pub fn render(&self, client: u64, seq: u64, slot: &mut [u8]) {
        let head = HEADER_MAX.min(self.size);
        slot[..head].copy_from_slice(&self.blank[..head]);
        slot[..self.stem.len()].copy_from_slice(&self.stem);
        let at = put_number(slot, self.stem.len(), client);
        put_number(slot, at, seq);
    }

    /// The bytes of a client's stream from `offset`, at most `len` of them, out of `slots`.
    pub fn stream<'a>(
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

/// What a line turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A whole message, undamaged; `size` counts the newline.
    Whole {
        run: &'a [u8],
        client: u64,
        seq: u64,
        size: usize,
    },
    /// The beginning of a message, undamaged as far as it goes.
    Cut,
    /// Nothing that was ever sent.
    Damaged,
}

/// Reads a line (without its newline) back.
pub fn parse(line: &[u8]) -> Line<'_> {
    read(line).unwrap_or_else(|fault| fault)
}

fn read(line: &[u8]) -> Result<Line<'_>, Line<'_>> {
    if !line.starts_with(WORD) {
        return Err(if WORD.starts_with(line) {
            Line::Cut
        } else {
            Line::Damaged
        });
    }
    let (run, at) = field(line, WORD.len(), RUN_MAX, u8::is_ascii_alphanumeric)?;
    let (client, at) = field(line, at, 20, u8::is_ascii_digit)?;
    let (seq, at) = field(line, at, 20, u8::is_ascii_digit)?;
    let ended = line.len() > at && line.ends_with(b".");
    let end = line.len() - usize::from(ended);
    if (at..end).any(|i| line[i] != padding(i)) {
        return Err(Line::Damaged);
    }
    if !ended {
        return Err(Line::Cut);
    }
    let (client, seq) = (number(client)?, number(seq)?);
    Ok(Line::Whole {
        run,
        client,
        seq,
        size: line.len() + 1,
    })
}

/// The field that begins at `at` and ends with a space, and where the next begins.
fn field(
    line: &[u8],
    at: usize,
    max: usize,
    fits: fn(&u8) -> bool,
) -> Result<(&[u8], usize), Line<'_>> {
    let rest = &line[at..];
    let len = rest.iter().take_while(|byte| fits(byte)).count();
    match rest.get(len) {
        _ if len > max => Err(Line::Damaged),
        Some(b' ') if len > 0 => Ok((&rest[..len], at + len + 1)),
        Some(_) => Err(Line::Damaged),
        None => Err(Line::Cut),
    }
}

fn number(digits: &[u8]) -> Result<u64, Line<'static>> {
    str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Line::Damaged)
}

fn padding(position: usize) -> u8 {
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
    fn a_message_is_read_back() {
        let shape = Shape::new("c0ffee", 64, 99, 100_000).unwrap();
        let mut slot = shape.slots(1);
        shape.render(17, 4711, &mut slot);
        assert_eq!(slot.len(), 64);
        assert!(slot.starts_with(b"flood c0ffee 17 4711 vwxyz"));
        let line = slot.strip_suffix(b"\n").unwrap();
        let whole = Line::Whole {
            run: b"c0ffee",
            client: 17,
            seq: 4711,
            size: 64,
        };
        assert_eq!(parse(line), whole);
        for end in 0..line.len() {
            assert_eq!(parse(&line[..end]), Line::Cut, "{end}");
        }
        for at in 0..line.len() {
            let mut hurt = line.to_vec();
            hurt.remove(at);
            assert_ne!(parse(&hurt), whole, "{at}");
        }
    }

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

    #[test]
    fn the_least_size_is_enough() {
        let least = Shape::new("ab", 1, 100, 1000).unwrap_err();
        let shape = Shape::new("ab", least, 100, 1000).unwrap();
        let mut slot = shape.slots(1);
        shape.render(100, 1000, &mut slot);
        assert!(matches!(
            parse(&slot[..least - 1]),
            Line::Whole {
                client: 100,
                seq: 1000,
                ..
            }
        ));
    }
}
