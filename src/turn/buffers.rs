//! A worker's own buffers.

use std::cell::RefCell;

use crate::limits::options::READ_MAX;
use crate::scheduler::metrics::Moved;

/// A worker's own buffers, used again for every turn.
pub(crate) struct Scratch {
    pub(super) input: Box<[u8]>,
    pub(super) wire: Vec<u8>,
    /// What the turn that runs has moved.
    pub(crate) moved: Moved,
    pub(super) portion: Portion,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; READ_MAX].into_boxed_slice(),
        wire: Vec::new(),
        moved: Moved::default(),
        portion: Portion::default(),
    });
}

impl Scratch {
    /// Lends this thread's buffers, which it keeps while it is parked.
    pub(crate) fn lend<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
        SCRATCH.with_borrow_mut(work)
    }

    /// Frees memory above `most` bytes: the buffer may have held an answer of any length.
    pub(super) fn rest(&mut self, most: usize) {
        self.wire.clear();
        self.wire.shrink_to(most);
    }
}

/// Turns that the moving average remembers.
const MEMORY: usize = 64;
/// A turn reads at most this many times the average.
const TIMES_USUAL: usize = 8;
/// The minimum: enough that the system calls are a small part of the turn.
const PORTION_MIN: usize = READ_MAX / 8;

/// The maximum that a turn reads. If all clients send much, it is the buffer's size. A client that
/// floods beside others that ask and wait is read in smaller portions, so they wait for less.
#[derive(Debug, Default)]
pub(super) struct Portion {
    /// Bytes that the last [`MEMORY`] turns have read, by a moving average.
    lately: usize,
}

impl Portion {
    pub(super) fn most(&self) -> usize {
        (self.lately / MEMORY * TIMES_USUAL).clamp(PORTION_MIN, READ_MAX)
    }

    /// Counts what a turn has read.
    pub(super) fn took(&mut self, length: usize) {
        self.lately = self.lately - self.lately / MEMORY + length;
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

    /// Rounds of one client that floods and others that send 64 bytes each; answers how much of the
    /// one a turn reads afterwards.
    fn flood_beside(others: usize, rounds: usize, portion: &mut Portion) -> usize {
        for _ in 0..rounds {
            portion.took(portion.most());
            for _ in 0..others {
                portion.took(64);
            }
        }
        portion.most()
    }

    #[test]
    fn a_client_that_floods_alone_soon_fills_the_buffer() {
        let mut portion = Portion::default();
        assert_eq!(portion.most(), PORTION_MIN);
        assert_eq!(flood_beside(0, MEMORY, &mut portion), READ_MAX);
    }

    #[test]
    fn a_client_that_floods_beside_small_senders_is_read_in_portions() {
        let mut portion = Portion::default();
        let _ = flood_beside(0, 10 * MEMORY, &mut portion);
        assert_eq!(flood_beside(63, 10, &mut portion), PORTION_MIN);
        // The full buffer again when they have left.
        assert_eq!(flood_beside(0, MEMORY, &mut portion), READ_MAX);
    }

    #[test]
    fn the_average_stays_within_what_is_read() {
        let mut portion = Portion::default();
        for _ in 0..100 * MEMORY {
            portion.took(READ_MAX);
        }
        assert!(portion.lately / MEMORY <= READ_MAX);
        for _ in 0..100 * MEMORY {
            portion.took(0);
        }
        assert!(portion.lately < MEMORY);
    }
}
