//! Services: what a server does with the messages or the stream of a client.
//!
//! A [`Service`] gets whole messages, one at a time for each connection, on a worker that it may
//! block. [`answer`] makes one of a function of a message. A [`StreamService`] gets the connection
//! itself, and keeps its worker until it returns.
//!
//! The services that need the feature `cli` are the command's own, and change with the command.

// Here are the two traits, and the services of poold: chat, discard, echo, exec, hub, recv.
// May import: `connection`, `framing`, `limits`, `net`, `scheduler`. Must not: `turn` and `server`,
// which call services, and `cli`.

#[cfg(feature = "cli")]
pub mod chat;
mod discard;
mod echo;
mod erased;
#[cfg(feature = "cli")]
pub mod exec;
pub mod hub;
#[cfg(feature = "cli")]
pub mod recv;

use std::io;
use std::time::{Duration, Instant};

pub use discard::Discard;
pub use echo::Echo;
pub(crate) use erased::{Erased, Opener, Work, moved, write_down};

use bytes::Bytes;

use crate::connection::client::Client;
use crate::connection::handler::{End, Messages, Reply, Verdict};
use crate::connection::stream::Stream;
use crate::framing::Message;
use crate::limits::limit::Limit;

/// A handler of messages. One value serves all connections; the state of one connection is its
/// session. Methods with a session may block: the other workers go on serving other clients.
///
/// If a method with a session panics, the server closes that client, counts it in
/// [`Stats::panics`](crate::Stats), and drops the session without calling
/// [`closed`](Service::closed). Put cleanup that must always happen in the session's `Drop`. Other
/// clients are not affected.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
///
/// use poold::{Client, Message, Reply, Service, Verdict};
///
/// /// `set KEY VALUE` and `get KEY`, one map for all clients.
/// #[derive(Default)]
/// struct Store(Mutex<HashMap<Vec<u8>, Vec<u8>>>);
///
/// impl Service for Store {
///     type Session = ();
///
///     fn opened(&self, client: &Client, reply: &mut Reply<'_>) {
///         reply.send(format!("hello {}", client.peer()));
///     }
///
///     fn message(&self, _: &mut (), message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
///         let mut map = self.0.lock().unwrap();
///         let words: Vec<_> = message.bytes.splitn(3, |byte| *byte == b' ').collect();
///         match words[..] {
///             [b"set", key, value] => {
///                 map.insert(key.into(), value.into());
///             }
///             [b"get", key] => reply.send(map.get(key).map_or(&b""[..], |value| value)),
///             [b"quit"] => return Verdict::Close,
///             _ => reply.send("set KEY VALUE, get KEY or quit"),
///         }
///         Verdict::Go
///     }
/// }
/// ```
pub trait Service: Send + Sync + 'static {
    /// The state of one connection.
    type Session: Send + 'static;

    /// A client has connected; the reply is sent at once. Keep a clone of the [`Client`] to send to
    /// it from elsewhere, or [close](Client::close) it to turn it away.
    fn opened(&self, client: &Client, reply: &mut Reply<'_>) -> Self::Session;

    /// The client has sent a message. Messages of one connection come one at a time, in order.
    fn message(
        &self,
        session: &mut Self::Session,
        message: Message<'_>,
        reply: &mut Reply<'_>,
    ) -> Verdict;

    /// The client has sent messages: passes each to [`message`](Service::message). Override it to
    /// do something once for all messages that came together, such as one write. After a
    /// [`Verdict::Wait`] it is called even when no more messages have come.
    ///
    /// Take messages until there are none, the reply [is full](Reply::is_full), or the verdict is
    /// not [`Verdict::Go`]. Messages that you leave come again at once.
    fn batch(
        &self,
        session: &mut Self::Session,
        messages: &mut Messages<'_>,
        reply: &mut Reply<'_>,
    ) -> Verdict {
        while !reply.is_full() {
            let Some(message) = messages.next_message() else {
                break;
            };
            let verdict = self.message(session, message, reply);
            if verdict != Verdict::Go {
                return verdict;
            }
        }
        Verdict::Go
    }

    /// The server ends the connection (a drain, a limit, [`Client::close`]). The client gets this
    /// reply last, after all that it is owed.
    fn last_words(&self, session: &mut Self::Session, end: &End, reply: &mut Reply<'_>) {
        let _ = (session, end, reply);
    }

    /// The connection has ended; nothing more can be sent. Not called after a panic in this
    /// session's handler.
    fn closed(&self, session: Self::Session, end: &End) {
        let _ = (session, end);
    }

    /// The name and version of the form in which sessions move to the process that takes over, such
    /// as `"store 1"`. `None`, the default: clients stay with their process, which drains them. A
    /// session moves only to a service with the same form. See [`Handle::export`].
    ///
    /// [`Handle::export`]: crate::Handle::export
    fn session_form(&self) -> Option<&'static str> {
        None
    }

    /// Writes a session down, for the process that takes its client over. The client has no message
    /// in a handler. All that the service has accepted of it must be where the other process's work
    /// can't overtake it: written out, not queued. `false`: the client stays.
    ///
    /// After this the session may still go on here, when the other process does not take it.
    fn write_session(&self, session: &mut Self::Session, written: &mut Vec<u8>) -> bool {
        let _ = (session, written);
        false
    }

    /// Goes on with a session that another process wrote down, in place of
    /// [`opened`](Service::opened). `None`: what is written is wrong, and the client stays there.
    /// The client is served only after [`Arrival::serve`](crate::Arrival::serve).
    fn read_session(&self, client: &Client, written: &[u8]) -> Option<Self::Session> {
        let _ = (client, written);
        None
    }

    /// The session goes on in another process; its client has not left. In place of
    /// [`closed`](Service::closed).
    fn session_moved(&self, session: Self::Session) {
        let _ = session;
    }

    /// Whether the clients have something in common that must not be in two processes at once, such
    /// as the order of their messages. Then all move together or none does: all are held before the
    /// first is written down, and none is served in the other process before all are there. See
    /// [`Export::hold_all`](crate::Export::hold_all).
    fn moves_together(&self) -> bool {
        false
    }

    /// All clients are held: writes down what they have in common, and changes nothing of it until
    /// [`move_over`](Service::move_over). `false`: none of them moves now. Must not block for long.
    fn write_shared(&self, written: &mut Vec<u8>) -> bool {
        let _ = written;
        true
    }

    /// Goes on with what the clients of another process have in common, before their sessions are
    /// read. A later call replaces what an earlier one has read. `false`: what is written is wrong,
    /// and the clients stay there.
    fn read_shared(&self, written: &[u8]) -> bool {
        written.is_empty()
    }

    /// The move that [`write_shared`](Service::write_shared) began is over. If it `has_moved`, only
    /// clients are left here that the other process did not take.
    fn move_over(&self, has_moved: bool) {
        let _ = has_moved;
    }

    /// The bytes, framed already, for a client that a limit keeps out; none by default. The
    /// acceptor may call this, so it must not block.
    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        let _ = limit;
        None
    }

    /// What to do with bytes that arrive too late to be answered.
    fn tail(&self) -> Tail {
        Tail::Discard
    }

    /// What the log may quote when it reports a client for the bytes that it sent.
    fn quote(&self) -> Quote {
        Quote::Beginning
    }

    /// The server's clock. While there is work, called every few milliseconds; while there is none,
    /// at the time that the last call returned. It delays other deadlines, so it must be quick.
    fn tick(&self, now: Instant) -> Option<Instant> {
        let _ = now;
        None
    }

    /// The state of the service's own output, if handlers wait for one. While the output is
    /// blocked, no worker counts as stuck, and a drain's deadline is waited for no longer than it
    /// lasts. While there is work, called about once a millisecond, so it must be quick.
    fn outlet(&self) -> Option<Outlet> {
        None
    }

    /// The drain's deadline has passed: handlers that block should return soon. Called about once
    /// a millisecond until the server has stopped, so it must not block.
    fn cut_off(&self) {}

    /// The last call, when every connection is gone, except those whose handlers have not returned
    /// at the drain's deadline. Finish all accepted work by `deadline`. Returns how many messages
    /// are lost because there was no time for them.
    fn finish(&self, deadline: Instant) -> u64 {
        let _ = deadline;
        0
    }
}

