//! A client's connection: its socket, its state word, its unsent output, its partial message.
//!
//! Also the collections of connections: the registry, the wait queue, the deadlines.
//! - Only the worker that runs the connection, or the thread of the service that has woken it
//!   (`here.rs`), reads and writes the socket and has the [`Owned`].
//!   Between turns [`Kept`] has what must stay of it.
//! - Any thread may push to the outbox or leave a [`CloseRequest`] in the mailbox; then it wakes
//!   the connection.
//! - The mailbox's lock is held for a few moves at a time, never across I/O.
//!
//! May import: `framing`, `limits`, `net`, `scheduler`, `tls`. Must not: turns, services, the
//! server.

pub(crate) mod carried;
pub(crate) mod client;
pub(crate) mod deadlines;
pub(crate) mod gate;
pub(crate) mod handler;
pub(crate) mod handshakes;
pub(crate) mod held;
#[cfg_attr(not(feature = "cli"), allow(dead_code))]
pub(crate) mod here;
pub(crate) mod lingering;
pub(crate) mod outbox;
pub(crate) mod registry;
pub(crate) mod secured;
pub(crate) mod stream;
pub(crate) mod wait_queue;

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use socket2::Socket;

use crate::connection::outbox::Outbox;
use crate::framing::{Decoder, Framing, Overlong};
use crate::limits::limit::Limit;
use crate::limits::times::Rate;
use crate::net::address::Peer;
use crate::scheduler::state::{Next, Phase, Reasons, StateWord};
use crate::system;

mod identity;
mod moment;
pub(crate) mod moving;
mod owned;
mod stage;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod transport;

pub(crate) use identity::{Identity, Standing};
use moment::Moment;
pub(crate) use owned::{Kept, Owned, Spare};
pub(crate) use stage::{Linger, Stage};
pub(crate) use tally::{Begun, Look, Tally};
pub(crate) use transport::{Taken, Tls};

/// Puts a connection into the run queue, and wakes a worker if one is needed.
pub(crate) type Queue = Box<dyn Fn(Arc<Connection>) + Send + Sync>;

/// What all connections of a server have in common.
pub(crate) struct Common {
    pub(crate) framing: Framing,
    pub(crate) message_max: usize,
    pub(crate) overlong: Overlong,
    pub(crate) outbox_max: usize,
    pub(crate) rate: Option<Rate>,
    pub(crate) queue: Queue,
    /// Serves one that was woken, on the calling thread.
    pub(crate) serve: Queue,
}

impl Common {
    pub(crate) fn decoder(&self) -> Decoder {
        Decoder::new(&self.framing, self.message_max, self.overlong)
    }
}

/// See the head of the file.
pub(crate) struct Connection {
    /// Unique in the life of a server; also the poller's token.
    pub(crate) id: u64,
    pub(crate) identity: Identity,
    since: Moment,
    pub(crate) socket: Socket,
    pub(crate) state: StateWord,
    pub(crate) tally: Tally,
    /// A stream service has the stream, and its worker may block in it.
    pub(crate) lent: AtomicBool,
    /// The socket is registered with the poller. A connection that gets a worker at once is
    /// registered when it comes to rest.
    pub(crate) watched: AtomicBool,
    common: Arc<Common>,
    mailbox: Mutex<Mailbox>,
}

/// What waits between turns, and what other threads leave for the next turn.
struct Mailbox {
    kept: Kept,
    outbox: Outbox,
    request: Option<Box<CloseRequest>>,
    /// The write side is shut: nothing can be sent any more.
    shut: bool,
    /// Between two processes: the other one may have the socket already, so nothing is done to it.
    is_moving: bool,
    /// What the service has waited for is there.
    resumes: bool,
}

impl Mailbox {
    /// Gives the running worker what is in the outbox.
    fn take_in_hand(&mut self) -> Outbox {
        let more = std::mem::take(&mut self.outbox);
        self.kept.take_in_hand(more.bytes());
        more
    }
}

/// A request to the connection's next turn to close it.
#[derive(Clone, Debug)]
pub(crate) enum CloseRequest {
    /// Send all unsent output, then close, for this reason.
    Close(String),
    /// Close it to free its slot, because of this limit.
    Shed(Limit),
    /// Reset it now: the drain's deadline has passed.
    Cut,
}

/// The bytes were not sent, because the outbox is full or the client has left. Gives them back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsent {
    /// The client reads more slowly than it is sent to; or it is not served yet, as its PROXY
    /// header or its TLS handshake has not come.
    #[error("the client's outbox is full: it does not read as fast as it is sent to")]
    Full(Bytes),
    /// The client has left.
    #[error("the client has left")]
    Gone(Bytes),
}

