//! What all framings share: the unfinished message, its bound, the counts.

use super::{Extent, Fault, Overlong};

/// Most bytes over the bound that may be gathered: those that may turn out to be no part of the
/// message.
const BEYOND_MAX: usize = 64;

/// How one family of framings finds the end of a message.
pub(super) trait Cutter {
    /// Examines the next bytes, at least one.
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found;

    /// How many of the last gathered bytes would not be part of a message that ended now.
    fn tail(&self, _gathered: &[u8]) -> usize {
        0
    }

    /// Whether a message has begun, beyond what `gathered` shows.
    fn is_inside(&self) -> bool {
        false
    }

    /// Whether an empty message is none.
    fn skips_empty(&self) -> bool {
        false
    }

    /// What it remembers between two pieces, to go on in another process; nothing while it
    /// remembers nothing.
    fn marks(&self) -> Vec<u64> {
        Vec::new()
    }

    /// Goes on from these marks; `None` if no stream leads there.
    fn resume(&mut self, marks: &[u64], _store: &Store) -> Option<()> {
        marks.is_empty().then_some(())
    }

    /// The stream has ended, within a message if one `is_begun`. Returns how many of its last
    /// bytes belong to no message.
    fn reset(&mut self, _is_begun: bool) -> u64 {
        0
    }
}

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) max: usize,
    overlong: Overlong,
    /// The beginning of a message that spans pieces.
    pub(super) gathered: Vec<u8>,
    /// Bytes at the front of `gathered` that were handed out; they are removed next.
    spent: usize,
    /// Bytes at the end of `gathered` that belong to the next message.
    kept: usize,
    /// Empty messages are skipped.
    skips_empty: bool,
    /// The current message is over the bound: discard bytes until its end.
    pub(super) skipping: bool,
    /// A message has ended that was not handed out then: it is dropped, was cut before, or is none.
    pub(super) ended: bool,
    pub(super) truncated: u64,
    pub(super) dropped: u64,
    /// Bytes that belong to no message.
    pub(super) stray: u64,
}

/// What one step of the cutting found.
pub(super) enum Found {
    /// A message in the piece: its first `length` bytes; `used` go with it.
    Here {
        length: usize,
        used: usize,
        extent: Extent,
    },
    /// The first `length` bytes that were gathered; `used` bytes of the piece go with them.
    Gathered {
        length: usize,
        used: usize,
        extent: Extent,
    },
    /// No message yet, `used` bytes taken.
    Taken(usize),
    /// The connection must end.
    Fault(Fault),
}

/// Where a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// Bytes of the piece up to the end, delimiter included.
    pub(super) used: usize,
    /// How many of the last bytes are not part of the message.
    pub(super) strip: usize,
}

impl Store {
    pub(super) fn new(max: usize, overlong: Overlong, skips_empty: bool) -> Store {
        Store {
            max,
            overlong,
            gathered: Vec::new(),
            spent: 0,
            kept: 0,
            skips_empty,
            skipping: false,
            ended: false,
            truncated: 0,
            dropped: 0,
            stray: 0,
        }
    }

    /// Whether nothing of a message has come.
    pub(super) fn is_empty(&self) -> bool {
        !self.skipping && self.gathered.len() == self.spent
    }

    /// The bytes that came of the message under way.
    pub(super) fn begun(&self) -> &[u8] {
        &self.gathered[self.spent..]
    }

    /// Goes on in a message that another process's decoder has begun, with the same bound.
    pub(super) fn resume(&mut self, begun: Vec<u8>, skipping: bool, max: u64) -> Option<()> {
        let is_held = begun.len() <= self.max.saturating_add(BEYOND_MAX);
        if max != self.max as u64 || !is_held || (skipping && !begun.is_empty()) {
            return None;
        }
        self.gathered = begun;
        self.skipping = skipping;
        Some(())
    }

    /// Hands out the first `length` gathered bytes. All gathered bytes except those of the next
    /// message are then spent.
    pub(super) fn hand_out(&mut self, length: usize) -> &[u8] {
        self.spent = self.gathered.len() - std::mem::take(&mut self.kept);
        &self.gathered[..length]
    }

    /// Gathers the beginning of the next message, behind the one that was found.
    pub(super) fn keep(&mut self, next: &[u8], found: &Found) {
        self.gathered.extend_from_slice(next);
        if matches!(found, Found::Gathered { .. }) {
            self.kept = next.len();
        }
    }

