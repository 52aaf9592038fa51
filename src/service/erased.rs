//! Services without the type of their sessions, as turns and the server call them. A panic in a
//! call that all clients depend on does not end the calling thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::{InDrain, Outlet, Quote, Service, StreamService, Tail};
use crate::connection::client::Client;
use crate::connection::handler::{End, Handler, Messages, Reply, Verdict};
use crate::limits::limit::Limit;

/// A service with its session type erased.
pub(crate) trait Opener: Send + Sync {
    fn open(&self, client: &Client, reply: &mut Reply<'_>) -> Box<dyn Handler>;
    fn form(&self) -> Option<&'static str>;
    fn read_back(&self, client: &Client, written: &[u8]) -> Option<Box<dyn Handler>>;
    fn moves_together(&self) -> bool;
    fn write_shared(&self, written: &mut Vec<u8>) -> bool;
    fn read_shared(&self, written: &[u8]) -> bool;
    fn move_over(&self, has_moved: bool);
    fn refusal(&self, limit: Limit) -> Option<Bytes>;
    fn tail(&self) -> Tail;
    fn quote(&self) -> Quote;
    fn tick(&self, now: Instant) -> Option<Instant>;
    fn outlet(&self) -> Option<Outlet>;
    fn cut_off(&self);
    fn finish(&self, deadline: Instant) -> u64;
}

/// The two kinds of services.
#[derive(Clone)]
pub(crate) enum Work {
    Messages(Arc<dyn Opener>),
    Streams(Arc<dyn StreamService>),
}

/// The form of clients that wait for a worker: the service knows nothing of them yet.
const WAITING: &str = "waiting 1";

impl Work {
    pub(crate) fn refusal(&self, limit: Limit) -> Option<Bytes> {
        match self {
            Work::Messages(opener) => catch_or(None, || opener.refusal(limit)),
            Work::Streams(service) => catch_or(None, || service.refusal(limit)),
        }
    }

    /// The form in which sessions move to another process; `None` if they stay.
    pub(crate) fn form(&self) -> Option<&'static str> {
        match self {
            Work::Messages(opener) => catch_or(None, || opener.form()),
            Work::Streams(_) => Some(WAITING),
        }
    }

    /// Whether each client keeps a worker: while it is served it has no session that could move.
    pub(crate) fn keeps_workers(&self) -> bool {
        matches!(self, Work::Streams(_))
    }

    /// Reads a session that another process wrote down.
    pub(crate) fn read_back(&self, client: &Client, written: &[u8]) -> Option<Box<dyn Handler>> {
        match self {
            Work::Messages(opener) => catch_or(None, || opener.read_back(client, written)),
            Work::Streams(_) => None,
        }
    }

    /// Whether clients move together.
    pub(crate) fn moves_together(&self) -> bool {
        match self {
            Work::Messages(opener) => catch_or(false, || opener.moves_together()),
            Work::Streams(_) => false,
        }
    }

    /// What clients have in common; `None` if they stay, also after a panic.
    pub(crate) fn write_shared(&self) -> Option<Vec<u8>> {
        let Work::Messages(opener) = self else {
            return None;
        };
        let mut written = Vec::new();
        catch_or(false, || opener.write_shared(&mut written)).then_some(written)
    }

    pub(crate) fn read_shared(&self, written: &[u8]) -> bool {
        match self {
            Work::Messages(opener) => catch_or(false, || opener.read_shared(written)),
            Work::Streams(_) => false,
        }
    }

    pub(crate) fn move_over(&self, has_moved: bool) {
        if let Work::Messages(opener) = self {
            catch_or((), || opener.move_over(has_moved));
        }
    }

    pub(crate) fn tail(&self) -> Tail {
        match self {
            Work::Messages(opener) => catch_or(Tail::Discard, || opener.tail()),
            Work::Streams(_) => Tail::Discard,
        }
    }

    pub(crate) fn quote(&self) -> Quote {
        match self {
            Work::Messages(opener) => catch_or(Quote::Nothing, || opener.quote()),
            Work::Streams(_) => Quote::Nothing,
        }
    }

    pub(crate) fn tick(&self, now: Instant) -> Option<Instant> {
        match self {
            Work::Messages(opener) => catch_or(None, || opener.tick(now)),
            Work::Streams(_) => None,
        }
    }

    pub(crate) fn outlet(&self) -> Option<Outlet> {
        match self {
            Work::Messages(opener) => catch_or(None, || opener.outlet()),
            Work::Streams(_) => None,
        }
    }

