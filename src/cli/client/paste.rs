//! Pastes of many lines: shown as one word in the prompt, sent whole and in order.

use std::collections::VecDeque;

use rustyline::{KeyCode, Modifiers};

/// Maximum bytes of a paste.
pub(crate) const PASTE_MAX: usize = 1 << 20;
/// Pastes that are kept for the history.
const PASTES_MAX: usize = 8;
/// Columns of the first line that are shown.
const SHOWN_MAX: usize = 24;

/// The last pastes.
#[derive(Default)]
pub(crate) struct Pastes {
    /// The open paste.
    open: Option<Open>,
    /// The word and the text of each paste.
    kept: VecDeque<(String, String)>,
    count: usize,
}

#[derive(Default)]
struct Open {
    text: String,
    /// The last key was a carriage return: a line feed after it ends the same line.
    after_return: bool,
    is_too_long: bool,
    /// A part of it is lost, perhaps its end as well.
    is_broken: bool,
}

impl Pastes {
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(crate) fn open(&mut self) {
        self.open = Some(Open::default());
    }

    /// Of the paste that is open, if there is one, nothing is taken.
    pub(crate) fn break_off(&mut self) {
        if let Some(open) = &mut self.open {
            open.is_broken = true;
        }
    }

    /// Takes a key of the paste that is open; `false` when it is its end.
    pub(crate) fn key(&mut self, code: KeyCode, modifiers: Modifiers) -> bool {
        let Some(open) = &mut self.open else {
            return false;
        };
        let after_return = std::mem::take(&mut open.after_return);
        let character = match (code, modifiers) {
            (KeyCode::BracketedPasteEnd, _) => return false,
            (KeyCode::Char('C'), Modifiers::CTRL) if open.is_broken => return false,
            (KeyCode::Enter, _) | (KeyCode::Char('M'), Modifiers::CTRL) => {
                open.after_return = true;
                '\n'
            }
            (KeyCode::Char('J'), Modifiers::CTRL) if after_return => return true,
            (KeyCode::Char('J'), Modifiers::CTRL) => '\n',
            (KeyCode::Tab, _) | (KeyCode::Char('I'), Modifiers::CTRL) => '\t',
            (KeyCode::Char(plain), Modifiers::NONE | Modifiers::SHIFT) => plain,
            // Other keys are not text.
            _ => return true,
        };
        open.is_too_long |= open.text.len() >= PASTE_MAX;
        if !open.is_too_long {
            open.text.push(character);
        }
        true
    }

    /// The word to insert for the paste; `None` if the paste was too long.
    pub(crate) fn close(&mut self) -> Option<String> {
        let open = self.open.take()?;
        if open.is_broken {
            return Some(String::new());
        }
        if open.is_too_long {
            return None;
        }
        let text = open.text.trim_end_matches('\n');
        let count = text.lines().count();
        if count < 2 {
            return Some(text.replace('\t', "    "));
        }
        self.count += 1;
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        let first = first.unwrap_or_default().chars().take(SHOWN_MAX);
        let first: String = first.map(|c| if c == '\t' { ' ' } else { c }).collect();
        let number = self.count;
        let word = format!(
            "[paste {number}: {count} lines, {}\u{2026}]",
            first.trim_end()
        );
        if self.kept.len() == PASTES_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back((word.clone(), text.to_owned()));
        Some(word)
    }

    /// The line with its pastes, each line ended. In a chat a pasted line is never a command.
    pub(crate) fn expand(&self, line: &str, is_chat: bool) -> String {
        let mut whole = line.to_owned();
        for (word, text) in &self.kept {
            let text: Vec<String> = text.lines().map(|line| escaped(line, is_chat)).collect();
            whole = whole.replacen(word, &text.join("\n"), 1);
        }
        whole.push('\n');
        whole
    }
}

fn escaped(line: &str, is_chat: bool) -> String {
    match is_chat && line.starts_with('/') {
        true => format!("/{line}"),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paste(pastes: &mut Pastes, text: &str) -> Option<String> {
        pastes.open();
        for character in text.chars() {
            let (code, modifiers) = match character {
                '\r' => (KeyCode::Enter, Modifiers::NONE),
                '\n' => (KeyCode::Char('J'), Modifiers::CTRL),
                '\t' => (KeyCode::Tab, Modifiers::NONE),
                plain => (KeyCode::Char(plain), Modifiers::NONE),
            };
            assert!(pastes.key(code, modifiers));
        }
        assert!(!pastes.key(KeyCode::BracketedPasteEnd, Modifiers::NONE));
        pastes.close()
    }

    #[test]
    fn one_line_is_typed_and_many_are_a_word() {
        let mut pastes = Pastes::default();
        assert_eq!(paste(&mut pastes, "a b\r"), Some("a b".into()));
        let word = paste(&mut pastes, "one\r\ntwo\n\n/three\r").expect("not too long");
        assert_eq!(word, "[paste 1: 4 lines, one\u{2026}]");
        let line = format!("see {word} there");
        assert_eq!(
            pastes.expand(&line, true),
            "see one\ntwo\n\n//three there\n"
        );
        assert_eq!(
            pastes.expand(&line, false),
            "see one\ntwo\n\n/three there\n"
        );
        for _ in 0..PASTES_MAX {
            paste(&mut pastes, "a\rb");
        }
        assert_eq!(pastes.expand(&word, true), format!("{word}\n"));
    }

    #[test]
    fn of_a_broken_paste_nothing_is_taken() {
        let mut pastes = Pastes::default();
        pastes.break_off();
        assert_eq!(paste(&mut pastes, "a"), Some("a".into()));
        for (end, modifiers) in [
            (KeyCode::BracketedPasteEnd, Modifiers::NONE),
            (KeyCode::Char('C'), Modifiers::CTRL),
        ] {
            pastes.open();
            assert!(pastes.key(KeyCode::Char('a'), Modifiers::NONE));
            pastes.break_off();
            assert!(pastes.key(KeyCode::Enter, Modifiers::NONE));
            assert!(!pastes.key(end, modifiers));
            assert_eq!(pastes.close(), Some(String::new()));
        }
    }

    #[test]
    fn too_much_is_refused_whole() {
        let mut pastes = Pastes::default();
        assert_eq!(paste(&mut pastes, &"x\r".repeat(PASTE_MAX)), None);
    }
}
