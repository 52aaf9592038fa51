//! The cutting itself.
//!
//! | framing | between messages | inside one | inside one that is skipped |
//! |---|---|---|---|
//! | lines, nul | `Start`, nothing gathered | `Start`, gathered | `SkipToDelimiter` |
//! | typed | the same, or `AfterReturn` | `Start`, gathered | `SkipToDelimiter` |
//! | octet, len16, len32 | `Start` | `Header`, then `Body` | `SkipCount` |
//! | raw | `Start` | never | never |

mod place;

use memchr::{memchr, memchr2};

use self::place::{Found, Place};
use super::{Extent, Fault, Framing, Message, Overlong};

/// Digits of the largest octet count that is read: enough for a GiB.
const COUNT_DIGITS_MAX: u8 = 10;

/// Cuts one connection's bytes. See the module's head.
#[derive(Debug)]
pub(crate) struct Decoder {
    framing: Framing,
    overlong: Overlong,
    max: usize,
    place: Place,
    /// The message that a piece's edge has cut, so far.
    gathered: Vec<u8>,
    /// `gathered` was handed out as a message and is to be emptied.
    handed_out: bool,
    truncated: u64,
    dropped: u64,
    fault: Option<Fault>,
}

impl Decoder {
    /// `max` is in bytes, for one message.
    pub(crate) fn new(framing: Framing, max: usize, overlong: Overlong) -> Decoder {
        Decoder {
            framing,
            overlong,
            max,
            place: Place::Start,
            gathered: Vec::new(),
            handed_out: false,
            truncated: 0,
            dropped: 0,
            fault: None,
        }
    }

