//! What commands do.

use std::sync::Arc;

use super::command::{HELP, Line};
use super::lines::{Person, Room};
use super::lines::{history, list, tag};
use super::session::Session;
use super::state::ChatState;
use crate::connection::handler::Verdict;
use crate::service::chat::rooms::{Arrival, Event, Frontend, Given, Name, NameError, Text};

/// Rooms that one can be in.
const JOINED_MAX: usize = 20;

impl Session {
    pub(super) fn obey(&mut self, house: &ChatState, line: Line<'_>) -> Verdict {
        match line {
            Line::Text(text) => {
                let by = self.person.name();
                let lines = Text::printable(format!("{text}\n"));
                self.speak(house, Event::Said { by, lines });
            }
            Line::Help => self.give(house, HELP.to_owned()),
            Line::Nick(name) => return self.nick(house, name),
            Line::Join(name) => self.join(house, name),
            Line::Part(name) => self.part(house, name),
            Line::Rooms => self.list_rooms(house),
            Line::Who(name) => self.who(house, name),
            Line::Msg(name, text) => self.whisper(house, name, text),
            Line::Me("") => self.answer(house, "/me TEXT says what you do"),
            Line::Me(text) => {
                let by = self.person.name();
                let text = Text::printable(text.to_owned());
                self.speak(house, Event::Acted { by, text });
            }
            Line::Topic(text) => self.topic(house, text),
            Line::Away(text) => self.away(house, text),
            Line::Ignore(name) => self.ignore(house, name),
            Line::Quit(text) => {
                self.quit(house, text);
                return Verdict::Close;
            }
            Line::Unknown(word) => {
                let advice = "/help lists what there is";
                self.answer(house, format_args!("there is no /{word}; {advice}"));
            }
            order => self.order(house, order),
        }
        Verdict::Go
    }

    fn nick(&mut self, house: &ChatState, name: &str) -> Verdict {
        match Name::new(name) {
            Ok(name) if house.operators.is_name_banned(&name) => {
                self.keep_name(house, "that name is banned");
            }
            Ok(name) => match house.hall.rename(&self.person, name.clone()) {
                Ok(from) => self.renamed(house, &from),
                Err(NameError::Taken) => return self.ask_holder(house, name),
                Err(error) => self.keep_name(house, error),
            },
            Err(error) => self.keep_name(house, error),
        }
        Verdict::Go
    }

    /// It has another name: it is told so, and so are its rooms, if they know the one before.
    pub(super) fn renamed(&mut self, house: &ChatState, from: &Arc<Name>) {
        if self.is_outside() {
            return self.come_in(house);
        }
        let to = self.person.name();
        self.answer(house, format_args!("you are now {to}"));
        for room in &self.rooms {
            let (from, to) = (Arc::clone(from), Arc::clone(&to));
            let event = Event::Renamed { from, to };
            let hall = &house.hall;
            hall.announce_to_others(room, &event, Some(self.person.id));
        }
    }

    /// It has asked for a name that it can't have.
    pub(super) fn keep_name(&mut self, house: &ChatState, why: impl std::fmt::Display) {
        self.come_in(house);
        let name = self.person.name();
        self.answer(house, format_args!("you are still {name}: {why}"));
    }

