//! One output for many workers, bounded, in whole pieces.
//!
//! Whoever comes while nobody writes becomes the writer: it writes its own piece and then, until
//! nothing is left, what the others have queued meanwhile, each time in one write. Whoever comes
//! while somebody writes leaves its piece and goes; where its client waits until the piece is safe,
//! it becomes the next writer, so that nobody writes for others while its own client waits. If too
//! much is queued it waits: a worker that waits reads no socket, so an output that blocks holds the
//! clients back and memory stays flat.
//!
//! Who runs here: workers, through [`submit`](Output::submit); the lock is held to queue and to
//! take, never while writing. The sink itself is the writer's token: it is away exactly as long as
//! one worker writes.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tracing::{error, info, warn};

use super::sink::{Holds, NamedFile, Pipe, Sink};

#[cfg(test)]
mod tests;

/// Bytes that may be queued while somebody writes.
const QUEUED_MAX: usize = 1024 * 1024;
/// How long a failed write waits before the next try, and a worker before it says that the
/// output blocks.
const RETRY: Duration = Duration::from_millis(200);
const BLOCKED: Duration = Duration::from_secs(1);

/// When a message counts as safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the system has taken it.
    Written,
    /// When it is on the disk: one `fdatasync` for all that wait.
    Synced,
}

/// What is called when nobody reads the output any more.
type OnClosed = Box<dyn Fn() + Send + Sync>;

/// See the head of the file.
pub struct Output {
    durability: Durability,
    queue: Mutex<Queue>,
    /// The writer has made room, or made something safe.
    progress: Condvar,
    on_closed: Mutex<Option<OnClosed>>,
}

/// A place in the output: all up to it is safe or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

struct Queue {
    /// Away while somebody writes.
    sink: Option<Box<dyn Sink>>,
    bytes: Vec<u8>,
    /// Messages in `bytes`, and those that the writer has in hand.
    messages: u64,
    in_hand: u64,
    /// Messages whose workers wait for room.
    waiting: u64,
    /// Pieces queued, and pieces safe, since the beginning.
    queued: u64,
    safe: u64,
    /// The last piece that somebody waits for.
    awaited: u64,
    blocked: bool,
    closed: bool,
    /// Messages given up because the output was closed.
    lost: u64,
}

impl Output {
    /// The process's standard output.
    ///
    /// # Errors
    /// When there is none.
    pub fn stdout(durability: Durability) -> io::Result<Output> {
        use std::os::fd::AsFd;
        let file = io::stdout().as_fd().try_clone_to_owned()?.into();
        Ok(Output::new(Box::new(Pipe(file)), durability))
    }

