//! What a server does with what it receives.
//!
//! A [`Service`] is given whole messages, one at a time for each connection, on a worker that it
//! may block. A plain function of a message is one, too: [`answer`]. A [`StreamService`] is given
//! the connection itself and keeps its worker until it returns.
//!
//! What needs the feature `cli` are the command's own services. They change as the command does.

#[cfg(feature = "cli")]
pub mod chat;
mod discard;
mod echo;
mod erased;
#[cfg(feature = "cli")]
pub mod exec;
#[cfg(feature = "cli")]
pub mod recv;

use std::io;
use std::time::{Duration, Instant};

pub use discard::Discard;
pub use echo::Echo;
pub(crate) use erased::{Erased, Opener, Work};

use bytes::Bytes;

use crate::connection::client::Client;
use crate::connection::handler::{End, Messages, Reply, Verdict};
use crate::connection::stream::Stream;
use crate::framing::Message;
use crate::limits::limit::Limit;

/// A handler of messages. One value serves all connections; what belongs to one of them is its
/// session. What has a session may block: the others' messages go on through the other workers.
///
/// If a method with a session panics, its client is closed and counted in
/// [`Stats::panics`](crate::Stats), and its session is dropped without being
/// [`closed`](Service::closed): what must be done in any case belongs in the session's `Drop`.
/// Nobody else notices.
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
    /// What is kept for each connection.
    type Session: Send + 'static;

    /// A client has connected; the reply is sent to it at once. Keep a clone of the
    /// [`Client`] to send to it from elsewhere, or [close](Client::close) it to turn it away.
    fn opened(&self, client: &Client, reply: &mut Reply<'_>) -> Self::Session;

    /// It has sent a message. Messages of one connection come one after the other, in order.
    fn message(
        &self,
        session: &mut Self::Session,
        message: Message<'_>,
        reply: &mut Reply<'_>,
    ) -> Verdict;

    /// It has sent several: gives each to [`message`](Service::message). Override it to do
    /// something once for all that came together, such as one write. After a
    /// [`Verdict::Wait`] it is called even when nothing more has come.
    ///
    /// Take messages until there are none or the reply [is full](Reply::is_full), or answer with
    /// another verdict than [`Verdict::Go`]: what is left is brought again at once.
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

    /// The server ends the connection (a drain, a limit, [`Client::close`]): what is answered
    /// here is the last that the client gets, after all that it is owed.
    fn last_words(&self, session: &mut Self::Session, end: &End, reply: &mut Reply<'_>) {
        let _ = (session, end, reply);
    }

    /// The connection is over; nothing can be sent any more. Not called after a panic of this
    /// session's handler.
    fn closed(&self, session: Self::Session, end: &End) {
        let _ = (session, end);
    }

    /// What a client is told that is not let in, framed already; by default nothing. The acceptor
    /// may call it, so it must not block.
    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        let _ = limit;
        None
    }

    /// What to do with bytes that can't be answered any more.
    fn tail(&self) -> Tail {
        Tail::Discard
    }

    /// What the log may quote of what a client sent that is cut or closed for it.
    fn quote(&self) -> Quote {
        Quote::Beginning
    }

    /// The server's clock: called every few milliseconds while there is work, and while there is
    /// none at the time that it last answered. It holds up other deadlines, so it must be quick.
    fn tick(&self, now: Instant) -> Option<Instant> {
        let _ = now;
        None
    }

    /// The service's own output, if handlers wait for one. While it is blocked no worker counts as
    /// stuck, and a drain's deadline is waited for no longer than it lasts. Asked about once a
    /// millisecond while there is work, so it must be quick.
    fn outlet(&self) -> Option<Outlet> {
        None
    }

    /// The drain's deadline has come: whatever of it blocks should return soon. Comes again about
    /// once a millisecond until the server has stopped, so it must not block itself.
    fn cut_off(&self) {}

    /// The last call, when every connection is gone, but for those whose handlers have not come
    /// back at the drain's deadline: by `deadline`, finish what was taken and is not done. Answers
    /// how many messages are lost because that could not be.
    fn finish(&self, deadline: Instant) -> u64 {
        let _ = deadline;
        0
    }
}

/// What a service's handlers put their work into, and wait for: a file, a pipe, a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlet {
    /// Bytes that wait to be taken.
    pub waiting_bytes: u64,
    /// For how long it has taken nothing; zero while it takes what it is given.
    pub blocked: Duration,
    /// For how long it has taken nothing in its whole life.
    pub blocked_total: Duration,
}

/// What to do with what a client sends after the server has shut its side (for a drain, a limit or
/// [`Client::close`]), and with the beginning of a message that a reset cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tail {
    /// Deliver it: for services that store and don't answer.
    Deliver,
    /// Read it and throw it away: for services whose clients wait for an answer.
    Discard,
}

/// What the log may quote of what a client sent, where that is why it is cut or closed: the message
/// is too long, has no end, or is none as the framing says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quote {
    /// Its first 40 bytes, escaped: enough to see what kind of client it is.
    Beginning,
    /// Nothing: for services whose clients send passwords.
    Nothing,
}

/// A service that takes the whole stream, and its worker with it, until it returns.
///
/// Any `Fn(Stream) -> io::Result<()>` is one, such as one that runs a program for each client:
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
/// Of [`Options`](crate::Options), `framing` and what concerns messages, `rate` and nearly all
/// `times` say nothing to it: it reads for itself.
pub trait StreamService: Send + Sync + 'static {
    /// Serves one client. When it returns, the write side is shut, without a worker: what was
    /// written reaches a client that reads, whatever it still sends, and it may close. An error is
    /// logged at the level `debug`.
    ///
    /// # Errors
    /// Whatever reading and writing says.
    fn serve(&self, stream: Stream) -> io::Result<()>;

    /// What a client is told that is not let in; by default nothing.
    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        let _ = limit;
        None
    }

    /// What a drain means to its clients.
    fn in_drain(&self) -> InDrain {
        InDrain::ReadOut
    }

    /// The drain's deadline has come: whatever of it blocks in something else than its stream
    /// should return soon. Comes again about once a millisecond until the server has stopped, so
    /// it must not block itself.
    fn cut_off(&self) {}

    /// The last call: by `deadline`, finish what is not done.
    fn finish(&self, deadline: Instant) {
        let _ = deadline;
    }
}

/// What a drain means to the clients of a [`StreamService`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InDrain {
    /// Who waits for a worker is still served; who is served can read what has arrived, and then
    /// sees the end.
    #[default]
    ReadOut,
    /// Who waits is refused; who is served goes on as if nothing were, until the deadline.
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

/// A service made of a function: each message is answered with what it returns, framed as the
/// server's messages are. It is not told what was [cut](crate::Extent): write a [`Service`] to
/// see that.
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

/// See [`answer`].
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
