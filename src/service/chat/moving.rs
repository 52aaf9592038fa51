//! A chat's state to and from the form in which another process gets it: a head, then JSON.
//!
//! The gate is shut while it is written, and all clients are held: nothing is said meanwhile.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::lines::{Chunk, Recipient, Room};
use super::newcomers::NewcomerState;
use super::session::Session;
use super::state::ChatState;
use super::telnet::Telnet;
use crate::connection::client::Client;
use crate::service::chat::rooms::{DirectoryState, Event, Name, PersonState, Text};

const SHARED_HEAD: &[u8] = b"poold chat 1\n";
const SESSION_HEAD: &[u8] = b"poold person 1\n";
/// How long a turn may take to say what it has.
const SAID_WITHIN: Duration = Duration::from_millis(500);

/// What all sessions have in common.
#[derive(Serialize, Deserialize)]
struct SharedState {
    directory: DirectoryState,
    banned_names: Vec<String>,
    banned_addresses: Vec<IpAddr>,
    /// Addresses with wrong passwords: how many, and milliseconds since the last.
    failed: Vec<(Option<IpAddr>, u32, u64)>,
    /// The server's terminal is a member.
    has_console: bool,
}

/// A session.
#[derive(Serialize, Deserialize)]
struct SessionState {
    person: PersonState,
    rooms: Vec<String>,
    newcomer: Option<NewcomerState>,
    is_outside: bool,
    is_telnet: bool,
    telnet: Telnet,
    said: String,
    unposted: Option<Unposted>,
    deferred: Option<String>,
    told_delay_ms: Option<u64>,
    /// What its rooms have for it and its outbox has not taken.
    owed: String,
}

/// What a room could not take yet.
#[derive(Serialize, Deserialize)]
struct Unposted {
    room: String,
    by: String,
    acted: bool,
    text: String,
}

impl ChatState {
    pub(super) fn write_shared(&self, written: &mut Vec<u8>) -> bool {
        if !self.gate.shut(SAID_WITHIN) {
            return false;
        }
        let (banned_names, banned_addresses) = self.operators.bans();
        let state = SharedState {
            directory: self.directory.to_state(),
            banned_names,
            banned_addresses,
            failed: self.operators.failed(),
            has_console: self.has_console.load(Ordering::Relaxed),
        };
        written.extend_from_slice(SHARED_HEAD);
        serde_json::to_writer(written, &state).is_ok()
    }

    pub(super) fn read_shared(&self, written: &[u8]) -> Option<()> {
        let written = written.strip_prefix(SHARED_HEAD)?;
        let state: SharedState = serde_json::from_slice(written).ok()?;
        self.directory.restore(state.directory)?;
        self.operators
            .restore(state.banned_names, state.banned_addresses, state.failed);
        self.has_console.store(state.has_console, Ordering::Relaxed);
        Some(())
    }
}

impl Session {
    /// Writes it down; `false` if the gate is open.
    pub(super) fn write(&self, chat: &ChatState, written: &mut Vec<u8>) -> bool {
        if !chat.gate.is_shut() {
            return false;
        }
        let newcomer = self.newcomer.as_ref().and_then(|one| one.to_state());
        let lobby = newcomer.as_ref().and_then(|one| one.room.clone());
        let names = self.rooms.iter().map(|room| room.name.as_str().to_owned());
        let rooms: Vec<String> = names.chain(lobby).collect();
        // It asks again for the name whose holder is asked.
        let asked = self
            .asked
            .as_ref()
            .map(|asked| format!("/nick {}", asked.name));
        let state = SessionState {
            person: self.person.to_state(),
            owed: self.owed(chat, &rooms),
            rooms,
            newcomer,
            is_outside: self.is_outside,
            is_telnet: self.person.outlet.is_telnet(),
            telnet: self.telnet.clone(),
            said: String::from_utf8_lossy(&self.said).into_owned(),
            unposted: self.unposted.as_deref().and_then(Unposted::of),
            deferred: self.deferred.clone().or(asked),
            told_delay_ms: self.told_delay.map(|at| at.elapsed().as_millis() as u64),
        };
        written.extend_from_slice(SESSION_HEAD);
        serde_json::to_writer(written, &state).is_ok()
    }

    fn owed(&self, chat: &ChatState, rooms: &[String]) -> String {
        let rooms = rooms.iter().filter_map(|room| find(chat, room));
        let chunks = rooms.flat_map(|room| room.owed(self.person.id));
        let mut owed = Vec::new();
        for Chunk { bytes, .. } in chunks {
            owed.extend_from_slice(&self.person.outlet.on_wire(bytes));
        }
        String::from_utf8_lossy(&owed).into_owned()
    }

    /// Goes on with a session of another process.
    pub(super) fn read(chat: &ChatState, client: &Client, written: &[u8]) -> Option<Session> {
        let written = written.strip_prefix(SESSION_HEAD)?;
        let state: SessionState = serde_json::from_slice(written).ok()?;
        let outlet = Recipient::of(client);
        if let (Recipient::Client(wire), true) = (&outlet, state.is_telnet) {
            wire.note_telnet();
        }
        let said = Text::checked(state.said)?;
        let unposted = match state.unposted {
            None => None,
            Some(unposted) => Some(Box::new(unposted.into_event(chat)?)),
        };
        let person = chat.directory.restore_person(outlet, state.person)?;
        let mut session = Session::new(person);
        session.said = said.as_str().as_bytes().to_vec();
        session.unposted = unposted;
        session.is_outside = state.is_outside;
        session.telnet = state.telnet;
        session.deferred = state.deferred;
        let ago = |ms| Instant::now().checked_sub(Duration::from_millis(ms));
        session.told_delay = state.told_delay_ms.and_then(ago);
        if !session.sit_down(chat, &state.rooms, state.newcomer) {
            session.vanish(chat);
            return None;
        }
        if !state.owed.is_empty() {
            client.connection()?.owe(Bytes::from(state.owed));
        }
        Some(session)
    }

