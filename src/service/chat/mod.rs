//! Chat: rooms for people that connect with `nc`, `telnet` or a client of their own.
//!
//! This is the front end that speaks lines. What a client says in one turn becomes one chunk for
//! all members of the room, shared between their outboxes; a reader's turn is one write. All output
//! for a client goes through its outbox, including answers, so the client sees it in the order of
//! events.
//!
//! At a take-over all members move together (`moving.rs`): all are held between two turns, the
//! gate is shut, so that nothing is said, and rooms and sessions are written down. Their order goes
//! on in the other process, where members take their seats without a word; or here.

mod awaited;
mod bus;
mod certified;
mod command;
mod commands;
mod console;
mod ghost;
pub(crate) mod grammar;
mod leaving;
mod lines;
mod moving;
mod newcomers;
mod operator_commands;
mod operators;
mod pace;
mod port;
mod probe;
#[cfg(feature = "cli")]
pub(crate) mod rooms;
mod screen;
mod session;
mod shared;
mod speakers;
mod state;
mod stranger;
mod telnet;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::connection::client::Client;
use crate::connection::gate::Gate;
use crate::connection::handler::{End, Messages, Reply, Verdict};
use crate::error::Result;
use crate::framing::Message;
use crate::limits::limit::Limit;
use crate::limits::times::Rate;
use crate::service::chat::rooms::Keeping;
use crate::service::{Quote, Service};

pub use bus::Bus;
pub use console::Console;
use lines::{Directory, LineFrontend};
use newcomers::{Entered, Newcomers};
use operators::Operators;
pub use operators::Password;
use pace::Taken;
pub use port::BusFigures;
use port::Port;
use probe::HostProbes;
pub use session::Session;
use session::enter_lobby;
use shared::let_in;
use speakers::Speakers;
use state::{AGAIN_AFTER, ChatState};
use stranger::Strangers;

/// Settings of a chat.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Lines of each room's history that a new member is shown; at most 64 KiB are kept.
    pub history: usize,
    /// A directory in which each room's lines are appended to a file of its own.
    pub log: Option<PathBuf>,
    /// The password that makes a client an operator; without it no client can become one.
    pub password: Option<Password>,
    /// The rate that the server delays clients to ([`Options::rate`](crate::Options)): a client
    /// that has to wait is told for how long.
    pub rate: Option<Rate>,
    /// Whether members have the names in their certificates, and can have no others.
    pub names_from_certificates: bool,
}

/// Between two looks at the clock while all move to another process.
const MOVING: Duration = Duration::from_millis(10);

/// See the head of the module. Cheap to clone.
#[derive(Clone)]
pub struct Chat(Arc<ChatState>);

impl Chat {
    /// A chat with an empty lobby.
    pub fn new(settings: Settings) -> Chat {
        Chat::with(settings, None)
    }

    /// A chat that is one house with those of other daemons: the people of all of them see each
    /// other, in one order.
    ///
    /// # Errors
    /// When the server is not there, or can't be a bus before its settings change.
    pub fn join(settings: Settings, bus: &Bus) -> Result<Chat> {
        let port = Arc::new(bus.port());
        let chat = Chat::with(settings, Some(Arc::clone(&port)));
        bus.start(&chat.0, &port)?;
        Ok(chat)
    }

    /// What the bus has done; `None` without one.
    pub fn bus_figures(&self) -> Option<BusFigures> {
        self.0.port.as_ref().map(|port| port.figures())
    }

    fn with(settings: Settings, port: Option<Arc<Port>>) -> Chat {
        let keeping = Keeping {
            history: settings.history,
            directory: settings.log,
        };
        Chat(Arc::new(ChatState {
            directory: Directory::new(LineFrontend, keeping, port.is_some()),
            port,
            newcomers: Newcomers::default(),
            operators: Operators::new(settings.password),
            probes: HostProbes::default(),
            rate: settings.rate,
            speakers: Speakers::default(),
            strangers: Strangers::default(),
            gate: Gate::default(),
            has_console: AtomicBool::new(false),
            names_are_certified: settings.names_from_certificates,
            has_log_at_console: AtomicBool::new(false),
        }))
    }

