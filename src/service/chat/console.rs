//! The console: an operator at the server's own terminal, without a connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::screen::Screen;
use super::session::Session;
use super::state::ChatState;
use crate::connection::handler::Verdict;
use crate::framing::{Extent, Message};

/// How long a line waits while all members move to another process.
const MOVED_WITHIN: Duration = Duration::from_secs(5);
/// Maximum length of a typed line.
const LINE_MAX: usize = 8 * 1024;

/// See the head of the file.
pub struct Console {
    chat: Arc<ChatState>,
    session: Option<Session>,
    screen: Arc<Screen>,
    /// The beginning of a line.
    typed: Vec<u8>,
}

impl Console {
    pub(super) fn new(chat: Arc<ChatState>, wake: impl Fn() + Send + Sync + 'static) -> Console {
        let screen = Arc::new(Screen::new(wake));
        let session = Session::at_console(&chat, &screen);
        Console {
            chat,
            session: Some(session),
            screen,
            typed: Vec::new(),
        }
    }

    /// Tells the chat that the log is printed at the same terminal: commands of the console are
    /// answered there, and not logged as well.
    pub fn shares_its_place_with_the_log(&self) {
        let here = &self.chat.has_log_at_console;
        here.store(true, Ordering::Relaxed);
    }

    /// Whether it takes what is typed. While all members move to another process it does not, nor
    /// after that: the console there does.
    pub fn hears(&self) -> bool {
        self.chat.gate.enter_source().is_some()
    }

    /// Lets `read` add what was typed, if it [`hears`](Self::hears), and takes the whole lines.
    /// `false` after the last one, and when `read` answers so.
    pub fn hear(&mut self, read: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let chat = Arc::clone(&self.chat);
        let Some(_inside) = chat.gate.enter_source() else {
            return true;
        };
        let goes_on = read(&mut self.typed);
        while let Some(end) = memchr::memchr(b'\n', &self.typed) {
            let line: Vec<u8> = self.typed.drain(..=end).collect();
            if !self.take(&line[..end]) {
                return false;
            }
        }
        if self.typed.len() > LINE_MAX {
            self.typed.clear();
        }
        goes_on
    }

    /// Takes a line. `false` after the last one.
    pub fn say(&mut self, line: &[u8]) -> bool {
        // While all move, what is said waits; after that there is none to hear it.
        let chat = Arc::clone(&self.chat);
        let inside = chat.gate.wait_enter(MOVED_WITHIN);
        inside.is_none() || self.take(line)
    }

    fn take(&mut self, line: &[u8]) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let message = Message {
            bytes: line,
            extent: Extent::Whole,
        };
        let verdict = session.take(&self.chat, message);
        let verdict = session.end_turn(&self.chat, verdict);
        verdict != Verdict::Close
    }

    /// Takes the lines to print.
    pub fn shown(&self) -> Vec<u8> {
        self.screen.take()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.close(&self.chat);
            self.chat.has_console.store(false, Ordering::Relaxed);
        }
    }
}
