//! One output for many workers, bounded, in whole pieces.
//!
//! A worker that finds no writer becomes the writer: it writes its own piece and then, until
//! nothing is left, what others have queued meanwhile, each time in one write. A worker that finds
//! a writer queues its piece and goes. If its client waits for an acknowledgement, it becomes the
//! next writer, so no worker writes for others while its own client waits. If too much is queued,
//! the worker waits: it reads no socket meanwhile, so a blocked output holds the clients back and
//! memory stays flat.
//!
//! Workers run here, through [`submit`](Output::submit). The lock is held to queue and to take,
//! never while writing. The sink is the writer's token: it is taken exactly as long as a worker
//! writes. The watch checks whether the piece in hand is still the same ([`look`](Output::look)),
//! and logs it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::BinaryBytes;
use parking_lot::{Condvar, Mutex, MutexGuard};
use tracing::{info, warn};

use super::named::NamedFile;
use super::sink::{Durability, Holds, NAME_EACH, Name, Pipe, Sink, write};
use super::standstill::{Change, HELD_UP, Standstill};
use crate::series::Series;
use crate::service::Outlet;

#[cfg(test)]
mod tests;

/// Maximum bytes that are queued while a worker writes.
const QUEUED_MAX: usize = 1024 * 1024;
/// Between two checks whether all is written: the writer notifies when it has room, not after each
/// piece.
const WRITTEN_LOOK: Duration = Duration::from_millis(1);
/// A wait for the output checks this often, in case a notification was missed.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// Called when the output has no reader any more.
type OnClosed = Box<dyn Fn() + Send + Sync>;
/// The time until the drain's deadline.
type DrainLeft = Box<dyn Fn() -> Option<Duration> + Send + Sync>;

/// See the head of the file.
pub struct Output {
    /// `None` for the standard output.
    path: Option<PathBuf>,
    durability: Durability,
    queue: Mutex<Queue>,
    standstill: Mutex<Standstill>,
    /// The log lines about errors.
    lines: Mutex<Series<Instant>>,
    /// The standard output's name; a file that is opened by its path checks its own.
    name: Mutex<Name>,
    /// Notified when the writer has made room or made a piece safe.
    progress: Condvar,
    on_closed: Mutex<Option<OnClosed>>,
    drain_left: Mutex<Option<DrainLeft>>,
    /// The writer tells each wait as an error.
    tells_waits: bool,
}

/// The sequence number of a piece in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeqNo(u64);

struct Queue {
    /// `None` while a worker writes.
    sink: Option<Box<dyn Sink>>,
    bytes: Vec<u8>,
    /// Messages in `bytes`, and messages that the writer has in hand.
    messages: u64,
    in_hand: u64,
    /// Messages whose workers wait for room.
    waiting: u64,
    /// Bytes that the writer has in hand, and bytes that wait for room.
    bytes_in_hand: usize,
    bytes_waiting: usize,
    /// Writes begun.
    writes: u64,
    /// Pieces queued, and pieces safe, since the beginning.
    queued: u64,
    safe: u64,
    /// The last piece that a worker waits for.
    awaited: u64,
    closed: bool,
    /// Messages that were lost because the output was closed.
    lost: u64,
}

impl Output {
    /// The process's standard output.
    ///
    /// # Errors
    /// When there is none.
    pub fn stdout(durability: Durability) -> io::Result<Output> {
        use std::os::fd::AsFd;
        let file: File = io::stdout().as_fd().try_clone_to_owned()?.into();
        let name = Name::of(Some(file.try_clone()?));
        let mut output = Output::new(Box::new(Pipe(file)), durability);
        output.name = Mutex::new(name);
        Ok(output)
    }

