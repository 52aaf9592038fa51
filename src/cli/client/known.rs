//! What is known from the lines of a chat: its members, its rooms, the client's name.

use crate::service::chat::grammar::{LOBBY, Line, Notice, What, crowd, listed};
use crate::service::chat::rooms::NameError;

/// Maximum names and rooms; the oldest are forgotten first.
const NAMES_MAX: usize = 2000;
/// Maximum bytes of a name or a room; a longer one is not from a poold chat.
const NAME_MAX: usize = 256;
/// Maximum rooms that are joined again after a lost connection.
const JOINED_MAX: usize = 100;

/// See the head of the file.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The client's name; `None` before the welcome, and on servers that are not a chat.
    pub(crate) own: Option<String>,
    /// Names in the order in which they were last seen.
    names: Vec<String>,
    /// Known rooms, in the same order.
    rooms: Vec<String>,
    /// Joined rooms; lines go to the last one.
    joined: Vec<String>,
    /// The wanted name.
    wanted: Option<String>,
    asked: Asked,
}

/// The state of the request for the wanted name.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The client has it, or the person types it.
    #[default]
    Not,
    /// Asked for the first time on this connection.
    Once,
    Again,
    /// Another member has it.
    Taken,
}

impl Known {
    /// Whether the server is a chat.
    pub(crate) fn is_chat(&self) -> bool {
        self.own.is_some()
    }

    /// Names with this beginning, last seen first.
    pub(crate) fn names(&self, beginning: &str) -> Vec<String> {
        matching(&self.names, beginning)
    }

    /// Rooms with this beginning, last seen first.
    pub(crate) fn rooms(&self, beginning: &str) -> Vec<String> {
        matching(&self.rooms, beginning)
    }

    /// Sets the wanted name.
    pub(crate) fn want(&mut self, name: &str) {
        self.wanted = Some(name.to_owned());
    }

    /// The person asks for a name, and sees the answer.
    pub(crate) fn leave_name(&mut self) {
        self.wanted = None;
        self.asked = Asked::Not;
    }

    /// The wanted name, if another member has it.
    pub(crate) fn taken(&self) -> Option<&str> {
        self.wanted
            .as_deref()
            .filter(|_| self.asked == Asked::Taken)
    }

    /// Whether a line repeats the first refusal.
    pub(crate) fn is_told_again(&self, line: &Line<'_>) -> bool {
        let is_refusal = |text| matches!(Notice::parse(text), Notice::NotNamed { .. });
        self.asked == Asked::Again && matches!(line.what, What::Notice(text) if is_refusal(text))
    }

    /// The line that asks for the wanted name; empty if the server has confirmed it.
    pub(crate) fn ask_for_name(&mut self) -> String {
        let Some(wanted) = &self.wanted else {
            return String::new();
        };
        self.asked = match self.asked {
            Asked::Taken => Asked::Again,
            _ => Asked::Once,
        };
        format!("/nick {wanted}\n")
    }

    /// The lines that restore the name and rooms on a new connection.
    pub(crate) fn return_greeting(&mut self) -> String {
        if self.own.is_none() {
            return String::new();
        }
        self.asked = Asked::Not;
        let mut greeting = self.ask_for_name();
        let is_only_lobby = self.joined.len() == 1 && self.joined[0] == LOBBY;
        for room in self.joined.iter().filter(|_| !is_only_lobby) {
            greeting.push_str(&format!("/join {room}\n"));
        }
        if !self.joined.is_empty() && !self.joined.iter().any(|room| room == LOBBY) {
            greeting.push_str(&format!("/part {LOBBY}\n"));
        }
        greeting
    }

    /// Learns from a line.
    pub(crate) fn learn(&mut self, line: &Line<'_>) {
        if let Some(room) = line.room {
            remember(&mut self.rooms, room);
        }
        match line.what {
            What::Said { name, .. }
            | What::Did { name, .. }
            | What::Told { name, .. }
            | What::Sent { name, .. } => remember(&mut self.names, name),
            What::Notice(text) => self.learn_notice(text),
            What::Other(_) => {}
        }
    }

