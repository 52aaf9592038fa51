//! One client's side: what it says, where, and how fast.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use super::command::{self, Line};
use super::lines::{Ear, LOBBY, Person, Room, history, others, tag};
use super::newcomers::Newcomer;
use super::probe::Probe;
use super::screen::Screen;
use super::state::{AGAIN_AFTER, ChatState};
use super::stranger::Stranger;
use super::telnet::{Telnet, WONT_TIMING_MARK, edited};
use crate::connection::client::Client;
use crate::connection::handler::{End, Reply, Verdict};
use crate::escape::escape;
use crate::framing::{Extent, Message};
use crate::service::chat::rooms::{Arrival, Event, Frontend, Name, Posted, Text};

/// A name that was asked for and may be free soon.
pub(super) struct Asked {
    pub(super) name: Name,
    pub(super) holder: Arc<Person>,
    pub(super) probe: Arc<Probe>,
}

/// Bytes that one turn of a client makes of what it says: what is more waits for its next turn.
const SAID_MAX: usize = 32 * 1024;
/// What ends a line that was longer than a line may be.
const CUT: &[u8] = b" (cut here: the line was too long)";
/// The name of the person at the server's own terminal; nobody else can have it.
const CONSOLE: &str = "console";

/// See the head of the file.
pub struct Session {
    pub(super) person: Arc<Person>,
    /// The rooms it is in; it speaks in the last.
    pub(super) rooms: Vec<Arc<Room>>,
    /// Until its first line.
    newcomer: Option<Arc<Newcomer>>,
    /// It has not been greeted: that is the first thing it is told.
    is_outside: bool,
    telnet: Telnet,
    /// Said and not posted yet: whole lines, printable.
    said: Vec<u8>,
    /// What the room could not take yet, because somebody is late.
    unposted: Option<(Arc<Room>, Event)>,
    /// The name that it wants, until its holder's host has answered.
    pub(super) asked: Option<Box<Asked>>,
    /// A command that waits for that.
    deferred: Option<String>,
    /// Bytes that it was answered in this turn.
    answered: usize,
    /// When it was last told that its lines are delayed.
    pub(super) told_delay: Option<Instant>,
}

impl Session {
    pub(super) fn open(house: &ChatState, client: &Client) -> Session {
        let person = house.hall.admit(Ear::of(client), None);
        let mut session = Session::new(person);
        if house.operators.is_banned(client.peer()) {
            session.put_out(house, "your address is banned");
        } else {
            session.newcomer = Some(house.newcomers.add(&session.person));
        }
        session
    }

    pub(super) fn at_console(house: &ChatState, screen: &Arc<Screen>) -> Session {
        let name = Name::new(CONSOLE).expect("letters");
        let ear = Ear::Console(Arc::clone(screen));
        let mut session = Session::new(house.hall.admit(ear, Some(name)));
        session.person.make_operator();
        session.rooms.extend(enter_lobby(house, &session.person));
        session
    }

    fn new(person: Arc<Person>) -> Session {
        Session {
            person,
            rooms: Vec::new(),
            newcomer: None,
            is_outside: false,
            telnet: Telnet::default(),
            said: Vec::new(),
            unposted: None,
            asked: None,
            deferred: None,
            answered: 0,
            told_delay: None,
        }
    }

    pub(super) fn is_outside(&self) -> bool {
        self.is_outside
    }

    /// Enters the lobby, unless it has done so: a client is greeted before it is told anything.
    pub(super) fn come_in(&mut self, house: &ChatState) {
        if std::mem::take(&mut self.is_outside) {
            self.rooms.extend(enter_lobby(house, &self.person));
        }
    }

    /// The first line shows whether the client speaks lines.
    fn take_first(&mut self, house: &ChatState, line: &[u8]) -> Verdict {
        let Some(newcomer) = self.newcomer.take() else {
            return Verdict::Go;
        };
        let lobby = newcomer.take();
        self.is_outside = lobby.is_none();
        self.rooms.extend(lobby);
        let Some(stranger) = Stranger::of(line) else {
            return Verdict::Go;
        };
        house.strangers.note(stranger, self.person.outlet.place());
        let answer = stranger.answer().into();
        house.hall.front.give(&self.person.outlet, answer);
        Verdict::Close
    }