impl Unsent {
    /// What was to be sent.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Unsent::Full(bytes) | Unsent::Gone(bytes) => bytes,
        }
    }
}

/// What a new connection needs.
pub(crate) struct Opening {
    pub(crate) id: u64,
    pub(crate) peer: Peer,
    pub(crate) socket: Socket,
    pub(crate) stage: Stage,
    pub(crate) common: Arc<Common>,
}

impl Connection {
    pub(crate) fn new(opening: Opening) -> Connection {
        let standing = match opening.stage {
            Stage::Refused(_) => Standing::Refused,
            Stage::Header { .. } | Stage::Handshake { .. } => Standing::Awaited,
            _ => Standing::Admitted,
        };
        let kept = match opening.stage {
            Stage::New => Kept::NEW,
            stage => Kept::Whole(Owned::new(stage, opening.common.decoder())),
        };
        let mailbox = Mailbox {
            kept,
            outbox: Outbox::default(),
            request: None,
            shut: false,
            is_moving: false,
            resumes: false,
        };
        Connection {
            id: opening.id,
            identity: Identity::new(opening.peer, standing),
            since: Moment::of(Instant::now()),
            socket: opening.socket,
            state: StateWord::ready(),
            tally: Tally::default(),
            lent: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            common: opening.common,
            mailbox: Mutex::new(mailbox),
        }
    }

    /// When it was accepted.
    pub(crate) fn since(&self) -> Instant {
        self.since.instant()
    }

    /// Adds a reason to serve it, and queues it if it was resting.
    pub(crate) fn wake(self: &Arc<Self>, reasons: Reasons) {
        if self.state.wake(reasons) == Next::Queue {
            (self.common.queue)(Arc::clone(self));
        }
    }

    /// Takes what waits; called by the running worker at the begin of a turn. A cut stays: the turn
    /// that takes it may have begun too early to see that the deadline has passed.
    pub(crate) fn take(&self, spare: Spare<'_>) -> (Box<Owned>, Outbox, Option<CloseRequest>) {
        let mut mailbox = self.mailbox.lock();
        let outbox = std::mem::take(&mut mailbox.outbox);
        let taken = Kept::Taken {
            in_hand: outbox.bytes(),
        };
        let kept = std::mem::replace(&mut mailbox.kept, taken);
        let resumes = std::mem::take(&mut mailbox.resumes);
        let request = match mailbox.request.as_deref() {
            Some(CloseRequest::Cut) => Some(CloseRequest::Cut),
            _ => mailbox.request.take().map(|request| *request),
        };
        drop(mailbox);
        let mut owned = self
            .whole(kept, spare)
            .expect("only the running worker takes it, once a turn");
        if resumes && owned.paused.is_some() {
            owned.paused = Some(self.since());
        }
        (owned, outbox, request)
    }

    /// The whole of what was kept; `None` if it is taken.
    fn whole(&self, kept: Kept, spare: Spare<'_>) -> Option<Box<Owned>> {
        match kept {
            Kept::Taken { .. } => None,
            Kept::Whole(owned) => Some(owned),
            Kept::Bare(lasting) => {
                let new = || Owned::new(Stage::New, self.common.decoder());
                let mut owned = spare.take().unwrap_or_else(new);
                owned.go_on(lasting, self.has_sent());
                Some(owned)
            }
        }
    }

    /// Whether bytes of the client have come.
    fn has_sent(&self) -> bool {
        self.tally.bytes_in.load(Ordering::Relaxed) > 0
    }

    /// Takes what was pushed since the turn began; called by the running worker.
    pub(crate) fn take_more(&self) -> Outbox {
        if !self.state.is_noticed() {
            // A push wakes afterwards: bytes without a notice may come after this turn's replies.
            return Outbox::default();
        }
        self.mailbox.lock().take_in_hand()
    }

    /// The running worker has written all that it took.
    pub(crate) fn wrote_all(&self) {
        self.mailbox.lock().kept.wrote_all();
    }

    /// Puts back what waits for the next turn; called by the running worker. The rest goes to
    /// `spare`.
    pub(crate) fn put_back(&self, mut owned: Box<Owned>, owed: Outbox, spare: Spare<'_>) {
        let kept = match owned.strip(self.has_sent()) {
            Some(lasting) => {
                *spare = Some(owned);
                Kept::Bare(lasting)
            }
            None => Kept::Whole(owned),
        };
        let mut mailbox = self.mailbox.lock();
        mailbox.outbox.put_back(owed);
        mailbox.kept = kept;
    }

