//! Cutting as one would explain it: all the input is there, and may be looked at twice.

use crate::framing::{Extent, Fault, Framing, Overlong};

/// What comes of an input.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) messages: Vec<(Vec<u8>, Extent)>,
    pub(super) truncated: u64,
    pub(super) dropped: u64,
    pub(super) fault: Option<Fault>,
    /// The input ended within a message.
    pub(super) is_inside: bool,
}

/// For every framing but raw, where messages depend on the pieces.
pub(super) fn cut(framing: Framing, max: usize, overlong: Overlong, input: &[u8]) -> Cut {
    let mut cutter = Cutter {
        max,
        overlong,
        cut: Cut::default(),
    };
    let mut rest = input;
    while !rest.is_empty() {
        let used = match framing {
            Framing::Lines | Framing::Typed | Framing::Nul => cutter.delimited(framing, rest),
            Framing::Octet => cutter.octet(rest),
            Framing::Len16 => cutter.counted(2, rest),
            Framing::Len32 => cutter.counted(4, rest),
            Framing::Raw => unreachable!("has no messages of its own"),
        };
        match used {
            Ok(used) => rest = &rest[used..],
            Err(Stop::Inside) => {
                cutter.cut.is_inside = true;
                break;
            }
            Err(Stop::Fault(fault)) => {
                cutter.cut.fault = Some(fault);
                break;
            }
        }
    }
    cutter.cut
}

/// Why there is no next message.
enum Stop {
    Inside,
    Fault(Fault),
}

struct Cutter {
    max: usize,
    overlong: Overlong,
    cut: Cut,
}

impl Cutter {
    fn push(&mut self, bytes: &[u8], extent: Extent) {
        self.cut.messages.push((bytes.to_vec(), extent));
    }

    fn delimited(&mut self, framing: Framing, input: &[u8]) -> Result<usize, Stop> {
        let ends = |byte: &u8| match framing {
            Framing::Nul => *byte == 0,
            Framing::Typed => matches!(byte, b'\n' | b'\r'),
            _ => *byte == b'\n',
        };
        let end = input.iter().position(ends);
        let line = &input[..end.unwrap_or(input.len())];
        let body = match line {
            [body @ .., b'\r'] if framing == Framing::Lines => body,
            _ => line,
        };
        if body.len() > self.max {
            match self.overlong {
                Overlong::Close => return Err(Stop::Fault(Fault::Overlong)),
                Overlong::Drop => self.cut.dropped += 1,
                Overlong::Truncate => {
                    self.cut.truncated += 1;
                    self.push(&body[..self.max], Extent::Truncated);
                }
            }
        } else if end.is_some() {
            self.push(body, Extent::Whole);
        } else {
            self.push(body, Extent::Partial);
        }
        let end = end.ok_or(Stop::Inside)?;
        let more = match (framing, &input[end..]) {
            (Framing::Typed, [b'\r', b'\n' | 0, ..]) => 1,
            _ => 0,
        };
        Ok(end + 1 + more)
    }

    fn octet(&mut self, input: &[u8]) -> Result<usize, Stop> {
        let digits = input.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let bad = digits == 0 || digits > 10 || input[0] == b'0';
        let separator = input.get(digits);
        if bad || separator.is_some_and(|byte| *byte != b' ') {
            return Err(Stop::Fault(Fault::BadCount));
        }
        let (Some(_), Ok(text)) = (separator, std::str::from_utf8(&input[..digits])) else {
            return Err(Stop::Inside);
        };
        let count: usize = text.parse().expect("ten digits at most");
        if count > self.max {
            return Err(Stop::Fault(Fault::Overlong));
        }
        self.body(&input[digits + 1..], count, Extent::Whole)?;
        Ok(digits + 1 + count)
    }

    fn counted(&mut self, width: usize, input: &[u8]) -> Result<usize, Stop> {
        let header = input.get(..width).ok_or(Stop::Inside)?;
        let count = header
            .iter()
            .fold(0, |count, byte| count << 8 | usize::from(*byte));
        let body = &input[width..];
        if count <= self.max {
            self.body(body, count, Extent::Whole)?;
        } else {
            match self.overlong {
                Overlong::Close => return Err(Stop::Fault(Fault::Overlong)),
                Overlong::Drop => self.cut.dropped += 1,
                Overlong::Truncate => {
                    self.cut.truncated += 1;
                    self.body(body, self.max, Extent::Truncated)?;
                }
            }
        }
        if body.len() < count {
            return Err(Stop::Inside);
        }
        Ok(width + count)
    }

    /// A message of known length, or what there is of it.
    fn body(&mut self, input: &[u8], length: usize, extent: Extent) -> Result<(), Stop> {
        if let Some(body) = input.get(..length) {
            self.push(body, extent);
            return Ok(());
        }
        if !input.is_empty() {
            self.push(input, Extent::Partial);
        }
        Err(Stop::Inside)
    }
}