    /// Whether it has said or asked for as much as a turn may, or has to wait until it is heard.
    pub(super) fn is_full(&self) -> bool {
        self.unposted.is_some() || self.said.len() + self.answered >= SAID_MAX
    }

    /// Says what could not be said before.
    pub(super) fn catch_up(&mut self, house: &ChatState) -> Verdict {
        self.answered = 0;
        let verdict = self.look_at_holder(house);
        if verdict != Verdict::Go {
            return verdict;
        }
        if let Some((room, event)) = self.unposted.take() {
            self.tell(house, room, event);
        }
        if self.unposted.is_some() {
            return Verdict::Wait(AGAIN_AFTER);
        }
        match self.deferred.take() {
            Some(line) => self.obey(house, command::read(&line)),
            None => Verdict::Go,
        }
    }

    /// Takes a line.
    pub(super) fn take(&mut self, house: &ChatState, message: Message<'_>) -> Verdict {
        if self.newcomer.is_some() && self.take_first(house, message.bytes) == Verdict::Close {
            return Verdict::Close;
        }
        let stripped = self.telnet.strip(message.bytes);
        if stripped.negotiates
            && let Ear::Client(wire) = &self.person.outlet
        {
            wire.note_telnet();
        }
        if stripped.awaits_mark {
            let mark = WONT_TIMING_MARK.into();
            house.hall.front.give(&self.person.outlet, mark);
        }
        let Some(line) = stripped.text.map(edited) else {
            return Verdict::Go;
        };
        if self.person.is_out() {
            return Verdict::Go;
        }
        if self.is_outside && !is_nick(&line) {
            self.come_in(house);
        }
        if line.is_empty() {
            return Verdict::Go;
        }
        if line[0] == b'/' {
            let mut clean = Vec::new();
            escape(&line, &mut clean);
            let clean = String::from_utf8(clean).expect("escaped text is UTF-8");
            match command::read(&clean) {
                Line::Text(text) => self.said.extend_from_slice(text.as_bytes()),
                _ => return self.command(house, clean),
            }
        } else {
            escape(&line, &mut self.said);
        }
        if message.extent == Extent::Truncated {
            self.said.extend_from_slice(CUT);
        }
        self.said.push(b'\n');
        Verdict::Go
    }

    /// What was sent before a question is seen before its answer.
    fn command(&mut self, house: &ChatState, line: String) -> Verdict {
        self.post(house);
        if self.unposted.is_none() {
            return self.obey(house, command::read(&line));
        }
        self.deferred = Some(line);
        Verdict::Wait(AGAIN_AFTER)
    }

    /// Posts what was said in the turn.
    pub(super) fn end_turn(&mut self, house: &ChatState, verdict: Verdict) -> Verdict {
        if self.unposted.is_none() {
            self.post(house);
        }
        house.speakers.note(&self.person);
        if self.unposted.is_some() && verdict == Verdict::Go {
            return Verdict::Wait(AGAIN_AFTER);
        }
        verdict
    }

    fn post(&mut self, house: &ChatState) {
        if self.said.is_empty() {
            return;
        }
        let said = std::mem::take(&mut self.said);
        let lines = Text::printable(String::from_utf8(said).expect("escaped text is UTF-8"));
        let by = self.person.name();
        self.speak(house, Event::Said { by, lines });
    }

    /// Whether an operator has muted it; it is told so.
    pub(super) fn is_unheard(&mut self, house: &ChatState) -> bool {
        let muted = self.person.is_muted();
        if muted {
            self.answer(house, "an operator has muted you: nobody hears you");
        }
        muted
    }