    /// Adds bytes, which count as this many messages, to the outbox; gives them back if it is full.
    pub(crate) fn push(self: &Arc<Self>, chunk: Bytes, messages: u64) -> Result<(), Unsent> {
        if !self.identity.is(Standing::Admitted) {
            // It may be another than it seems, and what is to be encrypted has no session yet.
            return Err(Unsent::Full(chunk));
        }
        {
            let mut mailbox = self.mailbox.lock();
            let in_hand = mailbox.kept.in_hand();
            let room = self.common.outbox_max.saturating_sub(in_hand);
            if mailbox.shut {
                return Err(Unsent::Gone(chunk));
            }
            if in_hand > 0 && chunk.len() > room {
                return Err(Unsent::Full(chunk));
            }
            mailbox.outbox.push(chunk, room).map_err(Unsent::Full)?;
            mailbox.outbox.note_messages(messages);
        }
        self.wake(Reasons::NOTICE);
        Ok(())
    }

    /// Ends the pause that the service has asked for, now or at the end of the turn that runs.
    #[cfg(feature = "cli")]
    pub(crate) fn resume(self: &Arc<Self>) {
        self.mailbox.lock().resumes = true;
        self.wake(Reasons::NOTICE);
    }

    /// Closes the outbox; answers what was pushed until now.
    pub(crate) fn shut_outbox(&self) -> Outbox {
        let mut mailbox = self.mailbox.lock();
        mailbox.shut = true;
        mailbox.take_in_hand()
    }

    /// Leaves a request for the next turn. Nothing replaces a cut. A stream service reads what has
    /// arrived and then sees the end of the stream; after a cut its reads and writes fail.
    pub(crate) fn request_close(self: &Arc<Self>, request: CloseRequest) {
        let side = match request {
            CloseRequest::Cut => Shutdown::Both,
            CloseRequest::Close(_) | CloseRequest::Shed(_) => Shutdown::Read,
        };
        {
            let mut mailbox = self.mailbox.lock();
            if !matches!(mailbox.request.as_deref(), Some(CloseRequest::Cut)) {
                mailbox.request = Some(Box::new(request));
            }
        }
        if self.lent.load(Ordering::SeqCst) {
            if side == Shutdown::Both {
                // Its worker, a program or the end of this process may be the last to close it.
                self.close_with_reset();
            }
            self.shut(side);
        }
        self.wake(Reasons::NOTICE);
    }

    /// Takes a request to close that was left since the turn began.
    pub(crate) fn take_close(&self) -> Option<String> {
        let is_close = |request: &mut Box<_>| matches!(**request, CloseRequest::Close(_));
        match *self.mailbox.lock().request.take_if(is_close)? {
            CloseRequest::Close(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether a request waits for the next turn.
    pub(crate) fn has_request(&self) -> bool {
        self.mailbox.lock().request.is_some()
    }

    /// Whether a request to reset it waits for the next turn.
    pub(crate) fn is_cut(&self) -> bool {
        let mailbox = self.mailbox.lock();
        matches!(mailbox.request.as_deref(), Some(CloseRequest::Cut))
    }

    /// For how long nothing has come from the client.
    pub(crate) fn quiet_for(&self) -> Duration {
        let heard = Duration::from_millis(self.tally.heard_ms.load(Ordering::Relaxed));
        self.since().elapsed().saturating_sub(heard)
    }

    /// For how long the client has taken none of its unsent output.
    pub(crate) fn stalled_for(&self) -> Option<Duration> {
        let since = self.tally.stalled_ms.load(Ordering::Relaxed);
        let since = Duration::from_millis(since.checked_sub(1)?);
        Some(self.since().elapsed().saturating_sub(since))
    }

    /// Bytes that wait to be sent.
    pub(crate) fn owed(&self) -> usize {
        let mailbox = self.mailbox.lock();
        mailbox.outbox.bytes() + mailbox.kept.in_hand()
    }

    /// Resets a connection whose worker may be stuck in it: the worker's next read or write fails.
    /// The descriptor stays open until the worker drops it. One that moves is reset when it goes on
    /// here.
    pub(crate) fn cut(self: &Arc<Self>) {
        self.request_close(CloseRequest::Cut);
        let is_moving = self.mailbox.lock().is_moving;
        if self.state.phase() == Phase::Running && !is_moving {
            self.shut(Shutdown::Both);
        }
    }
}
