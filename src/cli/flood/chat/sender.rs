//! A client that sends.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::time::Instant;

use super::super::message::Shape;
use super::super::stream::Stream;

/// A sender; it also reads as the other clients do.
#[derive(Debug)]
pub(crate) struct Sender {
    /// Its number among the senders, and so among the clients.
    number: usize,
    pub(crate) room: usize,
    /// The number of lines queued so far.
    pub(crate) queued: u64,
    /// Lines that all its readers have seen.
    pub(crate) seen: u64,
    /// The number of the next line to come back.
    expected: u64,
    /// Batches that have not come back whole.
    batches: VecDeque<Batch>,
    out: Vec<u8>,
    written: usize,
}

/// A batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    /// The number after the last one.
    end: u64,
    pub(crate) lines: u64,
    pub(crate) due: Instant,
}

impl Sender {
    pub(crate) fn new(number: usize, room: usize) -> Sender {
        Sender {
            number,
            room,
            queued: 0,
            seen: 0,
            expected: 0,
            batches: VecDeque::new(),
            out: Vec::new(),
            written: 0,
        }
    }

    /// Lines that not all readers have seen.
    pub(crate) fn outstanding(&self) -> u64 {
        self.queued - self.seen
    }

    /// Queues a batch of this many lines.
    pub(crate) fn queue(&mut self, shape: &Shape, lines: u64, due: Instant) {
        let from = self.out.len();
        self.out.extend(shape.slots(lines as usize));
        for slot in self.out[from..].chunks_exact_mut(shape.size()) {
            shape.render(self.number as u64, self.queued, slot);
            self.queued += 1;
        }
        self.batches.push_back(Batch {
            end: self.queued,
            lines,
            due,
        });
    }

    /// Writes as much as the server takes now.
    pub(crate) fn write(&mut self, stream: &mut Stream) -> io::Result<()> {
        while self.written < self.out.len() {
            match stream.write(&self.out[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.written = 0;
        stream.flush()
    }

    /// Takes a line that has come back: an error if it is not the next one; answers its batch if
    /// that is complete.
    pub(crate) fn came(&mut self, seq: u64) -> Result<Option<Batch>, ()> {
        if seq != self.expected {
            return Err(());
        }
        self.expected += 1;
        Ok(self.batches.pop_front_if(|batch| batch.end == seq + 1))
    }
}
