//! Carries out commands.

use std::sync::Arc;

use super::command::Command;
use super::lines::{Person, Room, history, list, tag};
use super::port::act::Act;
use super::session::Session;
use super::state::{ChatState, JOINED_MAX};
use crate::connection::handler::Verdict;
use crate::service::chat::grammar::{self, HELP, LOBBY, Notice, What};
use crate::service::chat::rooms::{
    Arrival, Event, Frontend, Given, Name, NameError, RoomError, Text,
};

impl Session {
    pub(super) fn obey(&mut self, chat: &ChatState, line: Command<'_>) -> Verdict {
        match line {
            Command::Text(text) => {
                let by = self.person.name();
                let lines = Text::printable(format!("{text}\n"));
                self.speak(chat, Event::Said { by, lines });
            }
            Command::Help => self.give(chat, HELP.to_owned()),
            Command::Nick(name) => return self.nick(chat, name),
            Command::Join(name) => self.join(chat, name),
            Command::Part(name) => self.part(chat, name),
            Command::Rooms => self.list_rooms(chat),
            Command::Who(name) => self.who(chat, name),
            Command::Msg(name, text) => self.whisper(chat, name, text),
            Command::Me("") => self.answer(chat, "/me TEXT says what you do"),
            Command::Me(text) => {
                let by = self.person.name();
                let text = Text::printable(text.to_owned());
                self.speak(chat, Event::Acted { by, text });
            }
            Command::Topic(text) => self.topic(chat, text),
            Command::Away(text) => self.away(chat, text),
            Command::Ignore(name) => self.ignore(chat, name),
            Command::Quit(text) => {
                self.quit(chat, text);
                return Verdict::Close;
            }
            Command::Unknown(word) => {
                let advice = "/help lists what there is";
                self.answer(chat, format_args!("there is no /{word}; {advice}"));
            }
            order => self.order(chat, order),
        }
        Verdict::Go
    }

    fn nick(&mut self, chat: &ChatState, name: &str) -> Verdict {
        if !self.may_come_as(chat, name) {
            return Verdict::Go;
        }
        match Name::new(name) {
            Ok(name) if !self.may_ask_for(chat, &name) => {
                self.keep_name(chat, "names here are those in certificates");
            }
            Ok(name) if chat.operators.is_name_banned(&name) => {
                self.keep_name(chat, "that name is banned");
            }
            Ok(name) if chat.port.is_some() => self.name_all(chat, &name),
            Ok(name) => match chat.directory.rename(&self.person, name.clone()) {
                Ok(from) => self.renamed(chat, &from),
                Err(NameError::Taken) => return self.ask_holder(chat, name),
                Err(error) => self.keep_name(chat, error),
            },
            Err(error) => self.keep_name(chat, error),
        }
        Verdict::Go
    }

    /// Tells the client and its rooms its new name; on its entry, only enters the lobby.
    pub(super) fn renamed(&mut self, chat: &ChatState, from: &Arc<Name>) {
        if self.is_outside() {
            return self.come_in(chat);
        }
        let to = self.person.name();
        self.answer(chat, Notice::Named(to.as_str()));
        for room in &self.rooms {
            let (from, to) = (Arc::clone(from), Arc::clone(&to));
            let event = Event::Renamed { from, to };
            let directory = &chat.directory;
            directory.announce_to_others(room, &event, Some(self.person.id));
        }
    }

    /// Tells the client why it keeps its name.
    pub(super) fn keep_name(&mut self, chat: &ChatState, why: impl std::fmt::Display) {
        self.come_in(chat);
        let name = self.person.name();
        let (name, why) = (name.as_str(), &why.to_string());
        self.answer(chat, Notice::NotNamed { name, why });
    }