    /// Whether handlers wait for an output that is blocked.
    pub(crate) fn is_held_up(&self) -> bool {
        self.outlet()
            .is_some_and(|outlet| !outlet.blocked.is_zero())
    }

    pub(crate) fn finish(&self, deadline: Instant) -> u64 {
        match self {
            // After a panic the number is unknown; report at least one lost message.
            Work::Messages(opener) => catch_or(1, || opener.finish(deadline)),
            Work::Streams(service) => {
                catch_or((), || service.finish(deadline));
                0
            }
        }
    }

    pub(crate) fn cut_off(&self) {
        match self {
            Work::Messages(opener) => catch_or((), || opener.cut_off()),
            Work::Streams(service) => catch_or((), || service.cut_off()),
        }
    }

    /// What a drain means to clients that keep a worker.
    pub(crate) fn in_drain(&self) -> InDrain {
        match self {
            Work::Messages(_) => InDrain::ReadOut,
            Work::Streams(service) => catch_or(InDrain::default(), || service.in_drain()),
        }
    }

    /// Threads for so many workers. Streams need one more: while all workers serve streams, it
    /// opens connections, refuses clients and ends connections.
    pub(crate) fn threads(&self, workers: usize) -> usize {
        match self {
            Work::Messages(_) => workers,
            Work::Streams(_) => workers + 1,
        }
    }
}

/// Writes a held session down; `false` if it stays, also after a panic.
pub(crate) fn write_down(handler: &mut Box<dyn Handler>, written: &mut Vec<u8>) -> bool {
    catch_or(false, || handler.write_down(written))
}

/// Tells the service that the session goes on elsewhere.
pub(crate) fn moved(handler: Box<dyn Handler>) {
    catch_or((), || handler.moved());
}

/// Calls the service on a thread that all clients depend on, so a panic must not end that thread.
/// The panic hook has logged it.
fn catch_or<R>(otherwise: R, call: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(otherwise)
}

/// A service that opens sessions.
pub(crate) struct Erased<S>(pub(crate) Arc<S>);

/// A service with one connection's session.
struct BoundSession<S: Service> {
    service: Arc<S>,
    session: S::Session,
}

impl<S: Service> Opener for Erased<S> {
    fn open(&self, client: &Client, reply: &mut Reply<'_>) -> Box<dyn Handler> {
        let session = self.0.opened(client, reply);
        Box::new(BoundSession {
            service: Arc::clone(&self.0),
            session,
        })
    }

    fn form(&self) -> Option<&'static str> {
        self.0.session_form()
    }

    fn read_back(&self, client: &Client, written: &[u8]) -> Option<Box<dyn Handler>> {
        let session = self.0.read_session(client, written)?;
        Some(Box::new(BoundSession {
            service: Arc::clone(&self.0),
            session,
        }))
    }

    fn moves_together(&self) -> bool {
        self.0.moves_together()
    }

    fn write_shared(&self, written: &mut Vec<u8>) -> bool {
        self.0.write_shared(written)
    }

    fn read_shared(&self, written: &[u8]) -> bool {
        self.0.read_shared(written)
    }

    fn move_over(&self, has_moved: bool) {
        self.0.move_over(has_moved);
    }

    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        self.0.refusal(limit)
    }

    fn tail(&self) -> Tail {
        self.0.tail()
    }

    fn quote(&self) -> Quote {
        self.0.quote()
    }

    fn tick(&self, now: Instant) -> Option<Instant> {
        self.0.tick(now)
    }

    fn outlet(&self) -> Option<Outlet> {
        self.0.outlet()
    }

    fn cut_off(&self) {
        self.0.cut_off();
    }

    fn finish(&self, deadline: Instant) -> u64 {
        self.0.finish(deadline)
    }
}

impl<S: Service> Handler for BoundSession<S> {
    fn batch(&mut self, messages: &mut Messages<'_>, reply: &mut Reply<'_>) -> Verdict {
        self.service.batch(&mut self.session, messages, reply)
    }

    fn last_words(&mut self, end: &End, reply: &mut Reply<'_>) {
        self.service.last_words(&mut self.session, end, reply);
    }

    fn closed(self: Box<Self>, end: &End) {
        self.service.closed(self.session, end);
    }

    fn write_down(&mut self, written: &mut Vec<u8>) -> bool {
        self.service.write_session(&mut self.session, written)
    }

    fn moved(self: Box<Self>) {
        self.service.session_moved(self.session);
    }
}
