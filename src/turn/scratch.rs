//! A worker's own buffers.

use std::cell::RefCell;

use crate::contention::Contention;
use crate::limits::READ_MAX;
use crate::meter::Moved;

/// A worker's own buffers, used again for every turn.
pub(crate) struct Scratch {
    pub(super) input: Box<[u8]>,
    pub(super) wire: Vec<u8>,
    /// What the turn that runs has moved.
    pub(crate) moved: Moved,
    pub(crate) contention: Contention,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; READ_MAX].into_boxed_slice(),
        wire: Vec::new(),
        moved: Moved::default(),
        contention: Contention::default(),
    });
}

impl Scratch {
    /// Lends this thread's buffers, which it keeps from one time on duty to the next.
    pub(crate) fn lend<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
        SCRATCH.with_borrow_mut(work)
    }
}
