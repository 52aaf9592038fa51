//! One client's connection: its socket, its state word, its unsent output, its partial message.
//!
//! Also what holds connections: the registry, the wait queue, the deadlines.
//! - Only the worker that runs the connection reads and writes the socket and has the [`Owned`].
//! - Any thread may push to the outbox or leave a [`CloseRequest`] in the mailbox, then wakes it.
//! - The mailbox's lock is held for a few moves at a time, never across I/O.
//!
//! May import: `framing`, `limits`, `net`, `scheduler`. Must not: turns, services, the server.

pub(crate) mod client;
pub(crate) mod deadlines;
pub(crate) mod handler;
pub(crate) mod lingering;
pub(crate) mod outbox;
pub(crate) mod registry;
pub(crate) mod stream;
pub(crate) mod wait_queue;

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use socket2::Socket;

use crate::connection::handler::Handler;
use crate::connection::outbox::Outbox;
use crate::framing::Decoder;
use crate::limits::limit::Limit;
use crate::limits::times::{Bucket, Rate};
use crate::net::address::Peer;
use crate::scheduler::state::{Next, Phase, Reasons, StateWord};

mod identity;
mod outq;
mod stage;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

pub(crate) use identity::{Identity, Standing};
pub(crate) use stage::{Linger, Stage};
pub(crate) use tally::{Look, Tally};

/// Puts a connection into the ready queue, and gets it noticed.
pub(crate) type Queue = Arc<dyn Fn(Arc<Connection>) + Send + Sync>;

/// See the head of the file.
pub(crate) struct Connection {
    /// Never used twice in the life of a server; the poller's token, too.
    pub(crate) id: u64,
    pub(crate) identity: Identity,
    pub(crate) since: Instant,
    pub(crate) socket: Socket,
    pub(crate) state: StateWord,
    pub(crate) tally: Tally,
    /// A stream service has it: the worker blocks in it.
    pub(crate) lent: AtomicBool,
    /// The poller watches its socket. One that gets a worker at once is watched when it rests.
    pub(crate) watched: AtomicBool,
    outbox_max: usize,
    mailbox: Mutex<Mailbox>,
    queue: Queue,
}

/// What waits between turns, and what others leave for the next one.
struct Mailbox {
    /// Away while a worker runs the connection.
    owned: Option<Box<Owned>>,
    outbox: Outbox,
    /// Bytes that the running worker has taken out of the outbox and not yet written.
    in_hand: usize,
    request: Option<CloseRequest>,
    /// Its write side is shut: nothing can be sent any more.
    shut: bool,
}

/// What somebody wants of the connection's next turn.
#[derive(Clone, Debug)]
pub(crate) enum CloseRequest {
    /// Send what is owed, then close, for this reason.
    Close(String),
    /// Close it to make room, as this limit wants.
    Shed(Limit),
    /// Reset it now: the drain's deadline has come.
    Cut,
}

/// What only the running worker sees.
pub(crate) struct Owned {
    pub(crate) stage: Stage,
    pub(crate) handler: Option<Box<dyn Handler>>,
    pub(crate) decoder: Decoder,
    /// Read, and not yet cut into messages: the turn's time or the reply's bound was reached.
    pub(crate) unread: Vec<u8>,
    /// The poller spoke, and the socket has not been seen empty since.
    pub(crate) readable: bool,
    /// The poller saw the end coming: read until it shows.
    pub(crate) ending: bool,
    /// There may be more behind a short read.
    pub(crate) urgent: bool,
    /// The peer takes nothing any more: what is owed is thrown away, what it sent still read.
    pub(crate) discards_output: bool,
    /// When the message under way began, and the bytes that had come by then.
    pub(crate) begun: Option<(Instant, u64)>,
    /// Since when the peer has taken none of what it is owed.
    pub(crate) stalled: Option<Instant>,
    /// Until when the service wants no more of its messages.
    pub(crate) paused: Option<Instant>,
    /// The earliest time at which it is to be woken.
    pub(crate) check: Option<Instant>,
    pub(crate) bucket: Option<Box<Bucket>>,
    pub(crate) look: Look,
}

