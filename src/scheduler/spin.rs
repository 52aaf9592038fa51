//! Whether the leader spins for a while before it blocks, found by trying both.
//!
//! To block a thread and to wake it costs time on both sides, on an idle core of a virtual machine
//! more than a turn. If a client asks, waits for its answer and asks again, that is most of a
//! message's cost, and a leader that spins meanwhile halves it. If messages come independently, or
//! others need the core, spinning gains nothing and costs much. Only the clock can distinguish the
//! two: from time to time some waits block and some spin, and the time per turn decides for the
//! next.

use std::time::Duration;

/// Waits in a trial of either.
const TRY: u32 = 64;
/// Maximum number of trial lengths for which a verdict holds, after the same verdict several times.
/// (Large enough that less than one wait in a hundred is a trial of the other, which p99 does not
/// see.)
const TRUST_MAX: u32 = 256;
/// A wait counts for no more than this: longer ones depend on the clients only.
const WAIT_MAX: Duration = Duration::from_micros(200);

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct Spin {
    phase: Trial,
    /// Waits left in this phase.
    left: u32,
    /// The time of this phase's waits and turns, and the number of turns.
    time: Duration,
    turns: u32,
    /// The verdict, and for how many [trials](TRY) it holds.
    pays: bool,
    trust: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// A trial of blocking at once.
    Sleeping,
    /// A trial of spinning; holds the time per turn, waits included, of the trial before.
    Spinning(Duration),
    /// Follows the verdict.
    Settled,
}

impl Spin {
    pub(crate) fn new() -> Spin {
        Spin {
            phase: Trial::Sleeping,
            left: TRY,
            time: Duration::ZERO,
            turns: 0,
            pays: false,
            trust: 1,
        }
    }

    /// Counts a turn.
    pub(crate) fn ended(&mut self, took: Duration) {
        self.turns = self.turns.saturating_add(1);
        self.time += took;
    }

    /// Counts a wait.
    pub(crate) fn waited(&mut self, took: Duration) {
        self.time += took.min(WAIT_MAX);
    }

    /// Answers whether the next wait spins.
    pub(crate) fn decide(&mut self) -> bool {
        if self.left == 0 {
            self.turn_over();
        }
        self.left -= 1;
        match self.phase {
            Trial::Sleeping => false,
            Trial::Spinning(_) => true,
            Trial::Settled => self.pays,
        }
    }

    /// Goes to the next phase.
    fn turn_over(&mut self) {
        let each = self.time / self.turns.max(1);
        self.left = TRY;
        self.phase = match self.phase {
            Trial::Settled => Trial::Sleeping,
            Trial::Sleeping => Trial::Spinning(each),
            Trial::Spinning(slept) => {
                // Spinning takes a core, so it must save at least a quarter of the time; half of
                // that where it did before, so that a saving near the bound does not alternate.
                let bound = if self.pays { 7 } else { 6 };
                let pays = each < slept * bound / 8;
                self.trust = match pays == self.pays {
                    true => (self.trust * 2).min(TRUST_MAX),
                    false => 1,
                };
                self.pays = pays;
                self.left = TRY * self.trust;
                Trial::Settled
            }
        };
        self.time = Duration::ZERO;
        self.turns = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Duration = Duration::from_micros(5);

    /// Makes `count` waits, each for one turn, with these times when blocked and when spun. Answers
    /// how many were spun.
    fn waits(spin: &mut Spin, count: u32, slept: Duration, spun: Duration) -> u32 {
        let mut count_spun = 0;
        for _ in 0..count {
            let spins = spin.decide();
            count_spun += u32::from(spins);
            spin.waited(if spins { spun } else { slept });
            spin.ended(TURN);
        }
        count_spun
    }

    const fn micros(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn where_spinning_halves_a_wait_nearly_all_spin() {
        let mut spin = Spin::new();
        waits(&mut spin, 100_000, micros(50), micros(25));
        let spins = waits(&mut spin, 100_000, micros(50), micros(25));
        assert!((99_000..100_000).contains(&spins), "{spins}");
    }

    #[test]
    fn where_messages_come_independently_hardly_any_wait_spins() {
        let mut spin = Spin::new();
        waits(&mut spin, 100_000, micros(80), micros(70));
        let spins = waits(&mut spin, 100_000, micros(80), micros(70));
        assert!((1..1_000).contains(&spins), "{spins}");
    }

    #[test]
    fn a_saving_near_the_bound_keeps_its_verdict() {
        let mut spin = Spin::new();
        // A turn takes 5 µs: of 55 are saved 15, then 12 and 15 alternately.
        waits(&mut spin, 100_000, micros(50), micros(35));
        for _ in 0..100 {
            waits(&mut spin, 10_000, micros(50), micros(38));
            waits(&mut spin, 10_000, micros(50), micros(35));
        }
        assert!(waits(&mut spin, 100_000, micros(50), micros(38)) > 99_000);
        // Where it has not paid, 12 are too few.
        let mut spin = Spin::new();
        assert!(waits(&mut spin, 100_000, micros(50), micros(38)) < 2_000);
    }

    #[test]
    fn what_turns_cost_counts_too() {
        let mut spin = Spin::new();
        let spins = (0..10_000).filter(|_| {
            let spins = spin.decide();
            spin.waited(micros(if spins { 10 } else { 40 }));
            // What spinning saves in waits it loses in turns, because another process needs the
            // core.
            spin.ended(micros(if spins { 35 } else { 5 }));
            spins
        });
        assert!(spins.count() < 1_000);
    }

    #[test]
    fn a_change_is_noticed_within_some_ten_thousand_waits() {
        let mut spin = Spin::new();
        let (held, most) = (TRY * TRUST_MAX + 2 * TRY, TRY * TRUST_MAX / 2);
        for _ in 0..3 {
            waits(&mut spin, 4 * held, micros(50), micros(25));
            assert!(waits(&mut spin, held, micros(50), micros(25)) > most);
            waits(&mut spin, 2 * held, micros(25), micros(50));
            assert!(waits(&mut spin, held, micros(25), micros(50)) < most);
        }
    }

    #[test]
    fn a_pause_between_dialogues_decides_nothing() {
        let mut spin = Spin::new();
        for _ in 0..1_000 {
            waits(&mut spin, 90, micros(50), micros(10));
            waits(&mut spin, 1, Duration::from_secs(9), Duration::from_secs(9));
        }
        assert!(waits(&mut spin, 10_000, micros(50), micros(10)) > 9_000);
    }
}
