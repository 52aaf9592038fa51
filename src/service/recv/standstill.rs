//! Whether the output stands still: the one place that knows it, whatever waits for it and why.
//!
//! A worker waits for the output as its writer, for room, or for its messages to be safe; each of
//! them waits for the piece that the writer has in hand. So it is enough to see, from outside and
//! now and then, that it is still the same piece: nothing is counted on the way of a message.

use std::time::{Duration, Instant};

/// A piece that takes so long is told of.
const BLOCKED: Duration = Duration::from_secs(1);
/// Shorter waits are a disk's own, and no reason for anything.
pub(super) const HELD_UP: Duration = Duration::from_millis(100);

/// See the head of the file.
#[derive(Default)]
pub(super) struct Standstill {
    /// The piece in hand, by its number, and when it was seen first.
    piece: Option<(u64, Instant)>,
    /// Since when it stands still, once that was told.
    told: Option<Instant>,
    /// Standstills that are over and were told.
    total: Duration,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Blocks,
    GoesOn { after: Duration },
}

impl Standstill {
    /// A look at the piece in hand; `None` when there is none.
    pub(super) fn look(&mut self, now: Instant, in_hand: Option<u64>) -> Option<Change> {
        let before = self.piece;
        let waited = before.map(|(_, since)| now.saturating_duration_since(since));
        if let Some(number) = in_hand
            && before.is_some_and(|(seen, _)| seen == number)
        {
            let is_late = waited.is_some_and(|waited| waited >= BLOCKED);
            if is_late && self.told.is_none() {
                self.told = before.map(|(_, since)| since);
                return Some(Change::Blocks);
            }
            return None;
        }
        self.piece = in_hand.map(|number| (number, now));
        // While each piece takes long, it is one standstill.
        let was_long = waited.is_none_or(|waited| waited >= BLOCKED);
        if in_hand.is_some() && was_long {
            return None;
        }
        let since = self.told.take()?;
        let after = now.saturating_duration_since(since);
        self.total += after;
        Some(Change::GoesOn { after })
    }

    /// For how long it has stood still; zero while it does not.
    pub(super) fn lasts(&self, now: Instant) -> Duration {
        let piece = self.piece.map(|(_, since)| since);
        let lasts = now.saturating_duration_since(self.told.or(piece).unwrap_or(now));
        if lasts < HELD_UP {
            Duration::ZERO
        } else {
            lasts
        }
    }

    /// All standstills that were told, in all.
    pub(super) fn total(&self, now: Instant) -> Duration {
        self.total
            + self
                .told
                .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// When to look again, though nothing happens.
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
        let expected = [
            (1902, Change::Blocks),
            (6600, goes_on(6600 - 901)),
            (10_100, Change::Blocks),
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