/// The client's outbox is full, or it is gone: what was to be sent comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsent {
    /// It does not read as fast as it is sent to.
    #[error("the client's outbox is full: it does not read as fast as it is sent to")]
    Full(Bytes),
    /// It has left.
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

/// A connection to be made.
pub(crate) struct Opening {
    pub(crate) id: u64,
    pub(crate) peer: Peer,
    pub(crate) socket: Socket,
    pub(crate) decoder: Decoder,
    pub(crate) outbox_max: usize,
    pub(crate) rate: Option<Rate>,
    pub(crate) stage: Stage,
    pub(crate) queue: Queue,
}

impl Connection {
    pub(crate) fn new(opening: Opening) -> Connection {
        let standing = match opening.stage {
            Stage::Refused(_) => Standing::Refused,
            Stage::Header { .. } => Standing::Awaited,
            _ => Standing::Admitted,
        };
        let owned = Owned {
            stage: opening.stage,
            handler: None,
            decoder: opening.decoder,
            unread: Vec::new(),
            readable: false,
            ending: false,
            urgent: false,
            discards_output: false,
            begun: None,
            stalled: None,
            paused: None,
            check: None,
            bucket: opening
                .rate
                .map(|rate| Box::new(Bucket::new(rate, Instant::now()))),
            look: Look::default(),
        };
        let mailbox = Mailbox {
            owned: Some(Box::new(owned)),
            outbox: Outbox::default(),
            in_hand: 0,
            request: None,
            shut: false,
        };
        Connection {
            id: opening.id,
            identity: Identity::new(opening.peer, standing),
            since: Instant::now(),
            socket: opening.socket,
            state: StateWord::ready(),
            tally: Tally::default(),
            lent: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            outbox_max: opening.outbox_max,
            mailbox: Mutex::new(mailbox),
            queue: opening.queue,
        }
    }

    /// Says why it should be served.
    pub(crate) fn wake(self: &Arc<Self>, reasons: Reasons) {
        if self.state.wake(reasons) == Next::Queue {
            (self.queue)(Arc::clone(self));
        }
    }

    /// The running worker takes what waits.
    pub(crate) fn take(&self) -> (Box<Owned>, Outbox, Option<CloseRequest>) {
        let mut mailbox = self.mailbox.lock();
        let outbox = std::mem::take(&mut mailbox.outbox);
        mailbox.in_hand = outbox.bytes();
        let owned = mailbox
            .owned
            .take()
            .expect("only the running worker takes it, once a turn");
        (owned, outbox, mailbox.request.take())
    }

    /// The running worker asks for what was pushed since.
    pub(crate) fn take_more(&self) -> Outbox {
        if !self.state.is_noticed() {
            // Whoever pushes wakes afterwards: what is not noticed yet comes after this.
            return Outbox::default();
        }
        let mut mailbox = self.mailbox.lock();
        mailbox.in_hand += mailbox.outbox.bytes();
        std::mem::take(&mut mailbox.outbox)
    }

    /// The running worker has written all that it took out.
    pub(crate) fn wrote_all(&self) {
        self.mailbox.lock().in_hand = 0;
    }

    /// The running worker puts back what waits for the next turn.
    pub(crate) fn put_back(&self, owned: Box<Owned>, owed: Outbox) {
        let mut mailbox = self.mailbox.lock();
        mailbox.in_hand = 0;
        mailbox.outbox.put_back(owed);
        mailbox.owned = Some(owned);
    }

    /// Owes the client these bytes, so many messages; gives them back if its outbox is full.
    pub(crate) fn push(self: &Arc<Self>, chunk: Bytes, messages: u64) -> Result<(), Unsent> {
        {
            let mut mailbox = self.mailbox.lock();
            let room = self.outbox_max.saturating_sub(mailbox.in_hand);
            if mailbox.shut {
                return Err(Unsent::Gone(chunk));
            }
            if mailbox.in_hand > 0 && chunk.len() > room {
                return Err(Unsent::Full(chunk));
            }
            mailbox.outbox.push(chunk, room).map_err(Unsent::Full)?;
            mailbox.outbox.note_messages(messages);
        }
        self.wake(Reasons::NOTICE);
        Ok(())
    }

