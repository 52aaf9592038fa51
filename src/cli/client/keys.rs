//! What keys do beyond the line editor's own: send, look back, paste many lines at once.
//!
//! One call of the editor lasts for the whole session. Sending takes the line out of it and leaves
//! the prompt where it is: so there is never a moment at which a line that comes in could find the
//! terminal half ready, and what is typed meanwhile is not lost.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent};
use rustyline::{Modifiers, Movement, RepeatCount};

use super::helper::password;
use super::paste::Pastes;
use super::shared::Session;

/// Lines that can be called back.
const HISTORY_MAX: usize = 1000;
/// Keys after which the editor can't undo all of a line at once: each is one change or none.
const UNDONE_MAX: RepeatCount = RepeatCount::MAX - 1000;

/// Sees every key before the editor does.
pub struct Keys {
    desk: Arc<Session>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pastes: Pastes,
    history: History,
    /// Since a line was sent that could be undone.
    keys: RepeatCount,
}

/// What was sent before.
#[derive(Default)]
struct History {
    lines: VecDeque<String>,
    /// How far back we look; 0 is the line that is being typed.
    back: usize,
    /// That line, while another is shown.
    draft: String,
}

impl Keys {
    pub fn new(desk: Arc<Session>) -> Keys {
        Keys {
            desk,
            state: Mutex::default(),
        }
    }

    /// Sends what has been typed.
    fn send(&self, state: &mut State, line: &str) -> Cmd {
        if line.trim().is_empty() {
            return Cmd::Noop;
        }
        let is_chat = self.desk.known.lock().is_chat();
        if !self.desk.put(&state.pastes.expand(line, is_chat)) {
            return Cmd::Noop;
        }
        state.history.add(line);
        if state.keys > UNDONE_MAX {
            return replace(String::new());
        }
        // Back to the empty line. The editor, which is never left, would keep all that was typed
        // for ever, and call back a password.
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
                    self.desk.refuse();
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
