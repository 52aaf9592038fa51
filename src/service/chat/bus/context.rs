//! With what acts are applied, and how the reader waits for members that are late.
//!
//! A room posts nothing while a member is late, for at most a second; then the member is put out.
//! The reader serves all rooms, so it waits a tenth of the time at most: beyond that, lines are
//! queued in the room, and a member that is late for too many of them is put out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::connection::here;
use crate::service::chat::grammar;
use crate::service::chat::lines::{Person, Recipient, Room};
use crate::service::chat::port::{Figures, Port};
use crate::service::chat::rooms::{Event, Frontend, Given, NOT_READING, Posted};
use crate::service::chat::state::{AGAIN_AFTER, ChatState};

/// How long the reader waits for late members without a pause.
const PATIENCE_MAX: Duration = Duration::from_secs(1);
/// How much of the time it gets back.
const REGAINED: u32 = 10;

/// See the head of the file.
pub(super) struct Context<'a> {
    pub(super) chat: &'a ChatState,
    pub(super) port: &'a Port,
    /// This daemon's run.
    pub(super) run: Arc<str>,
    pub(super) patience: Patience,
}

/// Time that is left to wait for late members.
pub(super) struct Patience {
    left: Duration,
    since: Instant,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            left: PATIENCE_MAX,
            since: Instant::now(),
        }
    }
}

impl Patience {
    /// Waits a moment; `false` if there is no time left.
    fn wait(&mut self) -> bool {
        let now = Instant::now();
        let regained = now.duration_since(self.since) / REGAINED;
        (self.left, self.since) = ((self.left + regained).min(PATIENCE_MAX), now);
        if self.left < AGAIN_AFTER {
            return false;
        }
        std::thread::sleep(AGAIN_AFTER);
        // As long as it lasted.
        self.left = self.left.saturating_sub(now.elapsed());
        self.since = Instant::now();
        true
    }
}

impl Context<'_> {
    /// Posts what a member says.
    pub(super) fn post(&mut self, room: &Arc<Room>, event: &Event, by: u64) {
        let directory = &self.chat.directory;
        while directory.post(room, event, by) == Posted::NotYet {
            // The late one may wait for this thread.
            here::serve();
            if !self.patience.wait() {
                return directory.announce_by(room, event, by);
            }
        }
    }

    /// Whether a person is a client of this daemon.
    pub(super) fn is_here(person: &Person) -> bool {
        matches!(person.outlet, Recipient::Client(_))
    }

    /// Sends a person a line of the server, if it is here.
    pub(super) fn answer(&self, person: &Person, text: impl std::fmt::Display) {
        self.give(person, grammar::notice(None, text));
    }

    pub(super) fn give(&self, person: &Person, lines: String) {
        if Context::is_here(person) {
            // If its outbox is full, its rooms handle the person.
            self.chat
                .directory
                .frontend
                .give(&person.outlet, lines.into());
        }
    }

    /// Gives a person what another one says to it alone. No room handles one that is late for that,
    /// so it is waited for as in a room, and then put out.
    pub(super) fn whisper(&mut self, person: &Person, line: &str) {
        let frontend = &self.chat.directory.frontend;
        let give = || frontend.give(&person.outlet, line.to_owned().into());
        while !person.is_out() && give() == Given::Full {
            // It may wait for this thread.
            here::serve();
            if !self.patience.wait() {
                person.put_out(frontend, NOT_READING);
            }
        }
    }

    /// An act makes no sense here: another daemon is newer, or another program wrote it.
    pub(super) fn pass_over(&self) {
        Figures::count(&self.port.figures.passed_over, 1);
    }
}
