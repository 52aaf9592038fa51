//! Key bindings beyond the line editor's own: send, history, paste of many lines.
//!
//! One call of the editor lasts for the whole session. Sending takes the line out of it and leaves
//! the prompt in place. So a received line never finds the terminal half ready, and what is typed
//! meanwhile is not lost.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent};
use rustyline::{Modifiers, Movement, RepeatCount};

use super::helper::password;
use super::paste::Pastes;
use super::shared::Session;

/// Maximum lines of the history.
const HISTORY_MAX: usize = 1000;
/// Keys after which the editor can't undo a whole line at once: each is one change or none.
const UNDONE_MAX: RepeatCount = RepeatCount::MAX - 1000;

/// Sees every key before the editor does.
pub(crate) struct Keys {
    session: Arc<Session>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pastes: Pastes,
    history: History,
    /// Keys since the last line was sent.
    keys: RepeatCount,
}

/// The history.
#[derive(Default)]
struct History {
    lines: VecDeque<String>,
    /// The position in the history; 0 is the line that is being typed.
    back: usize,
    /// The line that is being typed, while another is shown.
    draft: String,
}

impl Keys {
    pub(crate) fn new(session: Arc<Session>) -> Keys {
        Keys {
            session,
            state: Mutex::default(),
        }
    }

    /// Sends the line.
    fn send(&self, state: &mut State, line: &str) -> Cmd {
        if line.trim().is_empty() {
            return Cmd::Noop;
        }
        let is_chat = self.session.known.lock().is_chat();
        if !self.session.put(&state.pastes.expand(line, is_chat)) {
            return Cmd::Noop;
        }
        state.history.add(line);
        if state.keys > UNDONE_MAX {
            return replace(String::new());
        }
        // Undo to the empty line. The editor's call never ends, so it would keep all lines for
        // ever, and could show a password again.
        state.keys = 0;
        Cmd::Undo(RepeatCount::MAX)
    }
}

impl ConditionalEventHandler for Keys {
    fn handle(
        &self,
        event: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext,
    ) -> Option<Cmd> {
        let Event::KeySeq(keys) = event else {
            return None;
        };
        let mut state = self.state.lock();
        if self.session.take_garbled() {
            state.pastes.break_off();
        }
        if !state.pastes.is_open() {
            state.keys = state.keys.saturating_add(1);
        }
        let [KeyEvent(code, modifiers)] = keys[..] else {
            return None;
        };
        if state.pastes.is_open() {
            if state.pastes.key(code, modifiers) {
                return Some(Cmd::Noop);
            }
            return Some(match state.pastes.close() {
                Some(text) => Cmd::Insert(1, text),
                None => {
                    self.session.refuse();
                    Cmd::Noop
                }
            });
        }
        match (code, modifiers) {
            (KeyCode::BracketedPasteStart, _) => {
                state.pastes.open();
                Some(Cmd::Noop)
            }
            (KeyCode::Enter, Modifiers::NONE) | (KeyCode::Char('J' | 'M'), Modifiers::CTRL) => {
                Some(self.send(&mut state, context.line()))
            }
            (KeyCode::Up, Modifiers::NONE) | (KeyCode::Char('P'), Modifiers::CTRL) => {
                Some(state.history.back(context.line()))
            }
            (KeyCode::Down, Modifiers::NONE) | (KeyCode::Char('N'), Modifiers::CTRL) => {
                Some(state.history.forth())
            }
            (KeyCode::Char('C'), Modifiers::CTRL) if !context.line().is_empty() => {
                Some(replace(String::new()))
            }
            _ => None,
        }
    }
}

impl History {
    fn add(&mut self, line: &str) {
        self.back = 0;
        if password(line).is_some() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == HISTORY_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    fn back(&mut self, line: &str) -> Cmd {
        if self.back == self.lines.len() {
            return Cmd::Noop;
        }
        if self.back == 0 {
            line.clone_into(&mut self.draft);
        }
        self.back += 1;
        replace(self.lines[self.lines.len() - self.back].clone())
    }

    fn forth(&mut self) -> Cmd {
        match self.back {
            0 => return Cmd::Noop,
            _ => self.back -= 1,
        }
        replace(match self.back {
            0 => std::mem::take(&mut self.draft),
            back => self.lines[self.lines.len() - back].clone(),
        })
    }
}

fn replace(text: String) -> Cmd {
    Cmd::Replace(Movement::WholeBuffer, Some(text))
}
