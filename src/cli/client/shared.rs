//! What the thread that types and the thread that speaks to the server share.
//!
//! The typing thread never waits for the other: what does not fit is refused. The other is woken
//! through a socket pair, so that it can wait for the server and for us at once.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use parking_lot::Mutex;

use super::known::Known;

/// Most that waits to be sent.
pub const QUEUE_MAX: usize = 4 << 20;

/// Shared by the two threads. No lock is held across input or output.
pub struct Session {
    queue: Mutex<Queue>,
    /// What the chat has taught us.
    pub known: Mutex<Known>,
    bell: UnixStream,
}

/// What waits for the speaking thread.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    refused: bool,
    is_leaving: bool,
}

/// What the speaking thread takes from it.
pub struct Taken {
    pub bytes: Vec<u8>,
    /// Something was refused since the last time.
    pub refused: bool,
    /// Nothing more will come.
    pub is_leaving: bool,
}

impl Session {
    /// A desk, and what becomes readable when there is something on it.
    pub fn new() -> io::Result<(Session, UnixStream)> {
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        let desk = Session {
            queue: Mutex::default(),
            known: Mutex::default(),
            bell,
        };
        Ok((desk, ear))
    }

    /// Puts lines there; `false` if they don't fit.
    #[must_use]
    pub fn put(&self, lines: &str) -> bool {
        let mut queue = self.queue.lock();
        let fits = queue.bytes.len() + lines.len() <= QUEUE_MAX;
        if fits {
            queue.bytes.extend_from_slice(lines.as_bytes());
        }
        queue.refused |= !fits;
        drop(queue);
        self.ring();
        fits
    }

    /// Says that something did not fit.
    pub fn refuse(&self) {
        self.queue.lock().refused = true;
        self.ring();
    }

    /// Nothing more will come.
    pub fn leave(&self) {
        self.queue.lock().is_leaving = true;
        self.ring();
    }

    /// Whether nothing more will come.
    pub fn is_leaving(&self) -> bool {
        self.queue.lock().is_leaving
    }

    /// Takes what is there.
    pub fn take(&self) -> Taken {
        let mut queue = self.queue.lock();
        Taken {
            bytes: std::mem::take(&mut queue.bytes),
            refused: std::mem::take(&mut queue.refused),
            is_leaving: queue.is_leaving,
        }
    }

    fn ring(&self) {
        // When it is full, it rings already.
        let _ = (&self.bell).write(&[1]);
    }
}

/// Quiets the bell.
pub fn hush(mut ear: &UnixStream) {
    let mut rings = [0; 64];
    while matches!(ear.read(&mut rings), Ok(length) if length == rings.len()) {}
}
