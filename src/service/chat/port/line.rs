//! The connection on which entries are sent. One thread at a time has it, and gives it back.

use parking_lot::Mutex;

use crate::redis::failure::Failure;
use crate::redis::link::Link;

/// Longest command that is sent without waiting: the socket has room for it, since no other one is
/// on its way.
const SHORT: usize = 16 << 10;
/// Replies that are left unread at most: they are in the socket's buffer.
const OWED_MAX: u32 = 1000;

/// See the head of the file.
pub(crate) struct Line(Mutex<Lent>);

/// What a thread gets that asks for it.
pub(crate) enum Lent {
    /// There is none: the writer opens it.
    Closed,
    /// Another thread has it, and looks for more to send when it has given it back.
    Taken,
    Wire(Box<Wire>),
}

/// The connection, and how many replies were not read from it.
pub(crate) struct Wire {
    pub(crate) link: Link,
    pub(crate) owed: u32,
}

impl Line {
    pub(crate) fn closed() -> Line {
        Line(Mutex::new(Lent::Closed))
    }

    pub(crate) fn take(&self) -> Lent {
        let mut here = self.0.lock();
        match *here {
            Lent::Closed => Lent::Closed,
            _ => std::mem::replace(&mut *here, Lent::Taken),
        }
    }

    pub(crate) fn put(&self, wire: Box<Wire>) {
        *self.0.lock() = Lent::Wire(wire);
    }

    /// The connection was of no use any more.
    pub(crate) fn close(&self) {
        *self.0.lock() = Lent::Closed;
    }
}

impl Wire {
    /// Sends a command without waiting; `false` if that can't be. The reply is read later.
    pub(crate) fn try_send(&mut self, command: &[u8]) -> Result<bool, Failure> {
        if command.len() > SHORT || self.owed >= OWED_MAX {
            return Ok(false);
        }
        self.link.try_send(command)?;
        self.owed += 1;
        Ok(true)
    }
}
