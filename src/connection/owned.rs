//! The state that only the running worker has, and what of it waits between two turns.
//!
//! At rest most connections differ from a new one in their session alone: no message is under way,
//! nothing is unread, nothing has gone wrong. Of such a connection only the [`Lasting`] stays. All
//! else is the worker's, which goes on with it in the next connection. So a silent client takes
//! little memory, and a turn touches little of it.

use std::time::Instant;

use crate::connection::handler::Handler;
use crate::connection::{Look, Stage, Tls};
use crate::framing::Decoder;
use crate::limits::times::Bucket;

/// The state that only the running worker has. What few clients have at a time is in a box.
pub(crate) struct Owned {
    pub(crate) stage: Stage,
    pub(crate) lasting: Lasting,
    pub(crate) decoder: Decoder,
    /// Bytes that were read and not yet cut into messages: the turn's time or the reply's bound was
    /// reached.
    pub(crate) unread: Vec<u8>,
    /// The poller reported bytes, and the socket was not found empty since.
    pub(crate) readable: bool,
    /// The poller reported the end of the stream: read until it shows.
    pub(crate) ending: bool,
    /// Urgent data: after a short read there may be more.
    pub(crate) urgent: bool,
    /// The peer takes nothing any more, or nothing may be sent: discard the outbox, keep reading.
    pub(crate) discards_output: bool,
    /// When the partial message began, and the bytes that had come by then.
    pub(crate) begun: Option<Box<(Instant, u64)>>,
    /// Since when the peer has taken no output.
    pub(crate) stalled: Option<Instant>,
    /// Until when the service wants no messages.
    pub(crate) paused: Option<Instant>,
    pub(crate) tls: Tls,
    pub(crate) look: Look,
}

/// What stays of a connection that is as a new one otherwise.
#[derive(Default)]
pub(crate) struct Lasting {
    /// `None` until the service has seen the client, and after a panic.
    pub(crate) handler: Option<Box<dyn Handler>>,
    /// The time of its entry in the deadlines.
    pub(crate) check: Option<Instant>,
    /// What is left of its rate; `None` while that is all.
    pub(crate) bucket: Option<Box<Bucket>>,
}

/// What waits between two turns.
pub(crate) enum Kept {
    /// Nothing: a worker runs the connection, or it has ended.
    Taken {
        /// Bytes that the worker has taken from the outbox and not yet written.
        in_hand: usize,
    },
    /// All else is as in a new connection; it is open if it has a handler.
    Bare(Lasting),
    Whole(Box<Owned>),
}

/// A worker's own, as in a new connection; `None` if it has none left.
pub(crate) type Spare<'a> = &'a mut Option<Box<Owned>>;

impl Kept {
    /// Of a connection that was just accepted.
    pub(super) const NEW: Kept = Kept::Bare(Lasting {
        handler: None,
        check: None,
        bucket: None,
    });

    /// Bytes that the running worker has taken from the outbox and not yet written.
    pub(super) fn in_hand(&self) -> usize {
        match self {
            Kept::Taken { in_hand } => *in_hand,
            Kept::Bare(_) | Kept::Whole(_) => 0,
        }
    }

    /// The running worker takes so many more.
    pub(super) fn take_in_hand(&mut self, more: usize) {
        if let Kept::Taken { in_hand } = self {
            *in_hand += more;
        }
    }

    /// The running worker has written all that it took.
    pub(super) fn wrote_all(&mut self) {
        if let Kept::Taken { in_hand } = self {
            *in_hand = 0;
        }
    }
}

impl Owned {
    pub(super) fn new(stage: Stage, decoder: Decoder) -> Box<Owned> {
        Box::new(Owned {
            stage,
            lasting: Lasting::default(),
            decoder,
            unread: Vec::new(),
            readable: false,
            ending: false,
            urgent: false,
            discards_output: false,
            begun: None,
            stalled: None,
            paused: None,
            tls: None,
            look: Look::Nothing,
        })
    }

    /// Goes on with a connection of which only this was kept.
    pub(super) fn go_on(&mut self, lasting: Lasting, has_sent: bool) {
        self.stage = match lasting.handler {
            Some(_) => Stage::Open,
            None => Stage::New,
        };
        self.look = match has_sent {
            true => Look::Done,
            false => Look::Nothing,
        };
        self.lasting = lasting;
    }

    /// Takes what must stay of a connection that is as a new one otherwise; `None` if all of it
    /// must.
    pub(super) fn strip(&mut self, has_sent: bool) -> Option<Lasting> {
        let is_open = self.lasting.handler.is_some();
        let is_bare = match &self.stage {
            Stage::New => !is_open,
            Stage::Open => is_open,
            _ => false,
        };
        let has_looked = match &self.look {
            Look::Nothing => !has_sent,
            Look::Begun(_) => false,
            Look::Done => has_sent,
        };
        let is_marked = self.readable || self.ending || self.urgent || self.discards_output;
        let waits = self.begun.is_some() || self.stalled.is_some() || self.paused.is_some();
        let is_as_new = is_bare
            && has_looked
            && !is_marked
            && !waits
            && self.unread.is_empty()
            && self.tls.is_none()
            && self.decoder.is_as_new();
        is_as_new.then(|| std::mem::take(&mut self.lasting))
    }
}