    /// The console: a member at the server's own terminal. `wake` is called when there is something
    /// to print; it must not block.
    pub fn console(&self, wake: impl Fn() + Send + Sync + 'static) -> Console {
        Console::new(Arc::clone(&self.0), wake)
    }
}

impl Service for Chat {
    type Session = Session;

    /// Quotes nothing, because a line may be `/op PASSWORD`.
    fn quote(&self) -> Quote {
        Quote::Nothing
    }

    fn opened(&self, client: &Client, _: &mut Reply<'_>) -> Session {
        Session::open(&self.0, client)
    }

    fn message(&self, session: &mut Session, message: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        let verdict = session.take(&self.0, message);
        session.end_turn(&self.0, verdict)
    }

    fn batch(
        &self,
        session: &mut Session,
        messages: &mut Messages<'_>,
        _: &mut Reply<'_>,
    ) -> Verdict {
        let Some(_inside) = self.0.gate.enter() else {
            return Verdict::Wait(AGAIN_AFTER);
        };
        let mut verdict = session.catch_up(&self.0);
        let mut taken = Taken::default();
        while verdict == Verdict::Go
            && !session.is_full()
            && let Some(message) = messages.next_message()
        {
            taken.add(&message);
            verdict = session.take(&self.0, message);
        }
        session.look_at_beginning(&self.0, messages.begun());
        if let Some(rest) = messages.held_back() {
            session.tell_delay(&self.0, &taken, rest);
        }
        session.end_turn(&self.0, verdict)
    }

    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        let why = match limit {
            Limit::Clients => "the server is full; try again later",
            Limit::AddressShare => "too many have come from your address",
            Limit::AddressList => "your address is not let in",
            _ => "the server is busy; try again later",
        };
        Some(grammar::notice(None, why).into())
    }

    fn last_words(&self, session: &mut Session, end: &End, reply: &mut Reply<'_>) {
        session.last_words(end, reply);
    }

    fn closed(&self, session: Session, _: &End) {
        session.close(&self.0);
    }

    fn session_form(&self) -> Option<&'static str> {
        // With a bus, each process is a daemon of the house, and its people stay with it.
        self.0.port.is_none().then_some("chat 1")
    }

    fn write_session(&self, session: &mut Session, written: &mut Vec<u8>) -> bool {
        session.write(&self.0, written)
    }

    fn read_session(&self, client: &Client, written: &[u8]) -> Option<Session> {
        Session::read(&self.0, client, written)
    }

    fn session_moved(&self, session: Session) {
        session.vanish(&self.0);
    }

    fn moves_together(&self) -> bool {
        self.0.port.is_none()
    }

    fn write_shared(&self, written: &mut Vec<u8>) -> bool {
        self.0.write_shared(written)
    }

    fn read_shared(&self, written: &[u8]) -> bool {
        self.0.read_shared(written).is_some()
    }

    fn move_over(&self, has_moved: bool) {
        // After a move the console there takes what is typed.
        self.0.gate.open(!has_moved);
    }

    fn finish(&self, deadline: Instant) -> u64 {
        self.0.port.as_ref().map_or(0, |port| port.finish(deadline))
    }

    fn tick(&self, now: Instant) -> Option<Instant> {
        let chat = &*self.0;
        let Some(_inside) = chat.gate.enter() else {
            // What is due waits until all have moved, or go on here.
            return Some(now + MOVING);
        };
        let newcomers = chat.newcomers.tick(now, |person| {
            let entered = || enter_lobby(chat, person).map(Entered::Inside);
            let_in(chat, person)
                .or_else(entered)
                .unwrap_or(Entered::Refused)
        });
        let speakers = chat
            .speakers
            .tick(now, |person| chat.put_out_not_reading(person));
        let rooms = chat.directory.tick(now);
        [newcomers, speakers, rooms].into_iter().flatten().min()
    }
}