    fn join(&mut self, chat: &ChatState, name: &str) {
        let Some(name) = self.room_name(chat, name) else {
            return;
        };
        let lobby = Name::new(LOBBY).expect("letters");
        if name.key() != LOBBY && name.is_like(&lobby) {
            // All come into the lobby: it must be possible to open it again.
            return self.answer(chat, RoomError::LooksAlike);
        }
        if let Some(place) = self.place_of(&name) {
            let room = self.rooms.remove(place);
            self.answer_about(chat, &room, Notice::Speaks(room.name.as_str()));
            self.rooms.push(room);
            return;
        }
        if self.rooms.len() >= JOINED_MAX {
            return self.answer(
                chat,
                "you are in the maximum number of rooms; /part one first",
            );
        }
        if chat.port.is_some() {
            let (who, room) = (self.person.id, name.as_str().to_owned());
            return self.act(chat, Act::Join { who, room });
        }
        let greet = |arrival: &Arrival<'_>| {
            let joined = Notice::Joined(arrival.room.as_str());
            let mut out = grammar::notice(tag(arrival.room), joined);
            history(arrival, &mut out);
            out.into()
        };
        match chat.directory.enter(&name, &self.person, &greet) {
            Ok(room) => {
                self.rooms.push(room);
                self.was_greeted();
            }
            Err(error) => self.answer(chat, error),
        }
    }

    fn part(&mut self, chat: &ChatState, name: &str) {
        let place = match name {
            "" => self.rooms.len().checked_sub(1),
            name => match self.room_name(chat, name) {
                Some(name) => self.place_of(&name),
                None => return,
            },
        };
        let Some(place) = place else {
            return self.answer(chat, "you are not in that room");
        };
        let room = self.rooms.remove(place);
        if chat.port.is_some() {
            let (who, room) = (self.person.id, room.name.as_str().to_owned());
            return self.act(chat, Act::Part { who, room });
        }
        chat.directory.leave(&room, &self.person);
        self.answer_about(chat, &room, Notice::Parted(room.name.as_str()));
    }

    fn list_rooms(&mut self, chat: &ChatState) {
        let rooms = chat.directory.rooms().into_iter();
        let mut rooms: Vec<_> = rooms.map(|room| (room.count(), room)).collect();
        rooms.retain(|(count, _)| *count > 0);
        rooms.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.name.key().cmp(b.1.name.key())));
        let rooms = rooms
            .iter()
            .map(|(count, room)| format!("{} ({count})", room.name));
        self.answer(chat, Notice::Rooms(&list(rooms)));
        self.tell_cut_off(chat);
    }

    fn who(&mut self, chat: &ChatState, name: &str) {
        let Some(room) = self.room_of(chat, name) else {
            return;
        };
        let mut names = room.names();
        names.sort_unstable_by(|a, b| a.key().cmp(b.key()));
        let names = names.iter().map(|name| name.to_string());
        self.answer_about(chat, &room, Notice::Members(&list(names)));
        self.tell_cut_off(chat);
    }

    fn whisper(&mut self, chat: &ChatState, name: &str, text: &str) {
        if text.is_empty() {
            return self.answer(chat, "/msg NAME TEXT says it to one person only");
        }
        if self.refuses_muted(chat) {
            return;
        }
        let Some(other) = self.person_called(chat, name) else {
            return;
        };
        if let Some(port) = &chat.port {
            let (who, to, text) = (self.person.id, port.whom(&other), text.to_owned());
            return self.act(chat, Act::Tell { who, to, text });
        }
        let ignores = other.ignores();
        let is_ignored = ignores.is_some_and(|ids| ids.contains(&self.person.id));
        let name = self.person.name();
        let name = name.as_str();
        let line = format!("{}\n", What::Told { name, text });
        let frontend = &chat.directory.frontend;
        if !is_ignored && frontend.give(&other.outlet, line.into()) != Given::Taken {
            return self.answer(chat, format_args!("{} can't be reached now", other.name()));
        }
        let name = other.name();
        let name = name.as_str();
        self.give(chat, format!("{}\n", What::Sent { name, text }));
        if let Some(away) = other.away() {
            let (name, away) = (other.name(), away.as_str());
            self.answer(chat, format_args!("{name} is away: {away}"));
        }
    }

    fn topic(&mut self, chat: &ChatState, text: &str) {
        let Some(room) = self.room_of(chat, "") else {
            return;
        };
        if text.is_empty() {
            let topic = room.topic();
            if topic.is_empty() {
                return self.answer_about(chat, &room, "no topic; /topic TEXT sets it");
            }
            return self.answer_about(chat, &room, format_args!("topic: {}", topic.as_str()));
        }
        if self.refuses_muted(chat) {
            return;
        }
        if chat.port.is_some() {
            let (who, room) = (self.person.id, room.name.as_str().to_owned());
            let text = text.to_owned();
            return self.act(chat, Act::Topic { who, room, text });
        }
        let by = self.person.name();
        let text = Text::printable(text.to_owned());
        chat.directory.announce(&room, &Event::Topic { by, text });
    }

    fn away(&mut self, chat: &ChatState, text: &str) {
        // The text is shown to members that whisper to it.
        if !text.is_empty() && self.refuses_muted(chat) {
            return;
        }
        if chat.port.is_some() {
            let (who, text) = (self.person.id, text.to_owned());
            return self.act(chat, Act::Away { who, text });
        }
        if text.is_empty() {
            self.person.set_away(None);
            return self.answer(chat, "you are not away");
        }
        self.person.set_away(Some(Text::printable(text.to_owned())));
        self.answer(chat, format_args!("you are away: {text}"));
    }

    fn ignore(&mut self, chat: &ChatState, name: &str) {
        let Some(other) = self.person_called(chat, name) else {
            return;
        };
        let name = other.name();
        match chat.directory.ignore(&self.person, other.id) {
            Some(true) => self.answer(chat, format_args!("you don't hear {name} any more")),
            Some(false) => self.answer(chat, format_args!("you hear {name} again")),
            None => return self.answer(chat, "you ignore the maximum number of persons"),
        }
        for room in &self.rooms {
            // A daemon that has joined the others again has other rooms.
            let now = chat
                .port
                .as_ref()
                .and_then(|_| chat.directory.room(&room.name));
            let room = now.as_ref().unwrap_or(room);
            room.ignore(self.person.id, self.person.ignores());
        }
    }

    fn quit(&mut self, chat: &ChatState, text: &str) {
        if !text.is_empty()
            && !self.person.is_muted()
            && let Some(room) = self.rooms.last()
        {
            let by = self.person.name();
            let text = Text::printable(format!("leaves: {text}"));
            let (room, event) = (Arc::clone(room), Event::Acted { by, text });
            match chat.port {
                Some(_) => self.tell_all(chat, &room, event),
                None => chat.directory.announce_by(&room, &event, self.person.id),
            }
        }
        self.answer(chat, "goodbye");
        self.leave(chat);
    }

    /// A room's name as typed, with or without its `#`.
    fn room_name(&mut self, chat: &ChatState, name: &str) -> Option<Name> {
        let name = Name::new(name.strip_prefix('#').unwrap_or(name));
        name.map_err(|error| self.answer(chat, error)).ok()
    }

    fn place_of(&self, name: &Name) -> Option<usize> {
        let is_it = |room: &Arc<Room>| room.name.key() == name.key();
        self.rooms.iter().position(is_it)
    }

    /// The room of that name; for an empty name, the one that the client speaks in.
    fn room_of(&mut self, chat: &ChatState, name: &str) -> Option<Arc<Room>> {
        if name.is_empty() {
            if self.rooms.is_empty() {
                self.answer(chat, "you are in no room; /join one");
            }
            let room = self.rooms.last().cloned();
            let now = |room: Arc<Room>| chat.directory.room(&room.name).or(Some(room));
            return if chat.port.is_some() {
                room.and_then(now)
            } else {
                room
            };
        }
        let name = self.room_name(chat, name)?;
        let room = chat.directory.room(&name);
        if room.is_none() {
            self.answer(
                chat,
                format_args!("there is no room {name}; /rooms lists them"),
            );
        }
        room
    }

    /// The person of that name; if there is none, tells the client.
    pub(super) fn person_called(&mut self, chat: &ChatState, name: &str) -> Option<Arc<Person>> {
        let found = Name::new(name)
            .ok()
            .and_then(|name| chat.directory.find(&name));
        if found.is_none() {
            self.answer(
                chat,
                "no person of that name is here; /who lists those who are",
            );
        }
        found
    }
}
