//! What the lines of a chat teach: who is there, which rooms, who we are.

use super::wire::{Line, What};

/// Names and rooms that are remembered; the oldest are forgotten first.
const NAMES_MAX: usize = 2000;
/// Bytes of a name or a room; a longer one is somebody else's idea of a chat.
const NAME_MAX: usize = 256;
/// Rooms that are joined again after a loss.
const JOINED_MAX: usize = 100;

pub const LOBBY: &str = "lobby";

/// What is known of the chat that we are in.
#[derive(Debug, Default)]
pub struct Known {
    /// Who we are; nobody before the server has welcomed us, and with servers that are no chat.
    pub own: Option<String>,
    /// Last heard of comes last.
    names: Vec<String>,
    /// Rooms that exist, the same way.
    rooms: Vec<String>,
    /// Where we are; what we say goes to the last one.
    joined: Vec<String>,
}

impl Known {
    /// Whether the server is a chat.
    pub fn is_chat(&self) -> bool {
        self.own.is_some()
    }

    /// Names that begin so, last heard first.
    pub fn names(&self, beginning: &str) -> Vec<String> {
        matching(&self.names, beginning)
    }

    /// Rooms that begin so, last heard first.
    pub fn rooms(&self, beginning: &str) -> Vec<String> {
        matching(&self.rooms, beginning)
    }

    /// What makes a new connection what the lost one was.
    pub fn return_greeting(&self) -> String {
        let Some(own) = &self.own else {
            return String::new();
        };
        let mut greeting = String::new();
        // Whom the server has named, it names again.
        if !is_guest(own) {
            greeting.push_str(&format!("/nick {own}\n"));
        }
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
    pub fn learn(&mut self, line: &Line<'_>) {
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
        if let Some(rest) = text.strip_prefix("welcome; you are ") {
            let own = rest.split([',', ' ', ';']).next().unwrap_or_default();
            self.own = Some(own.to_owned());
            self.joined = vec![LOBBY.to_owned()];
        } else if let Some(own) = text.strip_prefix("you are now ") {
            self.own = Some(first_word(own).to_owned());
        } else if let Some(room) = turned_to(text) {
            remember(&mut self.rooms, room);
            self.joined.retain(|joined| joined != room);
            self.joined.truncate(JOINED_MAX);
            self.joined.push(room.to_owned());
        } else if let Some(room) = text.strip_prefix("you left ") {
            let room = first_word(room);
            self.joined.retain(|joined| joined != room);
        } else if let Some(list) = text.strip_prefix("here: ") {
            let names = list.split(", ").map(first_word);
            names.for_each(|name| remember(&mut self.names, name));
        } else if let Some(list) = text.strip_prefix("rooms: ") {
            let rooms = list.split(", ").map(first_word);
            rooms.for_each(|room| remember(&mut self.rooms, room));
        } else if let Some((old, new)) = text.split_once(" is now called ") {
            self.names.retain(|name| name != old);
            remember(&mut self.names, first_word(new));
        } else if let Some(list) = text.strip_suffix(" joined") {
            crowd(list).for_each(|name| remember(&mut self.names, name));
        } else if let Some(list) = text.strip_suffix(" left") {
            crowd(list).for_each(|name| self.names.retain(|known| known != name));
        }
    }
}

/// The room that one has entered, or speaks in from now on.
fn turned_to(text: &str) -> Option<&str> {
    let speaks = || text.strip_prefix("you speak in ")?.strip_suffix(" now");
    text.strip_prefix("you joined ")
        .or_else(speaks)
        .map(first_word)
}

/// The names in `ann`, `ann and bob`, `ann, bob and 17 more`.
fn crowd(list: &str) -> impl Iterator<Item = &str> {
    list.split(", ")
        .flat_map(|part| part.split(" and "))
        .filter(|name| !name.is_empty() && !name.contains(' '))
}

fn first_word(text: &str) -> &str {
    text.split([' ', ';']).next().unwrap_or_default()
}

fn is_guest(name: &str) -> bool {
    let number = name.strip_prefix("guest-").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
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
    use super::super::wire::parse;
    use super::*;

    fn taught(lines: &[&str]) -> Known {
        let mut known = Known::default();
        lines.iter().for_each(|line| known.learn(&parse(line)));
        known
    }

    #[test]
    fn names_come_from_whatever_names_somebody() {
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
        let known = taught(&[welcome, "-- you are now ann"]);
        assert_eq!(known.return_greeting(), "/nick ann\n");
        let known = taught(&[
            welcome,
            "#ops -- you joined ops",
            "-- you speak in lobby now",
        ]);
        assert_eq!(known.return_greeting(), "/join ops\n/join lobby\n");
        let known = taught(&[welcome, "-- you joined ops", "-- you left lobby"]);
        assert_eq!(known.return_greeting(), "/join ops\n/part lobby\n");
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
