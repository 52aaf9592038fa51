//! Detects that the output stands still.
//!
//! A worker waits for the output as its writer, for room, or for its messages to be safe. Each of
//! these waits for the piece that the writer has in hand. So it is enough that the watch sees the
//! same piece again: messages cost nothing here.

use std::time::{Duration, Instant};

use crate::series::{Series, Told};

/// A piece that takes this long is logged.
const BLOCKED: Duration = Duration::from_secs(1);
/// Shorter waits are usual for a disk.
pub(super) const HELD_UP: Duration = Duration::from_millis(100);

/// See the head of the file.
#[derive(Default)]
pub(super) struct Standstill {
    /// The number of the piece in hand, and when it was first seen.
    piece: Option<(u64, Instant)>,
    /// Since when the output stands still, once that is long enough to log.
    told: Option<Instant>,
    /// The time of past standstills.
    total: Duration,
    /// Each standstill is a key.
    lines: Series<Instant>,
    /// This one was logged.
    has_line: bool,
}

/// A change to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Blocks(Told),
    GoesOn { after: Duration },
}

impl Standstill {
    /// Checks the piece in hand; `None` when there is none.
    pub(super) fn look(&mut self, now: Instant, in_hand: Option<u64>) -> Option<Change> {
        let before = self.piece;
        let waited = before.map(|(_, since)| now.saturating_duration_since(since));
        if let Some(number) = in_hand
            && before.is_some_and(|(seen, _)| seen == number)
        {
            let is_late = waited.is_some_and(|waited| waited >= BLOCKED);
            if !is_late || self.told.is_some() {
                return None;
            }
            let (_, since) = before?;
            self.told = Some(since);
            let told = self.lines.happened(since, now);
            self.has_line = told.is_some();
            return told.map(Change::Blocks);
        }
        self.piece = in_hand.map(|number| (number, now));
        // While each piece takes long, it is a single standstill.
        let was_long = waited.is_none_or(|waited| waited >= BLOCKED);
        if in_hand.is_some() && was_long {
            return None;
        }
        let since = self.told.take()?;
        let after = now.saturating_duration_since(since);
        self.total += after;
        self.has_line.then_some(Change::GoesOn { after })
    }

    /// For how long it has stood still; zero if it does not.
    pub(super) fn lasts(&self, now: Instant) -> Duration {
        let piece = self.piece.map(|(_, since)| since);
        let lasts = now.saturating_duration_since(self.told.or(piece).unwrap_or(now));
        if lasts < HELD_UP {
            Duration::ZERO
        } else {
            lasts
        }
    }

    /// The total time of standstills of a second or more.
    pub(super) fn total(&self, now: Instant) -> Duration {
        self.total
            + self
                .told
                .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// When to check again if nothing happens.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let (_, since) = self.piece?;
        Some((since + BLOCKED).max(now + HELD_UP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_standstill_is_told_once_and_ends_when_the_output_flows() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut output = Standstill::default();
        let mut told = Vec::new();
        for (ms, in_hand) in [
            (0, Some(1)),
            (900, Some(1)),
            (901, Some(2)),
            (1900, Some(2)),
            (1902, Some(2)),
            (5000, Some(2)),
            // Each takes long.
            (5001, Some(3)),
            (6500, Some(4)),
            // One does not.
            (6600, Some(5)),
            (6700, None),
            (9000, Some(6)),
            (9001, None),
            (9100, Some(7)),
            (10_100, Some(7)),
            (10_101, None),
        ] {
            told.extend(output.look(at(ms), in_hand).map(|change| (ms, change)));
        }
        let goes_on = |ms| Change::GoesOn {
            after: Duration::from_millis(ms),
        };
        let blocks = Change::Blocks(Told {
            is_new: true,
            earlier: 0,
        });
        let expected = [
            (1902, blocks),
            (6600, goes_on(6600 - 901)),
            (10_100, blocks),
            (10_101, goes_on(1001)),
        ];
        assert_eq!(told, expected);
        assert_eq!(
            output.total(at(20_000)),
            Duration::from_millis(6600 - 901 + 1001)
        );
        assert_eq!(output.lasts(at(20_000)), Duration::ZERO);
    }
}
