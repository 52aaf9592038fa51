//! One client's side: what it says and asks for, and what it is answered.

use std::fmt::Write;
use std::sync::Arc;

use super::command::{self, HELP, Line};
use super::lines::{LOBBY, Lines, history, tag};
use crate::chat::{self, Event, Name, Text};
use crate::client::Client;
use crate::escape::escape;
use crate::handler::Verdict;

type Hall = chat::Hall<Lines>;
type Person = chat::Person<Lines>;
type Room = chat::Room<Lines>;

/// Bytes that one turn of a client makes of what it said: more waits for its next turn.
const CHUNK_MAX: usize = 32 * 1024;

/// See the head of the file.
pub struct Session {
    person: Arc<Person>,
    /// The rooms it is in; it speaks in the last.
    rooms: Vec<Arc<Room>>,
    /// Said and not posted yet: whole lines.
    said: Vec<u8>,
    /// Bytes that it was answered in this turn.
    answered: usize,
}

impl Session {
    pub(super) fn open(hall: &Hall, client: &Client) -> Session {
        let person = hall.admit(client.clone());
        let lobby = hall.room(&Name::new(LOBBY).expect("a valid name"));
        lobby.enter(&hall.front, &person, |arrival| {
            let mut out = format!(
                "-- welcome; you are {}, in {LOBBY} with {} others; /help lists the commands\n",
                person.name(),
                arrival.others
            );
            history(arrival, &mut out);
            out.into()
        });
        Session {
            person,
            rooms: vec![lobby],
            said: Vec::new(),
            answered: 0,
        }
    }

    /// Whether it has said or asked for as much as a turn may.
    pub(super) fn is_full(&self) -> bool {
        self.said.len() + self.answered >= CHUNK_MAX
    }

    /// Takes a line.
    pub(super) fn take(&mut self, hall: &Hall, line: &[u8]) -> Verdict {
        if line.is_empty() {
            return Verdict::Go;
        }
        if line[0] != b'/' {
            escape(line, &mut self.said);
            self.said.push(b'\n');
            return Verdict::Go;
        }
        let mut clean = Vec::with_capacity(line.len());
        escape(line, &mut clean);
        let clean = String::from_utf8(clean).expect("escaped text is UTF-8");
        match command::read(&clean) {
            Line::Text(text) => {
                self.said.extend_from_slice(text.as_bytes());
                self.said.push(b'\n');
                Verdict::Go
            }
            line => {
                // What was sent before a question is seen before its answer.
                self.post(hall);
                self.obey(hall, line)
            }
        }
    }

    /// Tells the room what was said so far.
    pub(super) fn post(&mut self, hall: &Hall) {
        self.answered = 0;
        if self.said.is_empty() {
            return;
        }
        let said = std::mem::take(&mut self.said);
        let lines = Text::printable(String::from_utf8(said).expect("escaped text is UTF-8"));
        let by = self.person.name();
        match self.rooms.last() {
            Some(room) => room.post(&hall.front, &Event::Said { by, lines }),
            None => self.answer("you are in no room; /join one"),
        }
    }

    pub(super) fn close(mut self, hall: &Hall) {
        for room in std::mem::take(&mut self.rooms) {
            room.leave(&hall.front, &self.person);
        }
        hall.forget(&self.person);
    }

    fn obey(&mut self, hall: &Hall, line: Line<'_>) -> Verdict {
        match line {
            Line::Help => self.give(HELP.to_owned()),
            Line::Nick(name) => self.nick(hall, name),
            Line::Join(name) => self.join(hall, name),
            Line::Who(_) => self.who(),
            Line::Me(text) => self.act(hall, text),
            Line::Quit(_) => {
                self.answer("goodbye");
                return Verdict::Close;
            }
            Line::Unknown(word) => {
                self.answer(format_args!(
                    "there is no /{word}; /help lists what there is"
                ));
            }
            _ => self.answer("not yet"),
        }
        Verdict::Go
    }

    fn nick(&mut self, hall: &Hall, name: &str) {
        let renamed = Name::new(name).and_then(|name| hall.rename(&self.person, name));
        match renamed {
            Ok(from) => {
                let to = self.person.name();
                self.answer(format_args!("you are now {to}"));
                for room in &self.rooms {
                    let (from, to) = (Arc::clone(&from), Arc::clone(&to));
                    room.post(&hall.front, &Event::Renamed { from, to });
                }
            }
            Err(error) => self.answer(error),
        }
    }

    fn join(&mut self, hall: &Hall, name: &str) {
        let name = match Name::new(name.trim_start_matches('#')) {
            Ok(name) => name,
            Err(error) => return self.answer(error),
        };
        let here = |room: &Arc<Room>| room.name.key() == name.key();
        if let Some(place) = self.rooms.iter().position(here) {
            let room = self.rooms.remove(place);
            self.rooms.push(room);
            return self.answer(format_args!("you speak in {name} now"));
        }
        let room = hall.room(&name);
        room.enter(&hall.front, &self.person, |arrival| {
            let mut out = format!("{}-- you joined {}\n", tag(arrival.room), arrival.room);
            history(arrival, &mut out);
            out.into()
        });
        self.rooms.push(room);
    }

    fn who(&mut self) {
        let Some(room) = self.rooms.last() else {
            return self.answer("you are in no room");
        };
        let mut names: Vec<String> = room.names().iter().map(|name| name.to_string()).collect();
        names.sort_unstable();
        let line = format!("{}-- here: {}\n", tag(&room.name), names.join(", "));
        self.give(line);
    }

    fn act(&mut self, hall: &Hall, text: &str) {
        let by = self.person.name();
        let text = Text::printable(text.to_owned());
        if let Some(room) = self.rooms.last() {
            room.post(&hall.front, &Event::Acted { by, text });
        }
    }

    /// One line from the server to this client.
    fn answer(&mut self, text: impl std::fmt::Display) {
        let mut line = String::new();
        let _ = writeln!(line, "-- {text}");
        self.give(line);
    }

    fn give(&mut self, lines: String) {
        self.answered += lines.len();
        // Who does not read its answers fills its own outbox, and is dealt with as a reader.
        let _ = self.person.outlet.send(lines);
    }
}