    /// Speaks in the room that was joined last.
    pub(super) fn speak(&mut self, house: &ChatState, event: Event) {
        if self.person.is_out() {
            return;
        }
        if self.is_unheard(house) {
            return;
        }
        match self.rooms.last().cloned() {
            Some(room) => self.tell(house, room, event),
            None => self.answer(house, "you are in no room; /join one"),
        }
    }

    fn tell(&mut self, house: &ChatState, room: Arc<Room>, event: Event) {
        if house.hall.post(&room, &event, self.person.id) == Posted::Done {
            return;
        }
        match self.person.outlet {
            Ear::Client(_) => self.unposted = Some((room, event)),
            // It has no turns in which it could be said again.
            Ear::Console(_) => house.hall.announce(&room, &event),
        }
    }

    /// What the client gets last, if the server ends it.
    pub(super) fn last_words(&mut self, end: &End, reply: &mut Reply<'_>) {
        match (end, self.person.out()) {
            (End::Drained, _) => reply.send("-- the server is going down"),
            (_, Some(why)) => reply.send(format!("-- you are disconnected: {why}")),
            (End::Closed(why), None) => reply.send(format!("-- you are disconnected: {why}")),
            (End::Limit(limit), None) => {
                reply.send(format!(
                    "-- you are disconnected: the server is {}",
                    limit.describe()
                ));
            }
            _ => {}
        }
    }

    pub(super) fn close(mut self, house: &ChatState) {
        if let Some(newcomer) = self.newcomer.take() {
            self.rooms.extend(newcomer.take());
        }
        if let Some((room, event)) = self.unposted.take() {
            // Nobody would come back for it.
            house.hall.announce(&room, &event);
        }
        self.leave(house);
    }

    /// It is in no room any more, and its name is free. Its connection may last: until it has taken
    /// what it is owed, and closes.
    pub(super) fn leave(&mut self, house: &ChatState) {
        for room in std::mem::take(&mut self.rooms) {
            house.hall.leave(&room, &self.person);
        }
        house.hall.forget(&self.person);
    }

    pub(super) fn put_out(&mut self, house: &ChatState, why: &str) {
        self.person.put_out(&house.hall.front, why);
    }

    /// One line from the server to this client.
    pub(super) fn answer(&mut self, house: &ChatState, text: impl std::fmt::Display) {
        let mut line = String::new();
        let _ = writeln!(line, "-- {text}");
        self.give(house, line);
    }

    /// The same, about a room.
    pub(super) fn answer_about(
        &mut self,
        house: &ChatState,
        room: &Room,
        text: impl std::fmt::Display,
    ) {
        let mut line = tag(&room.name);
        let _ = writeln!(line, "-- {text}");
        self.give(house, line);
    }

    pub(super) fn give(&mut self, house: &ChatState, lines: String) {
        self.answered += lines.len();
        // Its own outbox was empty when its turn began: answers always fit, unless a room fills
        // it meanwhile, and that room sees to it.
        house.hall.front.give(&self.person.outlet, lines.into());
    }
}

/// Whether a line asks for a name. A client that does so first comes under that name.
fn is_nick(line: &[u8]) -> bool {
    str::from_utf8(line).is_ok_and(|line| matches!(command::read(line), Line::Nick(_)))
}

/// A person enters the lobby, and is greeted.
pub(super) fn enter_lobby(house: &ChatState, person: &Arc<Person>) -> Option<Arc<Room>> {
    let name = person.name();
    let greet = |arrival: &Arrival<'_>| {
        let mut out = format!(
            "-- welcome; you are {name}, in {LOBBY} with {}; /help lists commands\n",
            others(arrival.others)
        );
        history(arrival, &mut out);
        out.into()
    };
    let lobby = Name::new(LOBBY).expect("letters");
    match house.hall.enter(&lobby, person, &greet) {
        Ok(room) => Some(room),
        Err(error) => {
            let line = format!("-- {error}\n");
            house.hall.front.give(&person.outlet, line.into());
            None
        }
    }
}
