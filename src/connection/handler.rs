//! The types between a turn and a service: messages in, replies out, a verdict.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::framing::{Decoder, Extent, Framing, Message};
use crate::limits::counters::SENT_MAX;
use crate::limits::limit::Limit;

/// Maximum time of a turn for a connection that has sent many messages at once.
const TURN_MAX: Duration = Duration::from_micros(250);
/// Maximum messages between two readings of the clock.
const CLOCK_EVERY_MAX: u64 = 256;

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Verdict {
    /// Continue with the next message.
    Go,
    /// Take no messages of this client for this time; then call the service again, whether or not
    /// more has come. Costs no worker. Keep it short: what the client has sent waits, and so does
    /// the end if the server ends the connection meanwhile.
    Wait(Duration),
    /// Serve nothing more, send all unsent output, then close. What the client still sends is read
    /// and discarded until it has closed as well; see [`Times::write_stall`](crate::Times).
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
    /// Its TLS handshake failed; with what was wrong. The service has not seen it.
    Handshake(String),
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
    /// Whether the server ended it, not the client or the service. The client may still send until
    /// it notices.
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
            End::Handshake(why) => write!(out, "its TLS handshake failed: {why}"),
            End::Limit(limit) => write!(out, "closed by a limit ({})", limit.name()),
            End::Refused(limit) => write!(out, "refused by a limit ({})", limit.name()),
            End::Panic => out.write_str("its handler panicked"),
            End::Drained => out.write_str("the server drained"),
            End::CutOff => out.write_str("reset at the drain's deadline"),
        }
    }
}

/// The messages of one turn, one after the other.
///
/// ```
/// use std::fs::File;
/// use std::io::Write;
///
/// use poold::{Client, Message, Messages, Reply, Service, Verdict};
///
/// /// Stores each client's messages, with one write for all that came together.
/// struct Store;
///
/// impl Service for Store {
///     type Session = File;
///
///     fn opened(&self, client: &Client, _: &mut Reply<'_>) -> File {
///         File::create(format!("{}.log", client.id())).expect("a writable directory")
///     }
///
///     fn batch(&self, file: &mut File, all: &mut Messages<'_>, _: &mut Reply<'_>) -> Verdict {
///         let mut lines = Vec::new();
///         while let Some(message) = all.next_message() {
///             lines.extend_from_slice(message.bytes);
///             lines.push(b'\n');
///         }
///         match file.write_all(&lines) {
///             Ok(()) => Verdict::Go,
///             Err(_) => Verdict::Close,
///         }
///     }
///
///     fn message(&self, _: &mut File, _: Message<'_>, _: &mut Reply<'_>) -> Verdict {
///         unreachable!("batch takes all")
///     }
/// }
/// ```
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
    /// `tally.messages`, for a report while the service is stuck in a message.
    in_turn: &'a AtomicU32,
}

/// Whether a partial message ends with `piece`: the stream has ended, or silence ends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    NotYet,
    Reached,
}

