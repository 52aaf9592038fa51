//! A client's session: its lines, its rooms, its rate.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::awaited::Awaited;
use super::command::{self, Command};
use super::lines::{Person, Recipient, Room, history, others, tag};
use super::newcomers::Newcomer;
use super::probe::HostProbe;
use super::screen::Screen;
use super::state::{AGAIN_AFTER, ChatState};
use super::stranger::Stranger;
use super::telnet::{self, Telnet, WONT_TIMING_MARK, edited};
use crate::connection::client::Client;
use crate::connection::handler::Verdict;
use crate::escape::escape;
use crate::framing::{Extent, Message};
use crate::service::chat::grammar::{self, LOBBY, Notice};
use crate::service::chat::rooms::{Arrival, Event, Frontend, Name, Posted, Text};

/// A name that the client asked for and that may be free soon.
pub(super) struct Asked {
    pub(super) name: Name,
    pub(super) holder: Arc<Person>,
    pub(super) probe: Arc<HostProbe>,
}

/// Maximum bytes that a turn says or answers; further lines wait for the next turn.
pub(super) const SAID_MAX: usize = 32 * 1024;
/// Ends a line that was cut because it is too long.
const CUT: &[u8] = b" (cut here: the line was too long)";
/// The console's name, which is reserved.
const CONSOLE: &str = "console";

/// See the head of the file.
pub struct Session {
    pub(super) person: Arc<Person>,
    /// Its rooms; it speaks in the last one.
    pub(super) rooms: Vec<Arc<Room>>,
    /// `None` after the first line.
    pub(super) newcomer: Option<Arc<Newcomer>>,
    /// It has not entered the lobby yet. The greeting is its first line.
    pub(super) is_outside: bool,
    pub(super) telnet: Telnet,
    /// The length of the line under way when its last timing mark was given; 0: none was.
    marked: usize,
    /// Lines that are said and not posted yet: whole and printable.
    pub(super) said: Vec<u8>,
    /// An event that the room could not take yet, because a member is late.
    pub(super) unposted: Option<Box<(Arc<Room>, Event)>>,
    /// The name that it asked for, until the holder's host has answered.
    pub(super) asked: Option<Box<Asked>>,
    /// An act that the other daemons do not know yet.
    pub(super) awaited: Option<Box<Awaited>>,
    /// A command that waits for `unposted` or for `awaited`.
    pub(super) deferred: Option<String>,
    /// Bytes of answers in this turn.
    answered: usize,
    /// When the client was last told that its lines are delayed.
    pub(super) told_delay: Option<Instant>,
}

impl Session {
    pub(super) fn open(chat: &ChatState, client: &Client) -> Session {
        let mut session = match &chat.port {
            Some(_) => Session::outside(chat, client),
            None => Session::new(chat.directory.admit(Recipient::of(client), None)),
        };
        if chat.operators.is_banned(client.peer()) {
            session.turn_away(chat);
        } else {
            if chat.port.is_none() {
                session.take_certified_name(chat);
            }
            session.newcomer = Some(chat.newcomers.add(&session.person));
        }
        session
    }

    pub(super) fn at_console(chat: &ChatState, screen: &Arc<Screen>) -> Session {
        let name = Name::new(CONSOLE).expect("letters");
        let recipient = Recipient::Console(Arc::clone(screen));
        let mut session = Session::new(chat.directory.admit(recipient, Some(name)));
        session.person.make_operator();
        let is_known = chat.has_console.swap(true, Ordering::Relaxed);
        let lobby = chat.directory.room(&Name::new(LOBBY).expect("letters"));
        let lobby = lobby.filter(|room| is_known && room.seat(&session.person));
        let entered = lobby.or_else(|| enter_lobby(chat, &session.person));
        session.rooms.extend(entered);
        session
    }

    pub(super) fn new(person: Arc<Person>) -> Session {
        Session {
            person,
            rooms: Vec::new(),
            newcomer: None,
            is_outside: false,
            telnet: Telnet::default(),
            marked: 0,
            said: Vec::new(),
            unposted: None,
            awaited: None,
            asked: None,
            deferred: None,
            answered: 0,
            told_delay: None,
        }
    }

    pub(super) fn is_outside(&self) -> bool {
        self.is_outside
    }

