//! What a server does with what it receives.
//!
//! A [`Service`] is given whole messages, one at a time for each connection, on a worker that it
//! may block. A plain function of a message is one, too: [`answer`]. A [`StreamService`] is given
//! the connection itself and keeps its worker until it returns.

#[cfg(feature = "cli")]
pub mod chat;
mod discard;
mod echo;
#[cfg(feature = "cli")]
pub mod exec;
#[cfg(feature = "cli")]
pub mod recv;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

pub use discard::Discard;
pub use echo::Echo;

use bytes::Bytes;

use crate::client::Client;
use crate::framing::Message;
use crate::handler::{End, Handler, Messages, Reply, Verdict};
use crate::notices::Limit;
use crate::stream::Stream;

/// A handler of messages. One value serves all connections; what belongs to one of them is its
/// session. Any method may block: the others' messages go on through the other workers.
pub trait Service: Send + Sync + 'static {
    /// What is kept for each connection.
    type Session: Send + 'static;

    /// A client has connected; the reply is sent to it at once.
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

    /// The connection is over; nothing can be sent any more.
    fn closed(&self, session: Self::Session, end: &End) {
        let _ = (session, end);
    }

    /// What a client is told that is not let in, framed already; by default nothing.
    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        let _ = limit;
        None
    }

    /// What to do with bytes that can't be answered any more.
    fn tail(&self) -> Tail {
        Tail::Discard
    }

    /// The server's clock: called every few milliseconds while there is work, and while there is
    /// none at the time that it last answered. It holds up other deadlines, so it must be quick.
    fn tick(&self, now: Instant) -> Option<Instant> {
        let _ = now;
        None
    }

    /// The drain's deadline has come: whatever of it blocks should return soon. May come again.
    fn cut_off(&self) {}

    /// The last call, when every connection is gone: by `deadline`, finish what was taken and is
    /// not done. Answers how many messages are lost because that could not be.
    fn finish(&self, deadline: Instant) -> u64 {
        let _ = deadline;
        0
    }
}

/// What to do with what a client sends after the server has shut its side in a drain, and with
/// the beginning of a message that a reset cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Deliver it: for services that store and don't answer.
    Deliver,
    /// Read it and throw it away: for services whose clients wait for an answer.
    Discard,
}

/// A service that takes the whole stream, and its worker with it, until it returns.
///
/// Any `Fn(Stream) -> io::Result<()>` is one.
pub trait StreamService: Send + Sync + 'static {
    /// Serves one client. When it returns, the write side is shut and the client may close; an
    /// error is logged.
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
    /// should return soon. May come again.
    fn cut_off(&self) {}

    /// The last call: by `deadline`, finish what is not done.
    fn finish(&self, deadline: Instant) {
        let _ = deadline;
    }
}

/// What a drain means to the clients of a [`StreamService`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
/// server's messages are.
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

/// What the engine needs to know of a service, whatever its session.
pub(crate) trait Opener: Send + Sync {
    fn open(&self, client: &Client, reply: &mut Reply<'_>) -> Box<dyn Handler>;
    fn refusal(&self, limit: Limit) -> Option<Bytes>;
    fn tail(&self) -> Tail;
    fn tick(&self, now: Instant) -> Option<Instant>;
    fn cut_off(&self);
    fn finish(&self, deadline: Instant) -> u64;
}

/// The two kinds of work.
#[derive(Clone)]
pub(crate) enum Work {
    Messages(Arc<dyn Opener>),
    Streams(Arc<dyn StreamService>),
}

/// What the engine asks between messages, in threads that are nobody's: a panic may end none of
/// them. The hook has told of it, and the answer is the usual one.
impl Work {
    pub(crate) fn refusal(&self, limit: Limit) -> Option<Bytes> {
        unless_it_panics(|| match self {
            Work::Messages(opener) => opener.refusal(limit),
            Work::Streams(service) => service.refusal(limit),
        })
        .flatten()
    }

    pub(crate) fn tail(&self) -> Tail {
        match self {
            Work::Messages(opener) => unless_it_panics(|| opener.tail()).unwrap_or(Tail::Discard),
            Work::Streams(_) => Tail::Discard,
        }
    }

    pub(crate) fn tick(&self, now: Instant) -> Option<Instant> {
        match self {
            Work::Messages(opener) => unless_it_panics(|| opener.tick(now)).flatten(),
            Work::Streams(_) => None,
        }
    }

    /// On the thread that waits for the end, whose panic it is.
    pub(crate) fn finish(&self, deadline: Instant) -> u64 {
        match self {
            Work::Messages(opener) => opener.finish(deadline),
            Work::Streams(service) => {
                service.finish(deadline);
                0
            }
        }
    }

    pub(crate) fn cut_off(&self) {
        unless_it_panics(|| match self {
            Work::Messages(opener) => opener.cut_off(),
            Work::Streams(service) => service.cut_off(),
        });
    }

    /// What a drain means to clients that keep a worker.
    pub(crate) fn in_drain(&self) -> InDrain {
        match self {
            Work::Messages(_) => InDrain::ReadOut,
            Work::Streams(service) => {
                unless_it_panics(|| service.in_drain()).unwrap_or(InDrain::ReadOut)
            }
        }
    }

    /// Threads for so many workers: while all of them are lent, one more takes clients in, tells
    /// those who can't be served, and ends connections.
    pub(crate) fn threads(&self, workers: usize) -> usize {
        match self {
            Work::Messages(_) => workers,
            Work::Streams(_) => workers + 1,
        }
    }
}

fn unless_it_panics<R>(ask: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}

/// A service that opens sessions.
pub(crate) struct Opens<S>(pub(crate) Arc<S>);

/// A service with one connection's session.
struct Bound<S: Service> {
    service: Arc<S>,
    session: S::Session,
}

impl<S: Service> Opener for Opens<S> {
    fn open(&self, client: &Client, reply: &mut Reply<'_>) -> Box<dyn Handler> {
        let session = self.0.opened(client, reply);
        Box::new(Bound {
            service: Arc::clone(&self.0),
            session,
        })
    }

    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        self.0.refusal(limit)
    }

    fn tail(&self) -> Tail {
        self.0.tail()
    }

    fn tick(&self, now: Instant) -> Option<Instant> {
        self.0.tick(now)
    }

    fn cut_off(&self) {
        self.0.cut_off();
    }

    fn finish(&self, deadline: Instant) -> u64 {
        self.0.finish(deadline)
    }
}

impl<S: Service> Handler for Bound<S> {
    fn batch(&mut self, messages: &mut Messages<'_>, reply: &mut Reply<'_>) -> Verdict {
        self.service.batch(&mut self.session, messages, reply)
    }

    fn last_words(&mut self, end: &End, reply: &mut Reply<'_>) {
        self.service.last_words(&mut self.session, end, reply);
    }

    fn closed(self: Box<Self>, end: &End) {
        self.service.closed(self.session, end);
    }
}
