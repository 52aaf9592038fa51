//! Bytes as they arrive: each read is a message.

use super::Extent;
use super::store::{Cutter, Found, Store};

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Raw;

impl Cutter for Raw {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        let length = piece.len().min(store.max);
        let extent = Extent::Whole;
        store.hand(piece, length, length, extent)
    }
}