    /// Takes the seats in its rooms; `false`: there is no such room.
    fn sit_down(
        &mut self,
        chat: &ChatState,
        rooms: &[String],
        newcomer: Option<NewcomerState>,
    ) -> bool {
        for name in rooms {
            let Some(room) = find(chat, name).filter(|room| room.seat(&self.person)) else {
                return false;
            };
            self.rooms.push(room);
        }
        if let Some(state) = newcomer {
            // The clock has let it in: the room is the last one.
            let room = state.room.is_some().then(|| self.rooms.pop()).flatten();
            self.newcomer = Some(chat.newcomers.restore(&self.person, &state, room));
        }
        true
    }

    /// It goes on in another process: nothing is said of that.
    pub(super) fn vanish(mut self, chat: &ChatState) {
        if let Some(newcomer) = self.newcomer.take() {
            self.entered(newcomer.take());
        }
        for room in std::mem::take(&mut self.rooms) {
            chat.directory.vanish(&room, &self.person);
        }
        chat.directory.forget(&self.person);
    }
}

impl Unposted {
    fn of((room, event): &(Arc<Room>, Event)) -> Option<Unposted> {
        let (by, text, acted) = match event {
            Event::Said { by, lines } => (by, lines, false),
            Event::Acted { by, text } => (by, text, true),
            // Other events are not said by members.
            _ => return None,
        };
        Some(Unposted {
            room: room.name.as_str().to_owned(),
            by: by.as_str().to_owned(),
            acted,
            text: text.as_str().to_owned(),
        })
    }

    fn into_event(self, chat: &ChatState) -> Option<(Arc<Room>, Event)> {
        let by = Arc::new(Name::new(&self.by).ok()?);
        let text = Text::checked(self.text)?;
        let event = match self.acted {
            true => Event::Acted { by, text },
            false => Event::Said { by, lines: text },
        };
        Some((find(chat, &self.room)?, event))
    }
}

fn find(chat: &ChatState, room: &str) -> Option<Arc<Room>> {
    chat.directory.room(&Name::new(room).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connection::carried::changed::changed;
    use crate::connection::tests::connection;
    use crate::framing::{Extent, Message};
    use crate::service::chat::{Chat, Settings};

    fn chat() -> Chat {
        Chat::new(Settings {
            history: 3,
            ..Settings::default()
        })
    }

    fn written() -> Vec<u8> {
        let chat = chat();
        let mut console = chat.console(|| {});
        for line in ["/topic trees", "/ban eve", "one", "/me waves"] {
            assert!(console.say(line.as_bytes()));
        }
        let mut written = Vec::new();
        assert!(chat.0.write_shared(&mut written));
        chat.0.gate.open(true);
        written
    }

    #[test]
    fn what_is_written_is_read_back() {
        let chat = chat();
        assert!(chat.0.read_shared(&written()).is_some());
        let console = chat.console(|| {});
        // It was there before, so it is not welcomed.
        assert!(console.shown().is_empty());
        let mut again = Vec::new();
        assert!(chat.0.write_shared(&mut again));
        let again = String::from_utf8(again).expect("JSON");
        for part in ["trees", "\"eve\"", "\"one\"", "waves"] {
            assert!(again.contains(part), "{part}: {again}");
        }
        chat.0.gate.open(true);
    }

    /// A session's state, in the room of `written`.
    fn session() -> String {
        let telnet = serde_json::to_string(&Telnet::default()).expect("JSON");
        format!(
            r#"{{"person":{{"id":5,"name":"ann","away":"tea","muted_ms":1000,"ignores":[1,2],
            "is_operator":true,"out":null}},"rooms":["lobby"],"newcomer":null,"is_outside":false,
            "is_telnet":true,"telnet":{telnet},"said":"one\n","unposted":{{"room":"lobby",
            "by":"ann","acted":false,"text":"two"}},"deferred":"/nick bob","told_delay_ms":5,
            "owed":"three"}}"#
        )
    }

    /// The session that is read, if it is one, goes on: it speaks, is written down, and ends.
    fn goes_on(written_session: &[u8]) -> bool {
        let chat = chat();
        assert!(chat.0.read_shared(&written()).is_some());
        let (connection, _other) = connection();
        let client = Client::new(&connection);
        let Some(mut session) = Session::read(&chat.0, &client, written_session) else {
            return false;
        };
        let message = Message {
            bytes: b"four",
            extent: Extent::Whole,
        };
        let verdict = session.take(&chat.0, message);
        let _ = session.end_turn(&chat.0, verdict);
        assert!(chat.0.gate.shut(SAID_WITHIN));
        assert!(session.write(&chat.0, &mut Vec::new()));
        chat.0.gate.open(true);
        session.close(&chat.0);
        true
    }

    #[test]
    fn a_session_is_read() {
        assert!(goes_on(&[SESSION_HEAD, session().as_bytes()].concat()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, seed: u64) {
            let _ = chat().0.read_shared(&[SHARED_HEAD, &bytes].concat());
            let chat = chat();
            let _ = chat.0.read_shared(&changed(&written(), seed));
            // A member is shown what there is.
            let mut console = chat.console(|| {});
            console.say(b"three");
            console.shown();
        }

        #[test]
        fn no_session_makes_it_panic(bytes: Vec<u8>, seed: u64) {
            goes_on(&[SESSION_HEAD, &bytes].concat());
            goes_on(&[SESSION_HEAD, &changed(session().as_bytes(), seed)[..]].concat());
        }
    }
}