    /// Nothing can be sent any more. Answers what was pushed until now.
    pub(crate) fn shut_outbox(&self) -> Outbox {
        let mut mailbox = self.mailbox.lock();
        mailbox.shut = true;
        mailbox.in_hand += mailbox.outbox.bytes();
        std::mem::take(&mut mailbox.outbox)
    }

    /// Leaves an order for the next turn. A cut is never taken back. A service that has the stream
    /// reads to the end of what has arrived, and so comes to its own end; cut, it fails.
    pub(crate) fn request_close(self: &Arc<Self>, request: CloseRequest) {
        let side = match request {
            CloseRequest::Cut => Shutdown::Both,
            CloseRequest::Close(_) | CloseRequest::Shed(_) => Shutdown::Read,
        };
        {
            let mut mailbox = self.mailbox.lock();
            if !matches!(mailbox.request, Some(CloseRequest::Cut)) {
                mailbox.request = Some(request);
            }
        }
        if self.lent.load(Ordering::SeqCst) {
            self.shut(side);
        }
        self.wake(Reasons::NOTICE);
    }

    /// Takes the order to close it that was left since the turn began, if one was.
    pub(crate) fn take_close(&self) -> Option<String> {
        let is_close = |request: &mut CloseRequest| matches!(request, CloseRequest::Close(_));
        match self.mailbox.lock().request.take_if(is_close)? {
            CloseRequest::Close(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether an order waits for the next turn.
    pub(crate) fn has_request(&self) -> bool {
        self.mailbox.lock().request.is_some()
    }

    /// Whether it was ordered to be reset, and the order not yet taken.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(self.mailbox.lock().request, Some(CloseRequest::Cut))
    }

    /// How long nothing has come from it.
    pub(crate) fn quiet_for(&self) -> Duration {
        let heard = Duration::from_millis(self.tally.heard_ms.load(Ordering::Relaxed));
        self.since.elapsed().saturating_sub(heard)
    }

    /// How long it has taken nothing of what it is owed.
    pub(crate) fn stalled_for(&self) -> Option<Duration> {
        let since = self.tally.stalled_ms.load(Ordering::Relaxed);
        let since = Duration::from_millis(since.checked_sub(1)?);
        Some(self.since.elapsed().saturating_sub(since))
    }

    /// Bytes that have come and were not read.
    pub(crate) fn unread(&self) -> usize {
        rustix::io::ioctl_fionread(&self.socket).map_or(0, |count| count as usize)
    }

    /// Bytes that wait to be sent.
    pub(crate) fn owed(&self) -> usize {
        let mailbox = self.mailbox.lock();
        mailbox.outbox.bytes() + mailbox.in_hand
    }

    /// Resets a connection whose worker may be stuck in it: the worker's next read or write
    /// fails. The descriptor stays open until the worker lets go of it.
    pub(crate) fn cut(self: &Arc<Self>) {
        self.request_close(CloseRequest::Cut);
        if self.state.phase() == Phase::Running {
            self.shut(Shutdown::Both);
        }
    }

    /// Shuts one side or both; that the peer was quicker is no error.
    pub(crate) fn shut(&self, side: Shutdown) {
        let _ = self.socket.shutdown(side);
    }

    /// Shows the client the end. `false`: there is no connection any more.
    pub(crate) fn shut_writing(&self) -> bool {
        let shut = self.socket.shutdown(Shutdown::Write);
        !shut.is_err_and(|error| error.kind() == std::io::ErrorKind::NotConnected)
    }

    /// Bytes that the client's host has not acknowledged; none where the system does not say.
    pub(crate) fn unsent(&self) -> usize {
        outq::unacknowledged(&self.socket).unwrap_or(0)
    }

    /// Lets the peer see a reset instead of an end when the socket closes.
    pub(crate) fn close_with_reset(&self) {
        let _ = self.socket.set_linger(Some(Duration::ZERO));
    }
}