    fn learn_notice(&mut self, text: &str) {
        match Notice::parse(text) {
            Notice::Welcome { name, .. } => {
                self.own = Some(name.to_owned());
                self.joined = vec![LOBBY.to_owned()];
                if self.own == self.wanted {
                    self.asked = Asked::Not;
                }
            }
            Notice::Named(own) => {
                self.wanted = Some(own.to_owned());
                self.own = Some(own.to_owned());
                self.asked = Asked::Not;
            }
            Notice::NotNamed { why, .. } => {
                self.asked = match (self.asked, why == NameError::Taken.to_string()) {
                    (Asked::Once | Asked::Again, true) => Asked::Taken,
                    _ => Asked::Not,
                };
            }
            Notice::Joined(room) | Notice::Speaks(room) => {
                remember(&mut self.rooms, room);
                self.joined.retain(|joined| joined != room);
                self.joined.truncate(JOINED_MAX);
                self.joined.push(room.to_owned());
            }
            Notice::Parted(room) => self.joined.retain(|joined| joined != room),
            Notice::Members(list) => listed(list).for_each(|name| remember(&mut self.names, name)),
            Notice::Rooms(list) => listed(list).for_each(|room| remember(&mut self.rooms, room)),
            Notice::Renamed { from, to } => {
                self.names.retain(|name| name != from);
                remember(&mut self.names, to);
            }
            Notice::Came(names) => crowd(names).for_each(|name| remember(&mut self.names, name)),
            Notice::Left(names) => {
                crowd(names).for_each(|name| self.names.retain(|known| known != name));
            }
            Notice::PutOut(_) | Notice::Text(_) => {}
        }
    }
}

fn remember(list: &mut Vec<String>, name: &str) {
    let is_name = (1..=NAME_MAX).contains(&name.len());
    if list.last().is_some_and(|last| last == name) || !is_name {
        return;
    }
    match list.iter().position(|known| known == name) {
        Some(at) => list[at..].rotate_left(1),
        None => {
            if list.len() >= NAMES_MAX {
                list.remove(0);
            }
            list.push(name.to_owned());
        }
    }
}

fn matching(list: &[String], beginning: &str) -> Vec<String> {
    let beginning = beginning.to_lowercase();
    let fits = |name: &&String| name.to_lowercase().starts_with(&beginning);
    list.iter().rev().filter(fits).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::chat::grammar::parse;

    fn taught(lines: &[&str]) -> Known {
        let mut known = Known::default();
        lines.iter().for_each(|line| known.learn(&parse(line)));
        known
    }

    #[test]
    fn names_come_from_all_lines_that_have_names() {
        let known = taught(&[
            "-- here: ann, bob, guest-3",
            "-- cleo, dora and 17 more joined",
            "-- guest-3 is now called Eve",
            "-- bob left",
            "#ops <Fred> ann?",
        ]);
        assert_eq!(known.names(""), ["Fred", "Eve", "dora", "cleo", "ann"]);
        assert_eq!(known.names("e"), ["Eve"]);
        assert_eq!(known.rooms(""), ["ops"]);
    }

    #[test]
    fn a_new_connection_becomes_what_the_lost_one_was() {
        let welcome = "-- welcome; you are guest-3, in lobby with 11 others; /help";
        assert_eq!(taught(&[]).return_greeting(), "");
        assert_eq!(taught(&[welcome]).return_greeting(), "");
        let mut known = taught(&[welcome, "-- you are now ann"]);
        assert_eq!(known.return_greeting(), "/nick ann\n");
        let mut known = taught(&[
            welcome,
            "#ops -- you joined ops",
            "-- you speak in lobby now",
        ]);
        assert_eq!(known.return_greeting(), "/join ops\n/join lobby\n");
        let mut known = taught(&[welcome, "-- you joined ops", "-- you left lobby"]);
        assert_eq!(known.return_greeting(), "/join ops\n/part lobby\n");
    }

    #[test]
    fn a_name_that_is_taken_is_asked_for_again_and_told_of_once() {
        let mut known = Known::default();
        known.want("ann");
        let taken =
            parse("-- you are still guest-3: this name, or one that looks like it, is taken");
        assert_eq!(known.ask_for_name(), "/nick ann\n");
        known.learn(&parse("-- welcome; you are guest-3, in lobby with 1 other"));
        assert!(!known.is_told_again(&taken));
        known.learn(&taken);
        assert_eq!(known.taken(), Some("ann"));
        assert_eq!(known.ask_for_name(), "/nick ann\n");
        assert!(known.is_told_again(&taken));
        known.learn(&taken);
        assert_eq!(known.taken(), Some("ann"));
        known.ask_for_name();
        known.learn(&parse("-- you are now ann"));
        assert_eq!(known.taken(), None);
        // A name that is not valid is not asked for again.
        known.ask_for_name();
        known.learn(&parse("-- you are still ann: that name is banned"));
        assert_eq!(known.taken(), None);
        // The person's own request is not repeated.
        known.ask_for_name();
        known.leave_name();
        known.learn(&taken);
        assert_eq!(known.taken(), None);
    }

    #[test]
    fn memory_has_an_end() {
        let mut known = Known::default();
        for number in 0..2 * NAMES_MAX {
            known.learn(&parse(&format!("<n{number}> x")));
        }
        assert_eq!(known.names("").len(), NAMES_MAX);
        let endless = "x".repeat(NAME_MAX + 1);
        known.learn(&parse(&format!("#{endless} <{endless}> x")));
        assert_eq!((known.names("x"), known.rooms("x")), (vec![], vec![]));
    }
}
