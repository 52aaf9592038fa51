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
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.forget_written();
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.written = 0;
        stream.flush()
    }

    /// Gives up the batches of which nothing is written; lines have this many bytes.
    pub(crate) fn hold_back(&mut self, size: usize) {
        let unwritten = (self.out.len() - self.written) / size;
        let begun = self.queued - unwritten as u64;
        let is_new = |batch: &mut Batch| batch.end - batch.lines >= begun;
        while let Some(batch) = self.batches.pop_back_if(is_new) {
            self.queued -= batch.lines;
            let bytes = batch.lines as usize * size;
            self.out.truncate(self.out.len() - bytes);
        }
    }

    /// A server that is always behind never takes all: what it has taken must not stay.
    fn forget_written(&mut self) {
        if self.written > self.out.len() / 2 {
            self.out.drain(..self.written);
            self.written = 0;
        }
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn what_is_held_back_is_not_waited_for() {
        let shape = Shape::new("r", 32, 1, 10).expect("large enough");
        let mut sender = Sender::new(0, 0);
        for lines in [4, 4, 2] {
            sender.queue(&shape, lines, Instant::now());
        }
        // The sixth line is begun.
        sender.written = 5 * 32 + 9;
        sender.hold_back(32);
        assert_eq!((sender.queued, sender.out.len()), (8, 8 * 32));
        let came = (0..8).filter_map(|seq| sender.came(seq).expect("in order"));
        assert_eq!(came.map(|batch| batch.lines).collect::<Vec<_>>(), [4, 4]);
    }

    #[test]
    fn what_was_written_does_not_stay() {
        let pair = Socket::pair(Domain::UNIX, Type::STREAM, None);
        let (ours, mut theirs) = pair.expect("a socket pair");
        ours.set_nonblocking(true).expect("a socket");
        let mut stream = Stream::from(ours);
        let shape = Shape::new("r", 1 << 10, 1, 1 << 20).expect("large enough");
        let mut sender = Sender::new(0, 0);
        sender.queue(&shape, 4 << 10, Instant::now());
        sender.write(&mut stream).expect("it is read");
        let mut taken = vec![0; 64 << 10];
        for _ in 0..400 {
            theirs.read_exact(&mut taken).expect("it writes");
            sender.queue(&shape, 64, Instant::now());
            sender.write(&mut stream).expect("it is read");
            assert!(sender.written < sender.out.len(), "it is behind");
        }
        assert!(sender.out.len() < 16 << 20, "{}", sender.out.len());
    }
}
