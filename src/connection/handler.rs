//! What passes between a turn and a service: messages in, replies out, a verdict.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::framing::{Decoder, Extent, Framing, Message};
use crate::limits::counters::SENT_MAX;
use crate::limits::limit::Limit;

/// How long one connection may keep its worker in a turn when it has sent many messages at once.
const TURN_MAX: Duration = Duration::from_micros(250);
/// Most messages between two looks at the clock.
const CLOCK_EVERY_MAX: u64 = 256;

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Verdict {
    /// On to the next message.
    Go,
    /// Take no more of this client's messages for so long; then the service is called again,
    /// whether or not more has come. Costs no worker. Keep it short: what the client has sent
    /// waits, and if the server ends the connection meanwhile, that comes after it.
    Wait(Duration),
    /// Serve nothing more, send what is owed, then close. What the client still sends is read and
    /// thrown away until it has closed, too; see [`Times::write_stall`](crate::Times).
    Close,
}

/// Why a connection ended. Its [`Display`](fmt::Display) is a short clause for a log.
///
/// ```
/// use poold::{End, Limit};
///
/// assert_eq!(End::Drained.to_string(), "the server drained");
/// assert_eq!(End::Limit(Limit::Idle).to_string(), "closed by a limit (idle)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The client closed, or closed its sending side and got all its replies.
    Client,
    /// The client reset the connection, or the network did; with what the system said.
    Lost(String),
    /// The service said [`Verdict::Close`], or its function returned.
    Service,
    /// A call closed it through the registry or a [`Client`](crate::Client), for this reason.
    Closed(String),
    /// What it sent could not be cut into messages; with what was wrong.
    Framing(String),
    /// A limit closed it, to keep to a time or to make room for others.
    Limit(Limit),
    /// A limit kept it out; it got the service's [refusal](crate::Service::refusal).
    Refused(Limit),
    /// The handler panicked. Only the log says so: the session is dropped, and not called again.
    Panic,
    /// The server drained.
    Drained,
    /// The drain's deadline came first, and the connection was reset.
    CutOff,
}

impl End {
    /// Whether the server wanted it, not the client and not the service: what the client sends
    /// until it notices is no fault of its own.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(
            self,
            End::Closed(_) | End::Limit(_) | End::Drained | End::CutOff
        )
    }
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Client => out.write_str("the client closed"),
            End::Lost(why) => write!(out, "the connection was lost: {why}"),
            End::Service => out.write_str("the service closed it"),
            End::Closed(why) => write!(out, "closed: {why}"),
            End::Framing(why) => write!(out, "the framing does not allow what it sent: {why}"),
            End::Limit(limit) => write!(out, "closed by a limit ({})", limit.name()),
            End::Refused(limit) => write!(out, "refused by a limit ({})", limit.name()),
            End::Panic => out.write_str("its handler panicked"),
            End::Drained => out.write_str("the server drained"),
            End::CutOff => out.write_str("reset at the drain's deadline"),
        }
    }
}

/// The messages of one turn, one after the other.
#[derive(Debug)]
pub struct Messages<'a> {
    decoder: &'a mut Decoder,
    piece: &'a [u8],
    at: usize,
    /// Where the message under way begins in the piece.
    begun: usize,
    /// The beginning of the first message that was cut.
    cut: Vec<u8>,
    stream: StreamEnd,
    started: Instant,
    clock_in: u64,
    allowed: u64,
    /// The client's rate leaves no bytes to be read after this piece.
    is_spent: bool,
    tally: MessageTally,
    /// `tally.messages`, for whoever reports while the service is stuck in one.
    in_turn: &'a AtomicU64,
}

/// Whether what was begun ends with `piece`: it is the last that will come, or the next is long in
/// coming where that ends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    NotYet,
    Reached,
}

/// What is left of a turn's messages.
pub(crate) struct Rest<'a> {
    pub(crate) tally: MessageTally,
    /// What of the piece was not looked at.
    pub(crate) unread: &'a [u8],
    /// Where the last message of the piece begins, which may be one that makes no sense.
    pub(crate) begun: usize,
    /// The beginning of the first message that was cut, if one was.
    pub(crate) cut: Vec<u8>,
}

/// How many messages were handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageTally {
    pub(crate) messages: u64,
    pub(crate) partial: u64,
}