    /// Enters the lobby, unless it has: a client is greeted before it gets any other line.
    pub(super) fn come_in(&mut self, chat: &ChatState) {
        if !self.is_outside {
            return;
        }
        if chat.port.is_some() {
            return self.come(chat, None);
        }
        self.is_outside = false;
        self.rooms.extend(enter_lobby(chat, &self.person));
        self.was_greeted();
    }

    /// A greeting has a room's last lines: what follows waits until they are out, so that several
    /// rooms that are joined at once do not fill the outbox.
    pub(super) fn was_greeted(&mut self) {
        self.answered = SAID_MAX;
    }

    /// The first line shows whether the client speaks lines.
    fn take_first(&mut self, chat: &ChatState, line: &[u8]) -> Verdict {
        let Some(newcomer) = self.newcomer.take() else {
            return Verdict::Go;
        };
        self.entered(newcomer.take());
        let Some(stranger) = Stranger::of(line) else {
            return Verdict::Go;
        };
        chat.strangers.note(stranger, self.person.outlet.place());
        // The clock may have let it in, and its connection may last.
        self.leave(chat);
        let answer = stranger.answer().into();
        chat.directory.frontend.give(&self.person.outlet, answer);
        Verdict::Close
    }

    /// Whether the turn has reached its bound, or an event waits for late members.
    pub(super) fn is_full(&self) -> bool {
        self.unposted.is_some()
            || self.awaited.is_some()
            || self.said.len() + self.answered >= SAID_MAX
    }

    /// Posts what could not be posted before.
    pub(super) fn catch_up(&mut self, chat: &ChatState) -> Verdict {
        self.answered = 0;
        if self.person.is_out() {
            // What it has still asked for is ignored.
            (self.asked, self.deferred) = (None, None);
        }
        let verdict = self.look_at_holder(chat);
        if verdict != Verdict::Go {
            return verdict;
        }
        if self.awaited.is_some() {
            let verdict = self.look_at_act(chat);
            if verdict != Verdict::Go {
                return verdict;
            }
        }
        if let Some(unposted) = self.unposted.take() {
            let (room, event) = *unposted;
            self.tell(chat, room, event);
        }
        if self.unposted.is_some() {
            return Verdict::Wait(AGAIN_AFTER);
        }
        match self.deferred.take() {
            Some(line) => self.obey(chat, command::read(&line)),
            None => Verdict::Go,
        }
    }

    /// What telnet asks for before a line has its end: its terminal needs the greeting in its form,
    /// and after Ctrl-C it shows nothing before its mark.
    pub(super) fn look_at_beginning(&mut self, chat: &ChatState, line: &[u8]) {
        if let Recipient::Client(wire) = &self.person.outlet
            && telnet::begins(line)
        {
            wire.note_telnet();
        }
        if telnet::awaits_mark(line) && self.marked != line.len() {
            self.marked = line.len();
            self.give_mark(chat);
        }
    }

    fn give_mark(&self, chat: &ChatState) {
        let mark = WONT_TIMING_MARK.into();
        chat.directory.frontend.give(&self.person.outlet, mark);
    }

