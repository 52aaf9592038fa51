//! The person at the server's own terminal: an operator who needs no connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::screen::Screen;
use super::session::Session;
use super::state::ChatState;
use crate::connection::handler::Verdict;
use crate::framing::{Extent, Message};

/// See the head of the file.
pub struct Console {
    house: Arc<ChatState>,
    session: Option<Session>,
    screen: Arc<Screen>,
}

impl Console {
    pub(super) fn new(house: Arc<ChatState>, wake: impl Fn() + Send + Sync + 'static) -> Console {
        let screen = Arc::new(Screen::new(wake));
        let session = Session::at_console(&house, &screen);
        Console {
            house,
            session: Some(session),
            screen,
        }
    }

    /// Says that the log is printed at the same terminal: what is ordered here is answered here,
    /// and not logged as well.
    pub fn shares_its_place_with_the_log(&self) {
        let here = &self.house.has_log_at_console;
        here.store(true, Ordering::Relaxed);
    }

    /// Takes a line as it was typed. `false`: that was the last.
    pub fn say(&mut self, line: &[u8]) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let message = Message {
            bytes: line,
            extent: Extent::Whole,
        };
        let verdict = session.take(&self.house, message);
        let verdict = session.end_turn(&self.house, verdict);
        verdict != Verdict::Close
    }

    /// Takes what is to be printed: whole lines.
    pub fn shown(&self) -> Vec<u8> {
        self.screen.take()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.close(&self.house);
        }
    }
}