impl<'a> Messages<'a> {
    pub(crate) fn new(
        decoder: &'a mut Decoder,
        piece: &'a [u8],
        stream: StreamEnd,
        started: Instant,
        allowed: u64,
        in_turn: &'a AtomicU64,
    ) -> Messages<'a> {
        let tally = MessageTally::default();
        Messages {
            decoder,
            piece,
            at: 0,
            begun: 0,
            cut: Vec::new(),
            stream,
            started,
            clock_in: 1,
            allowed,
            is_spent: false,
            tally,
            in_turn,
        }
    }

    /// After this piece the client's rate leaves no bytes to be read.
    pub(crate) fn spent(self, is_spent: bool) -> Messages<'a> {
        Messages { is_spent, ..self }
    }

    /// When the client has sent as much as its [`rate`](crate::Options::rate) lets through: what
    /// was read of it and has to wait, perhaps nothing. What else it has sent is not read.
    pub fn held_back(&self) -> Option<&'a [u8]> {
        let is_held = self.is_spent || self.tally.messages >= self.allowed;
        is_held.then_some(&self.piece[self.at..])
    }

    /// The next message; `None` when there is no more, or when this connection has had its worker
    /// for long enough, or as much as its rate allows, and the rest comes in a later turn.
    pub fn next_message(&mut self) -> Option<Message<'_>> {
        if self.tally.messages >= self.allowed {
            return None;
        }
        if self.clock_in == 0 && !self.has_time() {
            return None;
        }
        self.clock_in -= 1;
        if self.stream == StreamEnd::Reached && self.at == self.piece.len() {
            self.stream = StreamEnd::NotYet;
            let message = self.decoder.finish();
            self.tally.messages += u64::from(message.is_some());
            self.in_turn.store(self.tally.messages, Ordering::Relaxed);
            let is_partial = message.is_some_and(|message| message.extent == Extent::Partial);
            self.tally.partial += u64::from(is_partial);
            return message;
        }
        if self.decoder.fault().is_none() {
            self.begun = self.at;
        }
        let (used, message) = self.decoder.next(&self.piece[self.at..]);
        self.at += used;
        self.tally.messages += u64::from(message.is_some());
        self.in_turn.store(self.tally.messages, Ordering::Relaxed);
        if let Some(message) = message
            && message.extent == Extent::Truncated
            && self.cut.is_empty()
        {
            // One byte more than is quoted shows that there was more.
            self.cut = message.bytes[..message.bytes.len().min(SENT_MAX + 1)].to_vec();
        }
        message
    }

    /// Looks at the clock, and says after how many messages to look again.
    fn has_time(&mut self) -> bool {
        let spent = self.started.elapsed();
        let each = (micros(spent) / self.tally.messages.max(1)).max(1);
        let more = micros(TURN_MAX.saturating_sub(spent)) / 4 / each;
        self.clock_in = more.clamp(1, CLOCK_EVERY_MAX);
        spent < TURN_MAX
    }

    /// When the service has taken what it wanted.
    pub(crate) fn into_rest(self) -> Rest<'a> {
        Rest {
            tally: self.tally,
            unread: &self.piece[self.at..],
            begun: self.begun,
            cut: self.cut,
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Where a handler puts its answers. They are sent together at the end of the turn, after what
/// others have sent to this client meanwhile.
#[derive(Debug)]
pub struct Reply<'a> {
    wire: &'a mut Vec<u8>,
    framing: &'a Framing,
    max: usize,
    messages: u64,
    /// Nobody wants the answer: whoever is answered has stopped reading for good, or others wait
    /// for its place.
    pub(crate) is_void: bool,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(wire: &'a mut Vec<u8>, framing: &'a Framing, max: usize) -> Reply<'a> {
        Reply {
            wire,
            framing,
            max,
            messages: 0,
            is_void: false,
        }
    }

    /// Answers with one message, framed as the server's messages are; see
    /// [`Framing::encode`] for what can't be framed. There is no bound to one answer: it is in
    /// memory until the client has read it.
    pub fn send(&mut self, message: impl AsRef<[u8]>) {
        self.framing.encode(message.as_ref(), self.wire);
        self.messages += 1;
    }

    /// How [`send`](Reply::send) puts messages on the wire.
    pub fn framing(&self) -> &Framing {
        self.framing
    }

    /// Answers with these bytes just as they are.
    pub fn send_raw(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.extend_from_slice(bytes.as_ref());
        self.messages += 1;
    }

    /// Whether as much is answered as the outbox holds ([`Options::outbox_max`]): take no further
    /// message this turn.
    ///
    /// [`Options::outbox_max`]: crate::Options::outbox_max
    pub fn is_full(&self) -> bool {
        self.wire.len() >= self.max
    }

    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }
}

/// One connection's side of a service.
pub(crate) trait Handler: Send {
    fn batch(&mut self, messages: &mut Messages<'_>, reply: &mut Reply<'_>) -> Verdict;
    fn last_words(&mut self, end: &End, reply: &mut Reply<'_>);
    fn closed(self: Box<Self>, end: &End);
}
