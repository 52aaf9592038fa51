//! Answers the line editor: completions, hints, what to hide.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use console::measure_text_width;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};

use super::paint::Colours;
use super::painted::{Painted, is_wide};
use super::shared::Session;
use crate::service::chat::grammar::commands;

const JOINER: char = '\u{200d}';
/// A brown square, as wide as an emoji's skin tone.
const SKIN: char = '\u{1f7eb}';

/// Where the password begins in a line that contains one.
pub(crate) fn password(line: &str) -> Option<usize> {
    const COMMAND: &str = "/op ";
    let command = line.get(..COMMAND.len())?;
    command
        .eq_ignore_ascii_case(COMMAND)
        .then_some(COMMAND.len())
}

/// Answers the editor from what is known of the chat.
pub(crate) struct Prompter {
    pub(crate) session: Arc<Session>,
    pub(crate) colours: Colours,
    /// Notified when the editor has the terminal.
    pub(crate) started: SyncSender<()>,
    pub(crate) painted: Arc<Painted>,
}

/// Shown behind what is typed, never taken over.
pub(crate) struct Usage(String);

impl Hint for Usage {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Helper for Prompter {}
impl Validator for Prompter {}

impl Hinter for Prompter {
    type Hint = Usage;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Usage> {
        // The editor calls this whenever it paints the prompt; the first call is enough.
        let _ = self.started.try_send(());
        self.session.tell_garbled();
        self.painted.note(line, pos);
        let command = line.strip_suffix(' ').unwrap_or(line);
        let (_, usage) = commands().find(|(known, _)| *known == command)?;
        let gap = if line == command { " " } else { "" };
        (pos == line.len() && !usage.is_empty()).then(|| Usage(format!("{gap}{usage}")))
    }
}

impl Highlighter for Prompter {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match password(line).map(|at| line.split_at(at)) {
            Some((command, hidden)) => Cow::Owned(format!("{command}{}", stars(hidden))),
            None => apart(line),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.colours.dim(hint))
    }

    fn highlight_char(&self, line: &str, _: usize, _: CmdKind) -> bool {
        // Paint a line of several rows whole after every key: then the terminal knows that its rows
        // are one line, and breaks it anew when the window's width changes.
        is_wide(line) || password(line).is_some() || line.contains(joins)
    }
}

/// As wide as the hidden text, character by character, as the editor counts.
fn stars(hidden: &str) -> String {
    let width = |c: char| measure_text_width(c.encode_utf8(&mut [0; 4]));
    "*".repeat(hidden.chars().map(width).sum())
}

/// Whether the character joins its neighbours into one sign on some terminals.
fn joins(c: char) -> bool {
    matches!(c, JOINER | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Shows families, professions and skin tones sign by sign. Terminals differ in the width of the
/// combination, and an editor that counts another width paints over the lines above.
fn apart(line: &str) -> Cow<'_, str> {
    if !line.contains(joins) {
        return Cow::Borrowed(line);
    }
    let signs = line.chars().filter_map(|c| match c {
        '\u{1f3fb}'..='\u{1f3ff}' => Some(SKIN),
        c => (!joins(c)).then_some(c),
    });
    Cow::Owned(signs.collect())
}

impl Completer for Prompter {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let (start, candidates) = self.candidates(&line[..pos]);
        let pair = |text: String| Pair {
            display: text.trim_end().to_owned(),
            replacement: text,
        };
        Ok((start, candidates.into_iter().map(pair).collect()))
    }
}

impl Prompter {
    /// Where the word begins, and its completions.
    fn candidates(&self, typed: &str) -> (usize, Vec<String>) {
        let start = typed.rfind(' ').map_or(0, |at| at + 1);
        let word = &typed[start..];
        let known = self.session.known.lock();
        let spaced = |names: Vec<String>| names.into_iter().map(|name| name + " ").collect();
        if start == 0 && word.starts_with('/') {
            let fits = commands().filter(|(known, _)| known.starts_with(word));
            return (0, fits.map(|(known, _)| format!("{known} ")).collect());
        }
        let is_room = ["/join ", "/part ", "/who "].contains(&&typed[..start]);
        let candidates = match (start, is_room) {
            (_, true) => spaced(known.rooms(word)),
            // A name at the start of a line addresses that member.
            (0, _) => {
                let names = known.names(word).into_iter();
                names.map(|name| name + ": ").collect()
            }
            _ => spaced(known.names(word)),
        };
        (start, candidates)
    }
}