    /// A file, appended to; it is opened again when it was renamed or removed.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn file(path: &Path, holds: Holds, durability: Durability) -> io::Result<Output> {
        let file = NamedFile::open(path, holds)?;
        Ok(Output::new(Box::new(file), durability))
    }

    fn new(sink: Box<dyn Sink>, durability: Durability) -> Output {
        Output {
            durability,
            queue: Mutex::new(Queue::new(sink)),
            progress: Condvar::new(),
            on_closed: Mutex::new(None),
        }
    }

    /// Calls `then` once, when it turns out that nobody reads the output any more; at once if
    /// that is known already.
    pub fn when_closed(&self, then: impl Fn() + Send + Sync + 'static) {
        *self.on_closed.lock() = Some(Box::new(then));
        if self.is_closed() {
            self.tell_closed();
        }
    }

    /// Whether nobody reads the output any more.
    pub fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }

    /// Hands over a piece of whole lines, `messages` in number; leaves `piece` empty. Waits while
    /// too much is queued. Answers where the piece stands.
    pub fn submit(&self, piece: &mut Vec<u8>, messages: u64) -> Place {
        let mut queue = self.queue.lock();
        queue.waiting += messages;
        while queue.sink.is_none() && !queue.has_room(piece.len()) {
            let late = self.progress.wait_for(&mut queue, BLOCKED).timed_out();
            // The writer may have come between the timeout and the lock.
            if late && !queue.blocked && !queue.has_room(piece.len()) {
                queue.blocked = true;
                MutexGuard::unlocked(&mut queue, || {
                    warn!("the output blocks; clients are not read until it takes more");
                });
            }
        }
        queue.waiting -= messages;
        queue.queued += 1;
        let place = Place(queue.queued);
        if queue.closed {
            queue.lost += messages;
            piece.clear();
            return place;
        }
        if queue.bytes.is_empty() {
            // Nothing is copied while others wait for the lock.
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

    /// Waits until the piece at `place` and all before it are safe; `false` if they never will be.
    pub fn wait_until_safe(&self, place: Place) -> bool {
        let mut queue = self.queue.lock();
        queue.awaited = queue.awaited.max(place.0);
        while queue.safe < place.0 && !queue.closed {
            if let Some(sink) = queue.sink.take() {
                self.write_all_queued(sink, queue, &mut Vec::new());
                queue = self.queue.lock();
            } else {
                self.progress.wait_for(&mut queue, BLOCKED);
            }
        }
        queue.safe >= place.0
    }

    /// Waits until all is out, at most until `deadline`; answers how many messages are not.
    pub fn finish(&self, deadline: Instant) -> u64 {
        let mut queue = self.queue.lock();
        while (queue.sink.is_none() || !queue.bytes.is_empty()) && !queue.closed {
            if self.progress.wait_until(&mut queue, deadline).timed_out() {
                break;
            }
        }
        queue.messages + queue.in_hand + queue.waiting + queue.lost
    }

    /// The writer's work: what is queued, until nothing is, or somebody who waits for more can go
    /// on with it. `piece` is an empty buffer.
    fn write_all_queued<'a>(
        &'a self,
        mut sink: Box<dyn Sink>,
        mut queue: MutexGuard<'a, Queue>,
        piece: &mut Vec<u8>,
    ) {
        loop {
            // The two buffers change places, so that neither is allocated anew.
            std::mem::swap(piece, &mut queue.bytes);
            queue.in_hand = std::mem::take(&mut queue.messages);
            let upto = queue.queued;
            drop(queue);
            // There is room again.
            self.progress.notify_all();
            let written = self.write(&mut *sink, piece);
            piece.clear();
            queue = self.queue.lock();
            if let Err(error) = written {
                self.close(queue, &error);
                return;
            }
            queue.safe = upto;
            queue.in_hand = 0;
            if std::mem::take(&mut queue.blocked) {
                MutexGuard::unlocked(&mut queue, || info!("the output takes more again"));
            }
            if queue.bytes.is_empty() || queue.awaited > upto {
                queue.sink = Some(sink);
                self.progress.notify_all();
                return;
            }
        }
    }

    /// Writes one piece, however long it takes. An error means that it never will be.
    fn write(&self, sink: &mut dyn Sink, piece: &[u8]) -> io::Result<()> {
        let mut trouble = Trouble::default();
        loop {
            match self.try_write(sink, piece, &mut trouble) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(error),
                Err(error) => trouble.report(&error, sink.path()),
            }
            if trouble.waits_for_room {
                sink.wait(RETRY);
            } else {
                std::thread::sleep(RETRY);
            }
        }
        trouble.over();
        Ok(())
    }

    fn try_write(
        &self,
        sink: &mut dyn Sink,
        piece: &[u8],
        trouble: &mut Trouble,
    ) -> io::Result<()> {
        if !sink.is_kept() {
            // Removed under our hands: all of it goes to the file that takes its place.
            trouble.written = 0;
        }
        if trouble.written == 0 {
            sink.prepare()?;
        }
        while trouble.written < piece.len() {
            match sink.write(&piece[trouble.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => trouble.written += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.durability == Durability::Synced
            && let Err(error) = sink.sync()
        {
            // What the disk did not take is forgotten, and the next sync knows nothing of it.
            trouble.written = 0;
            return Err(error);
        }
        if sink.is_kept() {
            Ok(())
        } else {
            self.try_write(sink, piece, trouble)
        }
    }

    /// Nobody reads any more: everything queued is given up, and whoever should know is told.
    fn close(&self, mut queue: MutexGuard<'_, Queue>, error: &io::Error) {
        queue.closed = true;
        queue.lost += queue.messages + queue.in_hand;
        queue.messages = 0;
        queue.in_hand = 0;
        queue.bytes = Vec::new();
        drop(queue);
        self.progress.notify_all();
        warn!(%error, "nobody reads the output any more");
        self.tell_closed();
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
            queued: 0,
            safe: 0,
            awaited: 0,
            blocked: false,
            closed: false,
            lost: 0,
        }
    }

    fn has_room(&self, more: usize) -> bool {
        self.bytes.is_empty() || self.bytes.len() + more <= QUEUED_MAX
    }
}

/// A piece that does not go out at once.
#[derive(Default)]
struct Trouble {
    written: usize,
    waits_for_room: bool,
    reported: Option<io::ErrorKind>,
}

impl Trouble {
    /// Says a new kind of trouble once.
    fn report(&mut self, error: &io::Error, path: Option<&Path>) {
        self.waits_for_room = error.kind() == io::ErrorKind::WouldBlock;
        if !self.waits_for_room && self.reported != Some(error.kind()) {
            self.reported = Some(error.kind());
            error!(
                path = path.map(tracing::field::debug),
                %error,
                "cannot write the output; nothing is lost, clients wait, trying again"
            );
        }
    }

    fn over(&self) {
        if self.reported.is_some() {
            info!("writing the output again");
        }
    }
}
