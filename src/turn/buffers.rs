//! A worker's own buffers.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::connection::Owned;
use crate::limits::options::READ_MAX;
use crate::scheduler::metrics::Moved;

/// A worker's own buffers, used again for every turn.
pub(crate) struct Scratch {
    pub(super) input: Box<[u8]>,
    pub(super) wire: Vec<u8>,
    /// What the turn that runs has moved.
    pub(crate) moved: Moved,
    /// Time of this turn that is no reason for another worker: it has computed a handshake.
    pub(crate) shaken: Duration,
    pub(super) portion: Portion,
    /// For the next connection of which little was kept; of the same server.
    pub(super) spare: Option<Box<Owned>>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; READ_MAX].into_boxed_slice(),
        wire: Vec::new(),
        moved: Moved::default(),
        shaken: Duration::ZERO,
        portion: Portion::default(),
        spare: None,
    });
}

impl Scratch {
    /// Lends this thread's buffers, which it keeps while it is parked.
    pub(crate) fn lend<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
        SCRATCH.with_borrow_mut(work)
    }

    /// Keeps nothing of a server: this thread may serve a connection of another one next, with
    /// another framing.
    pub(crate) fn forget_server(&mut self) {
        self.spare = None;
    }

    #[cfg(test)]
    pub(crate) fn has_spare(&self) -> bool {
        self.spare.is_some()
    }

    /// Frees memory above `most` bytes: the buffer may have held an answer of any length.
    pub(super) fn rest(&mut self, most: usize) {
        self.wire.clear();
        self.wire.shrink_to(most);
    }
}

/// A window ends after this many turns.
const WINDOW_TURNS: usize = 64;
/// Or when it is so old: where a turn causes much other work, as one that is sent on to a thousand
/// readers does, only few turns read in that time.
const WINDOW_TIME: Duration = Duration::from_millis(10);
/// A turn reads at most this many times the average.
const TIMES_USUAL: usize = 8;
/// The minimum: enough that the system calls are a small part of the turn.
const PORTION_MIN: usize = READ_MAX / 8;

/// The maximum that a turn reads. If all clients send much, it is the buffer's size. A client that
/// floods beside others that ask and wait is read in smaller portions, so they wait for less.
#[derive(Debug, Default)]
pub(super) struct Portion {
    /// Bytes that a turn has read on average, in the last window that has ended.
    usual: usize,
    /// Of the window under way: its beginning, its turns and their bytes.
    since: Option<Instant>,
    turns: usize,
    bytes: usize,
}

impl Portion {
    pub(super) fn most(&self) -> usize {
        (self.usual * TIMES_USUAL).clamp(PORTION_MIN, READ_MAX)
    }

    /// Counts what a turn that began at `now` has read.
    pub(super) fn took(&mut self, length: usize, now: Instant) {
        self.turns += 1;
        self.bytes += length;
        let since = *self.since.get_or_insert(now);
        if self.turns >= WINDOW_TURNS || now.saturating_duration_since(since) >= WINDOW_TIME {
            *self = Portion {
                usual: self.bytes / self.turns,
                since: Some(now),
                ..Portion::default()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_answer_is_not_kept_for_the_threads_life() {
        Scratch::lend(|scratch| {
            scratch.wire.resize(1 << 24, b'x');
            scratch.rest(1 << 16);
            assert!(scratch.wire.is_empty() && scratch.wire.capacity() <= 1 << 17);
        });
    }

    /// Rounds of one client that floods and others that send 64 bytes each, with `pause` between
    /// two turns; answers how much of the one a turn reads afterwards.
    fn flood_beside(others: usize, rounds: usize, pause: Duration, portion: &mut Portion) -> usize {
        let mut now = Instant::now();
        for _ in 0..rounds {
            portion.took(portion.most(), now);
            now += pause;
            for _ in 0..others {
                portion.took(64, now);
                now += pause;
            }
        }
        portion.most()
    }

    const QUICK: Duration = Duration::from_micros(5);

    #[test]
    fn a_client_that_floods_alone_soon_fills_the_buffer() {
        let mut portion = Portion::default();
        assert_eq!(portion.most(), PORTION_MIN);
        let most = flood_beside(0, WINDOW_TURNS, QUICK, &mut portion);
        assert_eq!(most, READ_MAX);
    }

    #[test]
    fn a_client_that_floods_beside_small_senders_is_read_in_portions() {
        for pause in [QUICK, WINDOW_TIME / 4, WINDOW_TIME] {
            let mut portion = Portion::default();
            let _ = flood_beside(0, 10 * WINDOW_TURNS, pause, &mut portion);
            assert_eq!(flood_beside(63, 10, pause, &mut portion), PORTION_MIN);
            // The full buffer again when they have left.
            let most = flood_beside(0, 2 * WINDOW_TURNS, pause, &mut portion);
            assert_eq!(most, READ_MAX);
        }
    }

    /// A hub's only sender: what a turn has read goes to a thousand readers before the next turn.
    #[test]
    fn a_flood_whose_turns_cause_much_work_fills_the_buffer_within_a_few_turns() {
        let mut portion = Portion::default();
        // It has sent single lines before.
        let _ = flood_beside(1000, 1, QUICK, &mut portion);
        assert_eq!(portion.most(), PORTION_MIN);
        assert_eq!(flood_beside(0, 8, WINDOW_TIME / 2, &mut portion), READ_MAX);
    }
}