    fn join(&mut self, house: &ChatState, name: &str) {
        let Some(name) = self.room_name(house, name) else {
            return;
        };
        if let Some(place) = self.place_of(&name) {
            let room = self.rooms.remove(place);
            self.answer_about(house, &room, format_args!("you speak in {} now", room.name));
            self.rooms.push(room);
            return;
        }
        if self.rooms.len() >= JOINED_MAX {
            return self.answer(
                house,
                "you are in as many rooms as one can be; /part one first",
            );
        }
        let greet = |arrival: &Arrival<'_>| {
            let mut out = format!("{}-- you joined {}\n", tag(arrival.room), arrival.room);
            history(arrival, &mut out);
            out.into()
        };
        match house.hall.enter(&name, &self.person, &greet) {
            Ok(room) => self.rooms.push(room),
            Err(error) => self.answer(house, error),
        }
    }

    fn part(&mut self, house: &ChatState, name: &str) {
        let place = match name {
            "" => self.rooms.len().checked_sub(1),
            name => match self.room_name(house, name) {
                Some(name) => self.place_of(&name),
                None => return,
            },
        };
        let Some(place) = place else {
            return self.answer(house, "you are not in that room");
        };
        let room = self.rooms.remove(place);
        house.hall.leave(&room, &self.person);
        self.answer_about(house, &room, format_args!("you left {}", room.name));
    }

    fn list_rooms(&mut self, house: &ChatState) {
        let rooms = house.hall.rooms().into_iter();
        let mut rooms: Vec<_> = rooms.map(|room| (room.count(), room)).collect();
        rooms.retain(|(count, _)| *count > 0);
        rooms.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.name.key().cmp(b.1.name.key())));
        let rooms = rooms
            .iter()
            .map(|(count, room)| format!("{} ({count})", room.name));
        self.answer(house, format_args!("rooms: {}", list(rooms)));
    }

    fn who(&mut self, house: &ChatState, name: &str) {
        let Some(room) = self.room_of(house, name) else {
            return;
        };
        let mut names = room.names();
        names.sort_unstable_by(|a, b| a.key().cmp(b.key()));
        let names = names.iter().map(|name| name.to_string());
        self.answer_about(house, &room, format_args!("here: {}", list(names)));
    }

    fn whisper(&mut self, house: &ChatState, name: &str, text: &str) {
        if text.is_empty() {
            return self.answer(house, "/msg NAME TEXT says it to one person only");
        }
        if self.is_unheard(house) {
            return;
        }
        let Some(other) = self.person_called(house, name) else {
            return;
        };
        let ignores = other.ignores();
        let is_ignored = ignores.is_some_and(|ids| ids.contains(&self.person.id));
        let line = format!("[{}] {text}\n", self.person.name());
        let front = &house.hall.front;
        if !is_ignored && front.give(&other.outlet, line.into()) != Given::Taken {
            return self.answer(house, format_args!("{} can't be reached now", other.name()));
        }
        self.give(house, format!("[to {}] {text}\n", other.name()));
        if let Some(away) = other.away() {
            let (name, away) = (other.name(), away.as_str());
            self.answer(house, format_args!("{name} is away: {away}"));
        }
    }

    fn topic(&mut self, house: &ChatState, text: &str) {
        let Some(room) = self.rooms.last().cloned() else {
            return self.answer(house, "you are in no room; /join one");
        };
        if text.is_empty() {
            let topic = room.topic();
            if topic.is_empty() {
                return self.answer_about(house, &room, "no topic; /topic TEXT sets it");
            }
            return self.answer_about(house, &room, format_args!("topic: {}", topic.as_str()));
        }
        if self.is_unheard(house) {
            return;
        }
        let by = self.person.name();
        let text = Text::printable(text.to_owned());
        house.hall.announce(&room, &Event::Topic { by, text });
    }

    fn away(&mut self, house: &ChatState, text: &str) {
        if text.is_empty() {
            self.person.set_away(None);
            return self.answer(house, "you are not away");
        }
        // Whoever whispers to it is shown the text.
        if self.is_unheard(house) {
            return;
        }
        self.person.set_away(Some(Text::printable(text.to_owned())));
        self.answer(house, format_args!("you are away: {text}"));
    }

    fn ignore(&mut self, house: &ChatState, name: &str) {
        let Some(other) = self.person_called(house, name) else {
            return;
        };
        let name = other.name();
        match self.person.ignore(other.id) {
            Some(true) => self.answer(house, format_args!("you don't hear {name} any more")),
            Some(false) => self.answer(house, format_args!("you hear {name} again")),
            None => return self.answer(house, "you ignore as many as one can"),
        }
        for room in &self.rooms {
            room.ignore(self.person.id, self.person.ignores());
        }
    }

    fn quit(&mut self, house: &ChatState, text: &str) {
        if !text.is_empty()
            && !self.person.is_muted()
            && let Some(room) = self.rooms.last()
        {
            let by = self.person.name();
            let text = Text::printable(format!("leaves: {text}"));
            house.hall.announce(room, &Event::Acted { by, text });
        }
        self.answer(house, "goodbye");
        self.leave(house);
    }

    /// A name as it was typed, with or without the sign that rooms have.
    fn room_name(&mut self, house: &ChatState, name: &str) -> Option<Name> {
        let name = Name::new(name.strip_prefix('#').unwrap_or(name));
        name.map_err(|error| self.answer(house, error)).ok()
    }

    fn place_of(&self, name: &Name) -> Option<usize> {
        let is_it = |room: &Arc<Room>| room.name.key() == name.key();
        self.rooms.iter().position(is_it)
    }

    /// The room of that name, or the one that it speaks in.
    fn room_of(&mut self, house: &ChatState, name: &str) -> Option<Arc<Room>> {
        if name.is_empty() {
            if self.rooms.is_empty() {
                self.answer(house, "you are in no room; /join one");
            }
            return self.rooms.last().cloned();
        }
        let name = self.room_name(house, name)?;
        let room = house.hall.room(&name);
        if room.is_none() {
            self.answer(
                house,
                format_args!("there is no room {name}; /rooms lists them"),
            );
        }
        room
    }

    /// Somebody who is here, or an answer that nobody of that name is.
    pub(super) fn person_called(&mut self, house: &ChatState, name: &str) -> Option<Arc<Person>> {
        let found = Name::new(name).ok().and_then(|name| house.hall.find(&name));
        if found.is_none() {
            self.answer(house, "nobody of that name is here; /who lists who is");
        }
        found
    }
}
