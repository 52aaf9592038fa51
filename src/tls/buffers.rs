//! A worker's buffers for sessions: a session at rest has none.

use std::cell::RefCell;

/// Most plaintext in a record.
pub(super) const RECORD_MAX: usize = 16 * 1024;
/// Ciphertext of one read, with what an earlier one left.
pub(super) const CIPHER_MAX: usize = 64 * 1024;
/// What a record adds to its plaintext, at most, and room for an alert and a key update.
const OVERHEAD_MAX: usize = 512;

pub(super) struct Buffers {
    /// Ciphertext that has come.
    pub(super) cipher: Box<[u8]>,
    /// Plaintext of several chunks that leave in one record.
    pub(super) plain: Vec<u8>,
    /// The record that leaves, at the front.
    pub(super) record: Vec<u8>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers {
        cipher: vec![0; CIPHER_MAX].into_boxed_slice(),
        plain: Vec::with_capacity(RECORD_MAX),
        record: vec![0; RECORD_MAX + OVERHEAD_MAX],
    });
}

impl Buffers {
    /// Lends this thread's buffers.
    pub(super) fn lend<R>(work: impl FnOnce(&mut Buffers) -> R) -> R {
        BUFFERS.with_borrow_mut(work)
    }
}
