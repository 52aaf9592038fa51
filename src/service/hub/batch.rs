//! Messages on their way to all readers: framed, in one piece.

use bytes::Bytes;

use crate::framing::Framing;

/// Messages of one turn of a publisher, for one view.
#[derive(Debug, Default)]
pub(super) struct Batch {
    wire: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

/// One for each view.
pub(super) type Batches = Vec<Batch>;

/// What a batch becomes: all of it, and where each message ends; `None` if it is empty.
pub(super) type ViewChunk = Option<(Chunk, Vec<usize>)>;

/// Whole messages that are given, kept and dropped together.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) messages: u64,
}

impl Batch {
    pub(super) fn add(&mut self, framing: &Framing, message: &[u8]) {
        framing.encode(message, &mut self.wire);
        if *framing == Framing::Json {
            // Without it two numbers would become one.
            self.wire.push(b'\n');
        }
        self.ends.push(self.wire.len());
    }

    /// The ends are for [`split`].
    pub(super) fn finish(self) -> ViewChunk {
        let chunk = Chunk {
            bytes: self.wire.into(),
            messages: self.ends.len() as u64,
        };
        (chunk.messages > 0).then_some((chunk, self.ends))
    }
}

/// The messages of a chunk, each as one.
pub(super) fn each(chunk: &Chunk, ends: &[usize]) -> impl Iterator<Item = Chunk> {
    split(chunk, ends, usize::MAX).map(|bytes| Chunk { bytes, messages: 1 })
}

/// The last messages of a chunk, at most `count`; they share its memory.
pub(super) fn split(chunk: &Chunk, ends: &[usize], count: usize) -> impl Iterator<Item = Bytes> {
    let first = ends.len().saturating_sub(count);
    (first..ends.len()).map(move |at| {
        let begin = if at == 0 { 0 } else { ends[at - 1] };
        chunk.bytes.slice(begin..ends[at])
    })
}
