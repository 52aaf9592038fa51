//! The state word of a connection: its phase, and the reasons to serve it.
//!
//! | phase   | held by | leaves by |
//! |---------|---------|-----------|
//! | resting | the poller, which watches its socket | [`wake`](StateWord::wake) → ready |
//! | ready   | the run queue; the acceptor, | [`start`](StateWord::start) → running |
//! |         | if it is new; the thread | |
//! |         | that wakes and serves it | |
//! | running | exactly one worker | [`finish`](StateWord::finish) → resting or ready, or |
//! |         |              | [`again`](StateWord::again) → ready, |
//! |         |              | [`end`](StateWord::end) → gone |
//! | gone    | nothing | never |
//!
//! Each event for a connection (bytes, room to write, a message from another client, a deadline, a
//! drain) is a *reason*, and only `wake` adds one. In `resting` a reason makes the connection
//! ready; in `ready` and `running` it is remembered. A worker that starts a turn takes all reasons;
//! a reason added since keeps the connection from coming to rest. So no wake-up is lost, and at
//! most one worker runs a connection.
//!
//! A connection that another process takes over is *held*: it stays in `running` after its turn,
//! and [`MOVE`](Reasons::MOVE)'s owner has it as a worker would. Then it goes back with
//! [`again`](StateWord::again), or ends here.
//!
//! Ordering: `wake` releases and `start` acquires, so what was done before the wake (a push to
//! the outbox) is seen by the turn that it causes; `finish` releases what the turn wrote.

use crate::scheduler::sync::{AtomicU8, Ordering};

const PHASE: u8 = 0b11;
const RESTING: u8 = 0;
const READY: u8 = 1;
const RUNNING: u8 = 2;
const GONE: u8 = 3;

/// Why a connection should be served: a set of bits above the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reasons(u8);

impl Reasons {
    /// The poller saw bytes or an error.
    pub(crate) const READABLE: Reasons = Reasons(0b0100);
    /// The poller saw the end of the stream. It reports that once, perhaps before the last bytes
    /// were read, so the next turn must read until the end shows.
    pub(crate) const ENDING: Reasons = Reasons(0b10_0000);
    /// The poller saw urgent data. A read stops before it, so a short read does not mean an empty
    /// socket.
    pub(crate) const URGENT: Reasons = Reasons(0b100_0000);
    /// The poller saw room to write.
    pub(crate) const WRITABLE: Reasons = Reasons(0b1000);
    /// Something inside waits for a turn: its outbox, a deadline, a drain, a request to close.
    pub(crate) const NOTICE: Reasons = Reasons(0b1_0000);
    /// Another process takes the connection over: it is held at the end of its turn.
    pub(crate) const MOVE: Reasons = Reasons(0b1000_0000);

    pub(crate) fn and(self, other: Reasons) -> Reasons {
        Reasons(self.0 | other.0)
    }

    pub(crate) fn include(self, other: Reasons) -> bool {
        self.0 & other.0 != 0
    }
}

/// What the caller must do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Next {
    /// Put the connection at the back of the run queue: no other caller will.
    Queue,
    /// Nothing.
    Leave,
}

/// Phase and reasons in one atomic byte. See the head of the file.
#[derive(Debug)]
pub(crate) struct StateWord(AtomicU8);

impl StateWord {
    /// A connection that was just accepted: ready, for its service. If it has sent something, the
    /// poller adds that reason.
    pub(crate) fn ready() -> StateWord {
        StateWord(AtomicU8::new(READY))
    }

    /// A connection that came from another process: running, until [`again`](StateWord::again).
    pub(crate) fn held() -> StateWord {
        StateWord(AtomicU8::new(RUNNING | Reasons::READABLE.0))
    }

    /// Adds a reason; answers [`Next::Queue`] to exactly one caller for each turn.
    pub(crate) fn wake(&self, reasons: Reasons) -> Next {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let (to, next) = match word & PHASE {
                RESTING => (READY | reasons.0, Next::Queue),
                GONE => return Next::Leave,
                _ => (word | reasons.0, Next::Leave),
            };
            match self
                .0
                .compare_exchange_weak(word, to, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return next,
                Err(now) => word = now,
            }
        }
    }

    /// A worker took it from the queue: takes the reasons and owns the connection.
    pub(crate) fn start(&self) -> Reasons {
        let word = self.0.swap(RUNNING, Ordering::AcqRel);
        debug_assert_eq!(word & PHASE, READY, "only a queued connection is started");
        Reasons(word & !PHASE)
    }

    /// The turn is over: the connection rests, unless a reason came meanwhile.
    pub(crate) fn finish(&self) -> Next {
        match self
            .0
            .compare_exchange(RUNNING, RESTING, Ordering::AcqRel, Ordering::Relaxed)
        {
            Ok(_) => Next::Leave,
            Err(_) => self.again(),
        }
    }

    /// The turn is over and there is more to do: the connection goes back into the queue and keeps
    /// its reasons.
    pub(crate) fn again(&self) -> Next {
        // RUNNING and READY differ in two bits; reasons that arrive meanwhile are kept.
        self.0.fetch_xor(RUNNING ^ READY, Ordering::AcqRel);
        Next::Queue
    }

    /// Whether a notice came since the turn began.
    pub(crate) fn is_noticed(&self) -> bool {
        Reasons(self.0.load(Ordering::Acquire)).include(Reasons::NOTICE)
    }

    /// The connection has ended; later wakes have no effect.
    pub(crate) fn end(&self) {
        self.0.store(GONE, Ordering::Release);
    }

    /// The phase, for lists; it may change at any time.
    pub(crate) fn phase(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) & PHASE {
            RESTING => Phase::Resting,
            READY => Phase::Ready,
            RUNNING => Phase::Running,
            _ => Phase::Gone,
        }
    }
}

/// The phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The poller watches it; it holds no worker and no buffer.
    Resting,
    /// It waits in the queue for a worker.
    Ready,
    /// A worker serves it.
    Running,
    /// It has ended.
    Gone,
}
