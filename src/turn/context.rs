//! The server's state that turns use, and its totals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::connection::deadlines::{Deadlines, Notify};
use crate::connection::handshakes::Handshakes;
use crate::connection::held::{Answer, Held, Stays};
use crate::connection::lingering::{Lingering, Slot};
use crate::connection::registry::Registry;
use crate::connection::wait_queue::WaitQueue;
use crate::connection::{CloseRequest, Connection, Stage, Standing};
use crate::drain::Drain;
use crate::limits::admission::{Admission, Placed};
use crate::limits::counters::{Case, Notices};
use crate::limits::limit::Limit;
use crate::limits::options::{Limits, Options};
use crate::scheduler::metrics::Streamed;
use crate::service::Work;
use crate::tls::{Failure, FailureKind, Session};

/// Maximum refused clients that are being told why; further ones are closed without a line.
const REFUSALS_MAX: usize = 8;

/// The server's state that turns use.
pub(crate) struct ServerContext {
    pub(crate) limits: Limits,
    pub(crate) work: Work,
    pub(crate) registry: Registry,
    pub(crate) drain: Drain,
    pub(crate) admission: Admission,
    pub(crate) notices: Notices,
    pub(crate) deadlines: Deadlines,
    pub(crate) wait_queue: WaitQueue,
    pub(crate) lingering: Lingering,
    pub(crate) handshakes: Handshakes,
    pub(crate) totals: Totals,
    /// Connections on their way to another process.
    pub(crate) held: Held,
    pub(crate) streamed: Arc<Streamed>,
    pub(crate) knobs: Knobs,
    /// Wakes the acceptor's thread, which then asks its host whether to accept: when there is room
    /// for a client that waits in the backlog.
    pub(crate) accept_waker: Notify,
    /// Registered connections that only receive a refusal; they do not count against clients_max.
    pub(crate) refused: AtomicUsize,
    /// A client waits in the backlog or descriptors ran out: each close wakes the acceptor.
    pub(crate) close_wakes_acceptor: AtomicBool,
}

impl ServerContext {
    /// Holds a connection at the end of its turn, if it can move; `false`: it goes on here.
    pub(crate) fn hold(&self, connection: &Arc<Connection>, moves: Result<(), Stays>) -> bool {
        let connection = Arc::clone(connection);
        match moves {
            Ok(()) => self.held.answer(Answer::Held(connection)),
            Err(stays) => {
                self.held.answer(Answer::Stays(connection, stays));
                false
            }
        }
    }

    /// Connected clients that were admitted.
    pub(crate) fn admitted(&self) -> usize {
        let refused = self.refused.load(Ordering::SeqCst);
        self.registry.count().saturating_sub(refused)
    }

    /// The stage of a client that is admitted.
    pub(crate) fn first_stage(&self, is_plain: bool, now: Instant) -> Stage {
        match self.limits.options.tls {
            Some(_) if !is_plain => Stage::Handshake {
                until: now + self.silence_max(),
            },
            _ => Stage::New,
        }
    }

    /// How long a client may be silent before it is taken for a plain one, or has had all its time
    /// for the handshake.
    pub(crate) fn silence_max(&self) -> Duration {
        let options = &self.limits.options;
        let plain_after = options.plain_after.filter(|_| options.tls_optional);
        options
            .handshake
            .min(plain_after.unwrap_or(options.handshake))
    }

    /// A TLS session for a client.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        match &self.limits.options.tls {
            Some(tls) => tls.session(),
            None => Err(FailureKind::Other.because("the server has no certificate")),
        }
    }

    /// Releases the connection's share of its address's clients, if it still has one.
    pub(crate) fn give_up_share(&self, connection: &Connection) {
        let client = connection.identity.peer();
        self.admission.release(client, connection.id);
    }

    /// Releases the connection's admission slot. Call before removing it from the registry.
    pub(crate) fn give_up_place(&self, connection: &Connection) {
        if connection.identity.is(Standing::Refused) {
            self.refused.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Takes a connection that has ended here out of all that lists it. `is_cut` is how a drain
    /// counts it.
    pub(crate) fn leave(&self, connection: &Connection, is_cut: Option<bool>) {
        self.give_up_share(connection);
        self.give_up_place(connection);
        self.registry.remove(connection.id, || {
            is_cut.inspect(|&is_cut| self.drain.count_end(is_cut));
        });
        if self.close_wakes_acceptor.load(Ordering::SeqCst) {
            self.accept_waker.notify();
        }
        self.drain.one_gone(|| self.registry.count());
    }

    /// Refuses a connection that already has a slot, and frees the slot. Answers whether the client
    /// can be told.
    pub(crate) fn turn_away(&self, connection: &Connection, limit: Limit) -> bool {
        let is_told = self.can_tell(limit);
        connection.identity.set_standing(Standing::Refused);
        self.refused.fetch_add(1, Ordering::SeqCst);
        if self.close_wakes_acceptor.load(Ordering::SeqCst) {
            self.accept_waker.notify();
        }
        is_told
    }

    /// Whether one more client can be sent a refusal.
    pub(crate) fn can_tell(&self, limit: Limit) -> bool {
        let refused = self.refused.load(Ordering::SeqCst);
        if refused >= REFUSALS_MAX / 2 {
            self.lingering.close_oldest(Slot::Refused);
        }
        let has_words = || self.limits.options.tls.is_some() || self.work.refusal(limit).is_some();
        refused < REFUSALS_MAX && has_words()
    }

    /// Closes the client that a newer one of its address replaces.
    pub(crate) fn make_place(&self, placed: Placed) {
        let replaced = placed.replaces.and_then(|id| self.registry.find(id));
        if let Some(connection) = replaced {
            self.shed(&connection, Limit::Replaced);
        }
    }

    /// Closes a client to free its slot for another.
    pub(crate) fn shed(&self, connection: &Arc<Connection>, limit: Limit) {
        let case = Case {
            id: Some(connection.id),
            peer: Some(connection.identity.peer()),
            ..Case::default()
        };
        self.notices.acted(limit, case);
        connection.request_close(CloseRequest::Shed(limit));
    }
}

/// Settings that can be changed while the server runs.
#[derive(Debug)]
pub(crate) struct Knobs {
    pub(crate) workers: AtomicUsize,
    pub(crate) clients_max: AtomicUsize,
    /// Accepting is paused by request.
    pub(crate) is_paused: AtomicBool,
}

impl Knobs {
    pub(crate) fn of(options: &Options) -> Knobs {
        Knobs {
            workers: AtomicUsize::new(options.workers),
            clients_max: AtomicUsize::new(options.clients_max),
            is_paused: AtomicBool::new(false),
        }
    }
}

/// Totals since the start.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Clients that were refused without a word, and have no number.
    pub(crate) turned_away: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) undelivered: AtomicU64,
    pub(crate) partial: AtomicU64,
    pub(crate) truncated: AtomicU64,
    /// Bytes that belong to no message.
    pub(crate) stray_bytes: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) panics: AtomicU64,
}
