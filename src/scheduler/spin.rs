//! Whether to look for a while before sleeping, found by trying both.
//!
//! To put a thread to sleep and wake it takes time of the waker as well as of the sleeper, and on
//! an idle core of a virtual machine more than a turn does. Where a client asks, waits for its
//! answer and asks again, that is most of what a message costs, and whoever looks for the next one
//! meanwhile halves it. Where the clients' messages come when they come, or others need the core,
//! looking gains nothing and takes much. The two can't be told apart from inside, but by the clock:
//! now and then some waits are slept and some spun, and what turns took so decides for the next.

use std::time::Duration;

/// Waits in one try of either.
const TRY: u32 = 64;
/// For how many times as many waits a verdict holds, when it was the same time after time. (Many
/// enough that trying the other is less than one wait in a hundred, and so within its p99.)
const TRUST_MAX: u32 = 256;
/// A wait counts for no more: the longer ones tell of the clients only.
const WAIT_MAX: Duration = Duration::from_micros(200);

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct Spin {
    phase: Phase,
    /// Waits that are left of the phase.
    left: u32,
    /// What its waits and turns have taken, and how many turns there were.
    time: Duration,
    turns: u32,
    /// The verdict, and for how many [tries](TRY) it holds.
    pays: bool,
    trust: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Trying to sleep at once.
    Sleeping,
    /// Trying to spin; a turn, with its part of the waits, took so long when they were slept.
    Spinning(Duration),
    /// Doing what is better.
    Settled,
}

impl Spin {
    pub(crate) fn new() -> Spin {
        Spin {
            phase: Phase::Sleeping,
            left: TRY,
            time: Duration::ZERO,
            turns: 0,
            pays: false,
            trust: 1,
        }
    }

    /// A turn took so long.
    pub(crate) fn ended(&mut self, took: Duration) {
        self.turns = self.turns.saturating_add(1);
        self.time += took;
    }

    /// A wait took so long.
    pub(crate) fn waited(&mut self, took: Duration) {
        self.time += took.min(WAIT_MAX);
    }

    /// There is nothing to do: whether to spin.
    pub(crate) fn decide(&mut self) -> bool {
        if self.left == 0 {
            self.turn_over();
        }
        self.left -= 1;
        match self.phase {
            Phase::Sleeping => false,
            Phase::Spinning(_) => true,
            Phase::Settled => self.pays,
        }
    }

    /// To the next phase.
    fn turn_over(&mut self) {
        let each = self.time / self.turns.max(1);
        self.left = TRY;
        self.phase = match self.phase {
            Phase::Settled => Phase::Sleeping,
            Phase::Sleeping => Phase::Spinning(each),
            Phase::Spinning(slept) => {
                // A core is a price: a quarter of the time at least.
                let pays = each < slept * 3 / 4;
                self.trust = match pays == self.pays {
                    true => (self.trust * 2).min(TRUST_MAX),
                    false => 1,
                };
                self.pays = pays;
                self.left = TRY * self.trust;
                Phase::Settled
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

    /// So many waits, each for one turn, that last as told when slept and when spun. Answers how
    /// many of them were spun.
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
    fn where_spinning_halves_a_wait_nearly_all_are_spun() {
        let mut spin = Spin::new();
        waits(&mut spin, 100_000, micros(50), micros(25));
        let spins = waits(&mut spin, 100_000, micros(50), micros(25));
        assert!((99_000..100_000).contains(&spins), "{spins}");
    }

    #[test]
    fn where_messages_come_when_they_come_hardly_any_wait_is_spun() {
        let mut spin = Spin::new();
        waits(&mut spin, 100_000, micros(80), micros(70));
        let spins = waits(&mut spin, 100_000, micros(80), micros(70));
        assert!((1..1_000).contains(&spins), "{spins}");
    }

    #[test]
    fn what_turns_cost_counts_too() {
        let mut spin = Spin::new();
        let spins = (0..10_000).filter(|_| {
            let spins = spin.decide();
            spin.waited(micros(if spins { 10 } else { 40 }));
            // What it saves at waiting it loses in the turns, for somebody needs the core.
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