/// The remainder of a turn's messages.
pub(crate) struct Rest<'a> {
    pub(crate) tally: MessageTally,
    /// The part of the piece that was not decoded.
    pub(crate) unread: &'a [u8],
    /// Where the last message of the piece begins; it may be invalid.
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
        in_turn: &'a AtomicU32,
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

    /// Sets whether the client's rate leaves no bytes to read after this piece.
    pub(crate) fn spent(self, is_spent: bool) -> Messages<'a> {
        Messages { is_spent, ..self }
    }

    /// If the client has used up its [`rate`](crate::Options::rate): the bytes that were read and
    /// have to wait, perhaps none. Its further bytes are not read.
    pub fn held_back(&self) -> Option<&'a [u8]> {
        let is_held = self.is_spent || self.tally.messages >= self.allowed;
        is_held.then_some(&self.piece[self.at..])
    }

    /// The next message; `None` when there is no more, or when the turn's time or the client's rate
    /// is used up: the rest comes in a later turn.
    // Inlined, and with a return of its own for the message that nearly all are: a result of three
    // words that is written to memory and read again at once costs more than the search.
    #[inline]
    pub fn next_message(&mut self) -> Option<Message<'_>> {
        if self.tally.messages >= self.allowed || self.is_used_up() {
            return None;
        }
        if self.clock_in == 0 && !self.has_time() {
            return None;
        }
        self.clock_in -= 1;
        if let Some((used, bytes)) = self.decoder.whole(&self.piece[self.at..]) {
            self.begun = self.at;
            self.at += used;
            self.tally.messages += 1;
            note(self.in_turn, &self.tally);
            let extent = Extent::Whole;
            return Some(Message { bytes, extent });
        }
        self.next_in_parts()
    }

    /// The same for a message that does not lie whole at the front of what is left of the piece.
    #[inline(never)]
    fn next_in_parts(&mut self) -> Option<Message<'_>> {
        if self.stream == StreamEnd::Reached && self.at == self.piece.len() {
            self.stream = StreamEnd::NotYet;
            let message = self.decoder.finish();
            self.tally.messages += u64::from(message.is_some());
            note(self.in_turn, &self.tally);
            let is_partial = message.is_some_and(|message| message.extent == Extent::Partial);
            self.tally.partial += u64::from(is_partial);
            return message;
        }
        if self.decoder.fault().is_none() {
            self.begun = self.at;
        }
        let (used, message) = self.decoder.step_by_step(&self.piece[self.at..]);
        self.at += used;
        self.tally.messages += u64::from(message.is_some());
        note(self.in_turn, &self.tally);
        if let Some(message) = message
            && message.extent == Extent::Truncated
            && self.cut.is_empty()
        {
            // One byte more than is quoted shows that there was more.
            self.cut = message.bytes[..message.bytes.len().min(SENT_MAX + 1)].to_vec();
        }
        message
    }

    /// What has come of a message without its end, when there is no other any more.
    #[cfg(feature = "cli")]
    pub(crate) fn begun(&self) -> &[u8] {
        self.decoder.begun()
    }

    /// Whether all of the piece was cut. The clock is not read for that.
    fn is_used_up(&self) -> bool {
        self.at == self.piece.len() && self.stream == StreamEnd::NotYet
    }

    /// Reads the clock, and sets after how many messages to read it again.
    fn has_time(&mut self) -> bool {
        let spent = self.started.elapsed();
        let each = (micros(spent) / self.tally.messages.max(1)).max(1);
        let more = micros(TURN_MAX.saturating_sub(spent)) / 4 / each;
        self.clock_in = more.clamp(1, CLOCK_EVERY_MAX);
        spent < TURN_MAX
    }

    /// The remainder, when the service has taken what it wants.
    pub(crate) fn into_rest(self) -> Rest<'a> {
        Rest {
            tally: self.tally,
            unread: &self.piece[self.at..],
            begun: self.begun,
            cut: self.cut,
        }
    }
}

/// Notes how many messages the service has got, for a report while it is stuck in one.
fn note(in_turn: &AtomicU32, tally: &MessageTally) {
    in_turn.store(tally.messages as u32, Ordering::Relaxed);
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Collects a handler's answers. They are sent together at the end of the turn, after what others
/// have sent to this client meanwhile.
#[derive(Debug)]
pub struct Reply<'a> {
    wire: &'a mut Vec<u8>,
    framing: &'a Framing,
    max: usize,
    messages: u64,
    /// The answers are discarded: the client will read no more, or is closed to free its slot.
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

    /// Answers with one message in the server's framing; see [`Framing::encode`] for what can't be
    /// framed. One answer has no bound: it is in memory until the client has read it.
    pub fn send(&mut self, message: impl AsRef<[u8]>) {
        self.framing.encode(message.as_ref(), self.wire);
        self.messages += 1;
    }

    /// The framing that [`send`](Reply::send) uses.
    pub fn framing(&self) -> &Framing {
        self.framing
    }

    /// Answers with these bytes, unframed.
    pub fn send_raw(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.extend_from_slice(bytes.as_ref());
        self.messages += 1;
    }

    /// Whether the answers fill the outbox ([`Options::outbox_max`]): then take no further message
    /// this turn.
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
    fn write_down(&mut self, written: &mut Vec<u8>) -> bool;
    fn moved(self: Box<Self>);
}
