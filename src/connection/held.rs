//! Connections that turns hold for another process, which takes them over.
//!
//! The mover opens it, wakes each connection with [`MOVE`](Reasons::MOVE), and takes the answers:
//! the worker that ends the connection's turn holds it, if it can move. Held, it belongs to the
//! mover, as it did to the worker.
//!
//! [`MOVE`]: crate::scheduler::state::Reasons::MOVE

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Connection;

/// Why a connection stays with the process that has it, when others move to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stays {
    /// It ends already.
    Ending,
    /// Its handler does not return in time.
    Busy,
    /// The service does not write its sessions down, or not this one now.
    Session,
    /// A [`StreamService`](crate::StreamService) has its stream, or a program.
    Stream,
    /// It waits for a worker, a balancer's header or a refusal.
    Waiting,
    /// It speaks TLS, whose keys do not leave the process, or is to speak it in the other process.
    Tls,
    /// What it has begun, is owed or has in its session is more than a state may hold.
    Large,
    /// The other process does not know the state's version, or finds it wrong.
    Version,
    /// The other process has another framing, or another bound within a message.
    Framing,
    /// The other process has another service, or another version of it.
    Service,
    /// The other process has as many clients as it may have, in all or of the address.
    Full,
    /// The other process's lists refuse the address.
    AddressList,
    /// The other process has a client of this number.
    Number,
    /// The other process has no descriptor left.
    Descriptors,
    /// The other process drains.
    Draining,
}

/// All of them, with their names.
const ALL: [(Stays, &str); 15] = [
    (Stays::Ending, "ending"),
    (Stays::Busy, "busy"),
    (Stays::Session, "session"),
    (Stays::Stream, "stream"),
    (Stays::Waiting, "waiting"),
    (Stays::Tls, "tls"),
    (Stays::Large, "large"),
    (Stays::Version, "version"),
    (Stays::Framing, "framing"),
    (Stays::Service, "service"),
    (Stays::Full, "full"),
    (Stays::AddressList, "address_list"),
    (Stays::Number, "number"),
    (Stays::Descriptors, "descriptors"),
    (Stays::Draining, "draining"),
];

impl Stays {
    /// A word for logs and figures.
    pub fn name(self) -> &'static str {
        let row = ALL.iter().find(|(one, _)| *one == self);
        row.map_or("", |(_, name)| name)
    }

    /// The reason with this name.
    #[cfg(feature = "cli")]
    pub(crate) fn named(name: &str) -> Option<Stays> {
        ALL.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

impl fmt::Display for Stays {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// See the head of the file.
#[derive(Default)]
pub(crate) struct Held {
    /// Turns hold connections.
    is_open: AtomicBool,
    /// No client is accepted, so that none is left behind.
    shuts_gate: AtomicBool,
    answers: Mutex<Vec<Answer>>,
    came: Condvar,
    /// Connections that came from another process.
    pub(crate) arrived: AtomicU64,
    /// Those that the other process kept, as it said, and the time of the move.
    kept: Mutex<MoveReport>,
}

/// What another process says of a move to this one.
#[derive(Clone, Debug, Default)]
pub(crate) struct MoveReport {
    pub(crate) stayed: BTreeMap<Stays, u64>,
    pub(crate) took: Duration,
}

/// What became of a connection that was woken to move.
pub(crate) enum Answer {
    Held(Arc<Connection>),
    Stays(Arc<Connection>, Stays),
}

impl Held {
    /// Opens it, and shuts the acceptor's gate; `false` if another has done so.
    pub(crate) fn open(&self) -> bool {
        let is_first = !self.shuts_gate.swap(true, Ordering::SeqCst);
        if is_first {
            self.is_open.store(true, Ordering::SeqCst);
        }
        is_first
    }

    /// No client is accepted until [`open_gate`](Held::open_gate).
    pub(crate) fn shut_gate(&self) {
        self.shuts_gate.store(true, Ordering::SeqCst);
    }

    /// Whether no client may be accepted.
    pub(crate) fn shuts_gate(&self) -> bool {
        self.shuts_gate.load(Ordering::SeqCst)
    }

    /// Clients are accepted again.
    pub(crate) fn open_gate(&self) {
        self.shuts_gate.store(false, Ordering::SeqCst);
    }

    /// Notes what the other process says of the move to this one.
    #[cfg(feature = "cli")]
    pub(crate) fn note(&self, kept: MoveReport) {
        *self.kept.lock() = kept;
    }

    /// What it said.
    pub(crate) fn kept(&self) -> MoveReport {
        self.kept.lock().clone()
    }

    /// A turn's answer. `false`: the move is over, and the connection goes on here.
    pub(crate) fn answer(&self, answer: Answer) -> bool {
        let mut answers = self.answers.lock();
        if !self.is_open.load(Ordering::SeqCst) {
            return false;
        }
        answers.push(answer);
        self.came.notify_one();
        true
    }

    /// The answers that have come; waits for the first until then.
    pub(crate) fn take(&self, until: Instant) -> Vec<Answer> {
        let mut answers = self.answers.lock();
        while answers.is_empty() && !self.came.wait_until(&mut answers, until).timed_out() {}
        std::mem::take(&mut answers)
    }

    /// Closes it; answers what has come since.
    pub(crate) fn close(&self) -> Vec<Answer> {
        let mut answers = self.answers.lock();
        self.is_open.store(false, Ordering::SeqCst);
        std::mem::take(&mut answers)
    }
}