    /// Takes a line.
    pub(super) fn take(&mut self, chat: &ChatState, message: Message<'_>) -> Verdict {
        if self.newcomer.is_some() && self.take_first(chat, message.bytes) == Verdict::Close {
            return Verdict::Close;
        }
        let stripped = self.telnet.strip(message.bytes);
        if stripped.negotiates
            && let Recipient::Client(wire) = &self.person.outlet
        {
            wire.note_telnet();
        }
        let marked = std::mem::take(&mut self.marked);
        if stripped.awaits_mark && marked == 0 {
            self.give_mark(chat);
        }
        let Some(line) = stripped.text.map(edited) else {
            return Verdict::Go;
        };
        if self.person.is_out() {
            return Verdict::Go;
        }
        if self.is_outside && !is_nick(&line) {
            self.come_in(chat);
        }
        if line.is_empty() {
            return Verdict::Go;
        }
        if line[0] == b'/' {
            let mut clean = Vec::new();
            escape(&line, &mut clean);
            let clean = String::from_utf8(clean).expect("escaped text is UTF-8");
            match command::read(&clean) {
                Command::Text(text) => self.said.extend_from_slice(text.as_bytes()),
                _ => return self.command(chat, clean),
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

    /// Posts the lines before the command, so the client sees them before the answer.
    fn command(&mut self, chat: &ChatState, line: String) -> Verdict {
        self.post(chat);
        if self.unposted.is_none() && self.awaited.is_none() {
            return self.obey(chat, command::read(&line));
        }
        self.deferred = Some(line);
        Verdict::Wait(self.pause())
    }

    /// Until it looks again at what it waits for.
    fn pause(&self) -> Duration {
        let awaited = self.awaited.as_ref();
        awaited.map_or(AGAIN_AFTER, |awaited| awaited.pause())
    }

    /// Posts what was said in the turn.
    pub(super) fn end_turn(&mut self, chat: &ChatState, verdict: Verdict) -> Verdict {
        if self.unposted.is_none() {
            self.post(chat);
        }
        chat.speakers.note(&self.person);
        if (self.unposted.is_some() || self.awaited.is_some()) && verdict == Verdict::Go {
            return Verdict::Wait(self.pause());
        }
        verdict
    }

    pub(super) fn post(&mut self, chat: &ChatState) {
        if self.said.is_empty() || self.awaited.is_some() {
            return;
        }
        let said = std::mem::take(&mut self.said);
        let lines = Text::printable(String::from_utf8(said).expect("escaped text is UTF-8"));
        let by = self.person.name();
        self.speak(chat, Event::Said { by, lines });
    }

    /// Whether an operator has muted it; if so, tells the client.
    pub(super) fn refuses_muted(&mut self, chat: &ChatState) -> bool {
        let muted = self.person.is_muted();
        if muted {
            self.answer(chat, "an operator has muted you: your lines are not shown");
        }
        muted
    }

    /// Speaks in the room that was joined last.
    pub(super) fn speak(&mut self, chat: &ChatState, event: Event) {
        if self.person.is_out() {
            return;
        }
        if self.refuses_muted(chat) {
            return;
        }
        match self.rooms.last().cloned() {
            Some(room) => self.tell(chat, room, event),
            None => self.answer(chat, "you are in no room; /join one"),
        }
    }

    fn tell(&mut self, chat: &ChatState, room: Arc<Room>, event: Event) {
        if chat.port.is_some() {
            return self.tell_all(chat, &room, event);
        }
        if chat.directory.post(&room, &event, self.person.id) == Posted::Done {
            return;
        }
        match self.person.outlet {
            Recipient::Client(_) => self.unposted = Some(Box::new((room, event))),
            // The console has no later turn in which to try again.
            _ => chat.directory.announce_by(&room, &event, self.person.id),
        }
    }

    /// Sends the client a line from the server.
    pub(super) fn answer(&mut self, chat: &ChatState, text: impl std::fmt::Display) {
        self.give(chat, grammar::notice(None, text));
    }

    /// The same, about a room.
    pub(super) fn answer_about(
        &mut self,
        chat: &ChatState,
        room: &Room,
        text: impl std::fmt::Display,
    ) {
        self.give(chat, grammar::notice(tag(&room.name), text));
    }

    pub(super) fn give(&mut self, chat: &ChatState, lines: String) {
        self.answered += lines.len();
        // The outbox was empty when the turn began, so answers fit unless a room fills it
        // meanwhile; then the room handles the client.
        chat.directory
            .frontend
            .give(&self.person.outlet, lines.into());
    }
}

/// Whether a line asks for a name. A client that does so first comes under that name.
fn is_nick(line: &[u8]) -> bool {
    str::from_utf8(line).is_ok_and(|line| matches!(command::read(line), Command::Nick(_)))
}

/// Enters a person into the lobby, with a greeting.
pub(super) fn enter_lobby(chat: &ChatState, person: &Arc<Person>) -> Option<Arc<Room>> {
    let name = person.name();
    let greet = |arrival: &Arrival<'_>| {
        let others = others(arrival.others);
        let more = &format!("in {LOBBY} with {others}; /help lists commands");
        let name = name.as_str();
        let mut out = grammar::notice(None, Notice::Welcome { name, more });
        history(arrival, &mut out);
        out.into()
    };
    let lobby = Name::new(LOBBY).expect("letters");
    match chat.directory.enter(&lobby, person, &greet) {
        Ok(room) => Some(room),
        Err(error) => {
            let line = grammar::notice(None, error);
            chat.directory.frontend.give(&person.outlet, line.into());
            None
        }
    }
}