    /// The next message of `piece`, and how many bytes of it are used up with it. Without a
    /// message, all of it was taken or there is a [`fault`](Decoder::fault).
    pub(crate) fn next<'a>(&'a mut self, piece: &'a [u8]) -> (usize, Option<Message<'a>>) {
        if std::mem::take(&mut self.handed_out) {
            self.gathered.clear();
        }
        if let Some((used, bytes)) = self.line_here(piece) {
            let extent = Extent::Whole;
            return (used, Some(Message { bytes, extent }));
        }
        let mut at = 0;
        while at < piece.len() && self.fault.is_none() {
            match self.step(&piece[at..]) {
                Found::Taken(used) => at += used,
                Found::Fault(fault) => self.fault = Some(fault),
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
                    self.handed_out = true;
                    let bytes = &self.gathered[..length];
                    return (at + used, Some(Message { bytes, extent }));
                }
            }
        }
        (at, None)
    }

    /// A whole line at the front of the piece, which is what nearly all messages are: the one case
    /// that is worth a way of its own. All others, and what is too long, go step by step.
    #[inline]
    fn line_here<'a>(&self, piece: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let between = self.place == Place::Start && self.gathered.is_empty();
        if !between || self.framing != Framing::Lines {
            return None;
        }
        let end = memchr(b'\n', piece)?;
        let line = &piece[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (line.len() <= self.max).then_some((end + 1, line))
    }

    /// The stream has ended: what was begun and never finished, if anything; nothing after a fault.
    /// Of a line, a carriage return at its end is not part, as in a whole one.
    pub(crate) fn finish(&mut self) -> Option<Message<'_>> {
        if self.fault.is_some() {
            return None;
        }
        if std::mem::take(&mut self.handed_out) {
            self.gathered.clear();
        }
        let begun = match self.place {
            Place::Start | Place::Body { .. } => !self.gathered.is_empty(),
            Place::AfterReturn
            | Place::Header { .. }
            | Place::SkipToDelimiter
            | Place::SkipCount(_) => false,
        };
        self.place = Place::Start;
        self.handed_out = true;
        let length = self.gathered.len() - usize::from(self.ends_in_return(&self.gathered));
        begun.then_some(Message {
            bytes: &self.gathered[..length],
            extent: Extent::Partial,
        })
    }

    /// Why nothing more will come.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_inside(&self) -> bool {
        let is_between = matches!(self.place, Place::Start | Place::AfterReturn);
        !is_between || (!self.handed_out && !self.gathered.is_empty())
    }

    /// What came of the message under way before this piece.
    pub(crate) fn begun(&self) -> &[u8] {
        if self.handed_out { &[] } else { &self.gathered }
    }

    /// Over-long messages since the last call: those truncated, those dropped.
    pub(crate) fn take_overlong(&mut self) -> (u64, u64) {
        (
            std::mem::take(&mut self.truncated),
            std::mem::take(&mut self.dropped),
        )
    }

    /// Gives back memory that nothing needs at rest.
    pub(crate) fn rest(&mut self) {
        if std::mem::take(&mut self.handed_out) || self.gathered.is_empty() {
            self.gathered = Vec::new();
        }
    }

    /// Bytes that it keeps.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.gathered.len()
    }

    fn step(&mut self, piece: &[u8]) -> Found {
        match self.place {
            Place::SkipToDelimiter => self.skip_to_delimiter(piece),
            Place::SkipCount(left) => {
                let used = left.min(piece.len());
                self.place = if used == left {
                    Place::Start
                } else {
                    Place::SkipCount(left - used)
                };
                Found::Taken(used)
            }
            Place::Body { missing, then_skip } => self.body(piece, missing, then_skip),
            Place::Header { seen, value } => self.header(piece[0], seen, value),
            Place::AfterReturn => {
                self.place = Place::Start;
                Found::Taken(usize::from(matches!(piece[0], b'\n' | 0)))
            }
            Place::Start => match self.framing {
                Framing::Lines | Framing::Typed | Framing::Nul => self.delimited(piece),
                Framing::Raw => {
                    let length = piece.len().min(self.max);
                    Found::Here {
                        length,
                        used: length,
                        extent: Extent::Whole,
                    }
                }
                Framing::Octet | Framing::Len16 | Framing::Len32 => self.header(piece[0], 0, 0),
            },
        }
    }

    /// Where the first message of the piece ends.
    fn find_delimiter(&self, piece: &[u8]) -> Option<usize> {
        match self.framing {
            Framing::Nul => memchr(0, piece),
            Framing::Typed => memchr2(b'\n', b'\r', piece),
            _ => memchr(b'\n', piece),
        }
    }

    /// Where it is after a delimiter.
    fn place_after(&self, delimiter: u8) -> Place {
        match (self.framing, delimiter) {
            (Framing::Typed, b'\r') => Place::AfterReturn,
            _ => Place::Start,
        }
    }

    fn skip_to_delimiter(&mut self, piece: &[u8]) -> Found {
        match self.find_delimiter(piece) {
            Some(end) => {
                self.place = self.place_after(piece[end]);
                Found::Taken(end + 1)
            }
            None => Found::Taken(piece.len()),
        }
    }

    fn delimited(&mut self, piece: &[u8]) -> Found {
        let end = self.find_delimiter(piece);
        let after = end.map_or(Place::Start, |end| self.place_after(piece[end]));
        if self.gathered.is_empty()
            && let Some(end) = end
        {
            let length = end - usize::from(self.ends_in_return(&piece[..end]));
            if length <= self.max {
                self.place = after;
                return Found::Here {
                    length,
                    used: end + 1,
                    extent: Extent::Whole,
                };
            }
        }
        // One byte more than the bound may be gathered: it can be the carriage return of a line
        // that fits.
        let room = self.max + 1 - self.gathered.len();
        let body = end.unwrap_or(piece.len());
        let taken = body.min(room);
        self.gathered.extend_from_slice(&piece[..taken]);
        if let Some(end) = end.filter(|_| taken == body) {
            let length = self.gathered.len() - usize::from(self.ends_in_return(&self.gathered));
            if length <= self.max {
                self.place = after;
                return Found::Gathered {
                    length,
                    used: end + 1,
                    extent: Extent::Whole,
                };
            }
            return self.overlong_line(end + 1, after);
        }
        let may_fit = self.gathered.len() <= self.max || self.ends_in_return(&self.gathered);
        if taken == body && may_fit {
            return Found::Taken(taken);
        }
        self.overlong_line(taken, Place::SkipToDelimiter)
    }

    /// The gathered line is over the bound, whatever follows.
    fn overlong_line(&mut self, used: usize, place: Place) -> Found {
        self.place = place;
        match self.overlong {
            Overlong::Truncate => {
                self.truncated += 1;
                Found::Gathered {
                    length: self.max,
                    used,
                    extent: Extent::Truncated,
                }
            }
            Overlong::Drop => {
                self.dropped += 1;
                self.gathered.clear();
                Found::Taken(used)
            }
            Overlong::Close => Found::Fault(Fault::Overlong),
        }
    }

    fn ends_in_return(&self, line: &[u8]) -> bool {
        self.framing == Framing::Lines && line.last() == Some(&b'\r')
    }

    /// One byte of a length.
    fn header(&mut self, byte: u8, seen: u8, value: u64) -> Found {
        if self.framing == Framing::Octet {
            return match byte {
                b'0'..=b'9' if seen < COUNT_DIGITS_MAX && (seen > 0 || byte != b'0') => {
                    let value = value * 10 + u64::from(byte - b'0');
                    self.place = Place::Header {
                        seen: seen + 1,
                        value,
                    };
                    Found::Taken(1)
                }
                b' ' if seen > 0 && value <= self.max as u64 => self.begin_body(value),
                b' ' if seen > 0 => Found::Fault(Fault::Overlong),
                _ => Found::Fault(Fault::BadCount),
            };
        }
        let (value, seen) = (value << 8 | u64::from(byte), seen + 1);
        if seen < if self.framing == Framing::Len16 { 2 } else { 4 } {
            self.place = Place::Header { seen, value };
            return Found::Taken(1);
        }
        if value <= self.max as u64 {
            return self.begin_body(value);
        }
        match self.overlong {
            Overlong::Close => return Found::Fault(Fault::Overlong),
            Overlong::Drop => {
                self.dropped += 1;
                self.place = Place::SkipCount(value as usize);
            }
            Overlong::Truncate => {
                self.truncated += 1;
                let then_skip = value as usize - self.max;
                self.place = Place::Body {
                    missing: self.max,
                    then_skip,
                };
            }
        }
        Found::Taken(1)
    }

    /// The last byte of a header was read.
    fn begin_body(&mut self, length: u64) -> Found {
        if length == 0 {
            self.place = Place::Start;
            return Found::Gathered {
                length: 0,
                used: 1,
                extent: Extent::Whole,
            };
        }
        self.place = Place::Body {
            missing: length as usize,
            then_skip: 0,
        };
        Found::Taken(1)
    }

    fn body(&mut self, piece: &[u8], missing: usize, then_skip: usize) -> Found {
        let taken = missing.min(piece.len());
        if taken < missing {
            self.gathered.extend_from_slice(&piece[..taken]);
            self.place = Place::Body {
                missing: missing - taken,
                then_skip,
            };
            return Found::Taken(taken);
        }
        let extent = if then_skip > 0 {
            Extent::Truncated
        } else {
            Extent::Whole
        };
        self.place = if then_skip > 0 {
            Place::SkipCount(then_skip)
        } else {
            Place::Start
        };
        if self.gathered.is_empty() {
            return Found::Here {
                length: taken,
                used: taken,
                extent,
            };
        }
        self.gathered.extend_from_slice(&piece[..taken]);
        Found::Gathered {
            length: self.gathered.len(),
            used: taken,
            extent,
        }
    }
}