    /// A file, appended to; it is opened again when its path leads to another one. With a FIFO
    /// without a reader or a full disk, the writer waits.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn file(path: &Path, holds: Holds, durability: Durability) -> io::Result<Output> {
        let file = NamedFile::open(path, holds, durability)?;
        Ok(Output::new(Box::new(file), durability))
    }

    pub(super) fn new(sink: Box<dyn Sink>, durability: Durability) -> Output {
        Output {
            path: sink.path().map(Path::to_owned),
            durability,
            queue: Mutex::new(Queue::new(sink)),
            standstill: Mutex::default(),
            lines: Mutex::default(),
            name: Mutex::new(Name::of(None)),
            progress: Condvar::new(),
            on_closed: Mutex::new(None),
            drain_left: Mutex::new(None),
            tells_waits: false,
        }
    }

    /// Leaves it to the sink's errors to tell that the output stands still: each wait ends in one.
    pub(super) fn tells_waits(self) -> Output {
        Output {
            tells_waits: true,
            ..self
        }
    }

    /// Calls `then` once, when the output has no reader any more; at once if that is known already.
    pub fn when_closed(&self, then: impl Fn() + Send + Sync + 'static) {
        *self.on_closed.lock() = Some(Box::new(then));
        if self.is_closed() {
            self.tell_closed();
        }
    }

    /// Whether the output has no reader any more.
    pub fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }

    /// Queues a piece of whole lines with `messages` messages, and empties `piece`. Waits while too
    /// much is queued. Answers the piece's sequence number.
    pub fn submit(&self, piece: &mut Vec<u8>, messages: u64) -> SeqNo {
        let mut queue = self.queue.lock();
        queue.waiting += messages;
        queue.bytes_waiting += piece.len();
        while queue.sink.is_none() && !queue.has_room(piece.len()) {
            self.progress.wait_for(&mut queue, LOOK_EACH);
        }
        queue.waiting -= messages;
        queue.bytes_waiting -= piece.len();
        queue.queued += 1;
        let place = SeqNo(queue.queued);
        if queue.closed {
            queue.lost += messages;
            piece.clear();
            return place;
        }
        if queue.bytes.is_empty() {
            // No copy while others wait for the lock.
            std::mem::swap(&mut queue.bytes, piece);
        } else {
            queue.bytes.append(piece);
        }
        queue.messages += messages;
        if let Some(sink) = queue.sink.take() {
            self.write_all_queued(sink, queue, piece);
        }
        place
    }

    /// Waits until the piece `place` and all before it are safe; `false` if the output was closed
    /// first.
    pub fn wait_until_safe(&self, place: SeqNo) -> bool {
        let mut queue = self.queue.lock();
        queue.awaited = queue.awaited.max(place.0);
        while queue.safe < place.0 && !queue.closed {
            if let Some(sink) = queue.sink.take() {
                self.write_all_queued(sink, queue, &mut Vec::new());
                queue = self.queue.lock();
            } else {
                self.progress.wait_for(&mut queue, LOOK_EACH);
            }
        }
        queue.safe >= place.0
    }

    /// Waits until all that is queued by now is written; `false` if that takes longer than `most`.
    pub fn wait_until_written(&self, most: Duration) -> bool {
        let until = Instant::now() + most;
        let mut queue = self.queue.lock();
        let place = queue.queued;
        // A worker writes it: the one that queues a piece, or the writer that it finds.
        while queue.safe < place && !queue.closed {
            let look = until.min(Instant::now() + WRITTEN_LOOK);
            self.progress.wait_until(&mut queue, look);
            if Instant::now() >= until {
                break;
            }
        }
        queue.safe >= place
    }

    /// Waits until all is written, at most until `deadline`; answers how many messages are not.
    ///
    /// A write under way at the deadline may end, unless it stands still.
    pub fn finish(&self, deadline: Instant) -> u64 {
        let until = deadline.max(Instant::now() + HELD_UP);
        loop {
            let now = Instant::now();
            self.look(now);
            let is_over = now >= until
                || ((now >= deadline || self.is_hurried()) && !self.outlet().blocked.is_zero());
            let mut queue = self.queue.lock();
            if is_over || queue.is_done() {
                MutexGuard::unlocked(&mut queue, || self.look_at_name(now + NAME_EACH));
                return queue.messages + queue.in_hand + queue.waiting + queue.lost;
            }
            let next = until.min(now + HELD_UP);
            self.progress.wait_until(&mut queue, next);
        }
    }

    /// Ends the wait of [`finish`](Output::finish) when the drain has no time left, even before its
    /// deadline.
    pub fn follow(&self, drain_left: impl Fn() -> Option<Duration> + Send + Sync + 'static) {
        *self.drain_left.lock() = Some(Box::new(drain_left));
    }

    /// The watch's check: logs when the output stands still and when it goes on. Answers when to
    /// check again.
    pub fn look(&self, now: Instant) -> Option<Instant> {
        let (in_hand, bytes) = self.queue.lock().in_hand();
        let mut standstill = self.standstill.lock();
        let change = standstill.look(now, in_hand);
        let next = standstill.next(now);
        drop(standstill);
        let next = [next, self.look_at_name(now)].into_iter().flatten().min();
        let path = self.path.as_deref().map(tracing::field::debug);
        match change.filter(|_| !self.tells_waits) {
            Some(Change::Blocks(told)) => {
                warn!(
                    path,
                    earlier = told.earlier(),
                    waiting = %BinaryBytes(bytes),
                    "the output blocks; clients are not read until it takes more"
                );
            }
            Some(Change::GoesOn { after }) => {
                let ms = after.as_millis() as u64;
                info!(path, ms, "the output takes more again");
            }
            None => {}
        }
        next
    }

    fn look_at_name(&self, now: Instant) -> Option<Instant> {
        let writes = self.queue.lock().writes;
        self.name.lock().look(now, writes)
    }

    /// The output's state for the figures.
    pub fn outlet(&self) -> Outlet {
        let (_, bytes) = self.queue.lock().in_hand();
        let now = Instant::now();
        let standstill = self.standstill.lock();
        Outlet {
            waiting_bytes: bytes,
            blocked: standstill.lasts(now),
            blocked_total: standstill.total(now),
        }
    }

    /// Writes what is queued, until nothing is left or a worker that waits for more can continue.
    /// `piece` is an empty buffer.
    fn write_all_queued<'a>(
        &'a self,
        mut sink: Box<dyn Sink>,
        mut queue: MutexGuard<'a, Queue>,
        piece: &mut Vec<u8>,
    ) {
        loop {
            // Swap the two buffers, so neither is allocated anew.
            std::mem::swap(piece, &mut queue.bytes);
            queue.in_hand = std::mem::take(&mut queue.messages);
            queue.bytes_in_hand = piece.len();
            queue.writes += 1;
            let upto = queue.queued;
            drop(queue);
            // There is room again.
            self.progress.notify_all();
            let written = write(&mut *sink, piece, self.durability, &self.lines);
            piece.clear();
            queue = self.queue.lock();
            if let Err(error) = written {
                self.close(queue, &error);
                return;
            }
            queue.safe = upto;
            queue.in_hand = 0;
            queue.bytes_in_hand = 0;
            if queue.bytes.is_empty() || queue.awaited > upto {
                queue.sink = Some(sink);
                self.progress.notify_all();
                return;
            }
        }
    }

    /// The output has no reader any more: counts the queue as lost and calls `on_closed`.
    fn close(&self, mut queue: MutexGuard<'_, Queue>, error: &io::Error) {
        queue.closed = true;
        queue.lost += queue.messages + queue.in_hand;
        queue.messages = 0;
        queue.in_hand = 0;
        queue.bytes_in_hand = 0;
        queue.bytes = Vec::new();
        drop(queue);
        self.progress.notify_all();
        warn!(%error, "the output has no reader any more");
        self.tell_closed();
    }

    fn is_hurried(&self) -> bool {
        let left = self.drain_left.lock();
        let left = left.as_ref().and_then(|left| left());
        left.is_some_and(|left| left.is_zero())
    }

    fn tell_closed(&self) {
        let then = self.on_closed.lock().take();
        if let Some(then) = then {
            then();
        }
    }
}

impl Queue {
    fn new(sink: Box<dyn Sink>) -> Queue {
        Queue {
            sink: Some(sink),
            bytes: Vec::new(),
            messages: 0,
            in_hand: 0,
            waiting: 0,
            bytes_in_hand: 0,
            bytes_waiting: 0,
            writes: 0,
            queued: 0,
            safe: 0,
            awaited: 0,
            closed: false,
            lost: 0,
        }
    }

    fn has_room(&self, more: usize) -> bool {
        self.bytes.is_empty() || self.bytes.len() + more <= QUEUED_MAX
    }

    /// Whether nothing is left to write, or nothing can be written.
    fn is_done(&self) -> bool {
        let is_written = self.sink.is_some() && self.bytes.is_empty();
        self.closed || (is_written && self.waiting == 0)
    }

    /// The number of the write under way, and the bytes that wait for the output.
    fn in_hand(&self) -> (Option<u64>, u64) {
        let is_written = self.sink.is_none() && !self.closed;
        let bytes = self.bytes.len() + self.bytes_in_hand + self.bytes_waiting;
        (is_written.then_some(self.writes), bytes as u64)
    }
}