/// The output that a service's handlers wait for: a file, a pipe, a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlet {
    /// Bytes that wait for the output.
    pub waiting_bytes: u64,
    /// How long the output has taken nothing; zero while it takes what it is given.
    pub blocked: Duration,
    /// How long the output has taken nothing since the start, in all.
    pub blocked_total: Duration,
}

/// What to do with bytes that a client sends after the server has shut its side (for a drain, a
/// limit or [`Client::close`]), and with the beginning of a message that a reset cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tail {
    /// Deliver them: for services that store and don't answer.
    Deliver,
    /// Read and discard them: for services whose clients wait for an answer.
    Discard,
}

/// What the log may quote of a client's bytes when a message is too long, has no end, or does not
/// fit the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quote {
    /// The first 40 bytes, escaped: enough to see what kind of client it is.
    Beginning,
    /// Nothing: for services whose clients send passwords.
    Nothing,
}

/// A service that takes the whole stream, and keeps its worker until it returns.
///
/// Any `Fn(Stream) -> io::Result<()>` is a stream service. This one runs a program for each client:
///
/// ```no_run
/// use std::os::fd::AsFd;
/// use std::process::{Command, Stdio};
///
/// use poold::{Options, Server, Stream};
///
/// # fn main() -> poold::Result<()> {
/// let server = Server::bind_streams("127.0.0.1:0", Options::default(), |stream: Stream| {
///     let input = stream.as_fd().try_clone_to_owned()?;
///     let output = stream.as_fd().try_clone_to_owned()?;
///     let mut command = Command::new("tr");
///     command.args(["a-z", "A-Z"]).stdin(Stdio::from(input)).stdout(Stdio::from(output));
///     command.status().map(drop)
/// })?;
/// # Ok(())
/// # }
/// ```
///
/// A stream service reads for itself: of [`Options`](crate::Options), `framing`, the options about
/// messages, `rate` and nearly all `times` have no effect on it.
pub trait StreamService: Send + Sync + 'static {
    /// Serves one client. When it returns, the server shuts the write side, and needs no worker to
    /// wait for the client to close: all that was written reaches a client that reads, even if the
    /// client still sends. An error is logged at the level `debug`.
    ///
    /// # Errors
    /// Errors of reading and writing.
    fn serve(&self, stream: Stream) -> io::Result<()>;

    /// The bytes for a client that a limit keeps out; none by default.
    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        let _ = limit;
        None
    }

    /// What a drain means to its clients.
    fn in_drain(&self) -> InDrain {
        InDrain::ReadOut
    }

    /// The drain's deadline has passed: calls of `serve` that block in anything but their stream
    /// should return soon. Called about once a millisecond until the server has stopped, so it must
    /// not block.
    fn cut_off(&self) {}

    /// The last call. Finish all accepted work by `deadline`.
    fn finish(&self, deadline: Instant) {
        let _ = deadline;
    }
}

