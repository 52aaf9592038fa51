//! State that the editor's thread and the connection thread share.
//!
//! The editor's thread never waits for the other one: lines that do not fit are refused. A socket
//! pair wakes the connection thread, so it can wait for the server and for typed lines at once.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::known::Known;

/// Maximum bytes that wait to be sent.
pub(crate) const QUEUE_MAX: usize = 4 << 20;

/// Shared by the two threads. No lock is held across input or output.
pub(crate) struct Session {
    queue: Mutex<Queue>,
    /// What is known of the chat.
    pub(crate) known: Mutex<Known>,
    waker: UnixStream,
    /// Something typed or pasted was no text, and the editor has not been told.
    is_garbled: AtomicBool,
    /// Nor has the person.
    is_garble_untold: AtomicBool,
}

/// The queue of typed lines.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    refused: bool,
    garbled: bool,
    is_leaving: bool,
}

/// What the connection thread takes from it.
pub(crate) struct Taken {
    pub(crate) bytes: Vec<u8>,
    /// Lines were refused since the last time.
    pub(crate) refused: bool,
    /// Something typed or pasted since was no text.
    pub(crate) garbled: bool,
    /// Nothing more will come.
    pub(crate) is_leaving: bool,
}

impl Session {
    /// The shared state, and a socket that is readable when lines wait.
    pub(crate) fn new() -> io::Result<(Session, UnixStream)> {
        let (waker, wake) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        let session = Session {
            queue: Mutex::default(),
            known: Mutex::default(),
            waker,
            is_garbled: AtomicBool::new(false),
            is_garble_untold: AtomicBool::new(false),
        };
        Ok((session, wake))
    }

    /// Queues lines; `false` if they don't fit.
    #[must_use]
    pub(crate) fn put(&self, lines: &str) -> bool {
        let mut queue = self.queue.lock();
        let fits = queue.bytes.len() + lines.len() <= QUEUE_MAX;
        if fits {
            queue.bytes.extend_from_slice(lines.as_bytes());
        }
        queue.refused |= !fits;
        drop(queue);
        self.wake();
        fits
    }

    /// Notes that lines did not fit.
    pub(crate) fn refuse(&self) {
        self.queue.lock().refused = true;
        self.wake();
    }

    /// Notes that something typed or pasted was no text.
    pub(crate) fn garble(&self) {
        self.is_garbled.store(true, Ordering::Relaxed);
        self.is_garble_untold.store(true, Ordering::Relaxed);
    }

    /// Tells the person of it. Called when the editor has the terminal again: in the moment
    /// between two of its calls a Ctrl-C typed in answer would be taken as a signal.
    pub(crate) fn tell_garbled(&self) {
        if self.is_garble_untold.swap(false, Ordering::Relaxed) {
            self.queue.lock().garbled = true;
            self.wake();
        }
    }

    /// Whether something was, since the last time.
    pub(crate) fn take_garbled(&self) -> bool {
        self.is_garbled.swap(false, Ordering::Relaxed)
    }

    /// Nothing more will come.
    pub(crate) fn leave(&self) {
        self.queue.lock().is_leaving = true;
        self.wake();
    }

    /// Whether nothing more will come.
    pub(crate) fn is_leaving(&self) -> bool {
        self.queue.lock().is_leaving
    }

    /// Takes the queue.
    pub(crate) fn take(&self) -> Taken {
        let mut queue = self.queue.lock();
        Taken {
            bytes: std::mem::take(&mut queue.bytes),
            refused: std::mem::take(&mut queue.refused),
            garbled: std::mem::take(&mut queue.garbled),
            is_leaving: queue.is_leaving,
        }
    }

    fn wake(&self) {
        // A full socket is a wake-up already.
        let _ = (&self.waker).write(&[1]);
    }
}

/// Reads the wake-ups.
pub(crate) fn drain_wakes(mut wake: &UnixStream) {
    let mut rings = [0; 64];
    while matches!(wake.read(&mut rings), Ok(length) if length == rings.len()) {}
}