    /// Removes what was handed out.
    pub(super) fn settle(&mut self) {
        let spent = std::mem::take(&mut self.spent);
        if spent > 0 {
            self.gathered.drain(..spent);
        }
    }

    /// Frees memory that an idle connection does not need.
    pub(super) fn rest(&mut self) {
        self.settle();
        if self.gathered.is_empty() {
            self.gathered = Vec::new();
        }
    }

    /// For framings with an end mark, after a search of the whole piece. Without an ending, the
    /// last `tail` bytes may be the beginning of one.
    pub(super) fn cut(&mut self, piece: &[u8], ending: Option<Ending>, tail: usize) -> Found {
        match ending {
            Some(Ending { used, .. }) if std::mem::take(&mut self.skipping) => Found::Taken(used),
            Some(ending) => self.end(piece, ending),
            None if self.skipping => Found::Taken(piece.len()),
            None => self.go_on(piece, tail),
        }
    }

    /// The message under way ends in this piece.
    pub(super) fn end(&mut self, piece: &[u8], Ending { used, strip }: Ending) -> Found {
        let length = self.gathered.len() + used - strip;
        if length > self.max {
            return self.exceed(piece, used);
        }
        if length == 0 && self.skips_empty {
            self.gathered.clear();
            return Found::Taken(used);
        }
        self.hand(piece, used, length, Extent::Whole)
    }

    fn go_on(&mut self, piece: &[u8], tail: usize) -> Found {
        if self.gathered.len() + piece.len() - tail > self.max {
            self.skipping = true;
            return self.exceed(piece, piece.len());
        }
        self.gathered.extend_from_slice(piece);
        Found::Taken(piece.len())
    }

    /// The message is over the bound, whatever follows.
    fn exceed(&mut self, piece: &[u8], used: usize) -> Found {
        match self.overlong {
            Overlong::Truncate => self.truncate(piece, used),
            Overlong::Drop => {
                self.dropped += 1;
                self.gathered.clear();
                Found::Taken(used)
            }
            Overlong::Close => Found::Fault(Fault::Overlong),
        }
    }

    /// Hands out the beginning of a message over the bound, as much as the bound allows.
    pub(super) fn truncate(&mut self, piece: &[u8], used: usize) -> Found {
        self.truncated += 1;
        self.hand(piece, used, self.max, Extent::Truncated)
    }

    /// A message of known length is over the bound: returns how many bytes of it to gather. It is
    /// truncated when they have come.
    pub(super) fn announce_overlong(&mut self) -> Result<usize, Fault> {
        match self.overlong {
            Overlong::Truncate => Ok(self.max),
            Overlong::Drop => {
                self.dropped += 1;
                self.gathered.clear();
                Ok(0)
            }
            Overlong::Close => Err(Fault::Overlong),
        }
    }

    /// Hands out a message of this length, from the gathered bytes and the piece.
    pub(super) fn hand(
        &mut self,
        piece: &[u8],
        used: usize,
        length: usize,
        extent: Extent,
    ) -> Found {
        if self.gathered.is_empty() {
            return Found::Here {
                length,
                used,
                extent,
            };
        }
        let missing = length.saturating_sub(self.gathered.len());
        self.gathered.extend_from_slice(&piece[..missing]);
        Found::Gathered {
            length,
            used,
            extent,
        }
    }

    /// The stream ends within a message, of which the last `tail` bytes are not part. Returns the
    /// message's length.
    pub(super) fn finish(&mut self, tail: usize) -> Result<Option<(usize, Extent)>, Fault> {
        if std::mem::take(&mut self.skipping) || self.gathered.is_empty() {
            return Ok(None);
        }
        let length = self.gathered.len() - tail;
        if length > self.max {
            let wanted = self.announce_overlong()?;
            self.truncated += u64::from(wanted > 0);
            return Ok((wanted > 0).then_some((wanted, Extent::Truncated)));
        }
        let is_message = length > 0 || !self.skips_empty;
        Ok(is_message.then_some((length, Extent::Partial)))
    }
}

/// Length of the newline at the end of what was gathered and then of `piece`.
pub(super) fn newline(gathered: &[u8], piece: &[u8]) -> usize {
    let mut last = piece.iter().rev().chain(gathered.iter().rev());
    match last.next() {
        Some(b'\n') => 1 + usize::from(last.next() == Some(&b'\r')),
        _ => 0,
    }
}

/// Length of the carriage return at that end.
pub(super) fn carriage_return(gathered: &[u8], piece: &[u8]) -> usize {
    let last = piece.last().or(gathered.last());
    usize::from(last == Some(&b'\r'))
}