/// What a drain means to the clients of a [`StreamService`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InDrain {
    /// Clients that wait for a worker are still served. The service can read what a client has sent
    /// so far, and then the end of the stream.
    #[default]
    ReadOut,
    /// Clients that wait for a worker are refused, except when another process [takes
    /// over](crate::Handle::hand_over). Clients that are being served go on undisturbed until the
    /// deadline.
    GoOn,
}

impl<F> StreamService for F
where
    F: Fn(Stream) -> io::Result<()> + Send + Sync + 'static,
{
    fn serve(&self, stream: Stream) -> io::Result<()> {
        self(stream)
    }
}

/// Makes a service of a function: it answers each message with what the function returns, framed
/// as the server's messages are. The function does not see whether a message was
/// [cut](crate::Extent); a [`Service`] does.
///
/// ```
/// let shout = poold::answer(|line: &[u8]| line.to_ascii_uppercase());
/// ```
pub fn answer<F, R>(function: F) -> Answer<F>
where
    F: Fn(&[u8]) -> R + Send + Sync + 'static,
    R: AsRef<[u8]>,
{
    Answer { function }
}

/// The service that [`answer`] makes.
#[derive(Clone, Debug)]
pub struct Answer<F> {
    function: F,
}

impl<F, R> Service for Answer<F>
where
    F: Fn(&[u8]) -> R + Send + Sync + 'static,
    R: AsRef<[u8]>,
{
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        reply.send((self.function)(message.bytes));
        Verdict::Go
    }
}
