//! The end of a session.

use tracing::info;

use super::command;
use super::lines::Recipient;
use super::session::Session;
use super::state::ChatState;
use crate::connection::handler::{End, Reply};
use crate::service::chat::grammar::{self, Notice};

impl Session {
    /// The client's last line, if the server ends the connection.
    pub(super) fn last_words(&mut self, end: &End, reply: &mut Reply<'_>) {
        let mut put_out = |why: &str| {
            reply.send_raw(grammar::notice(None, Notice::PutOut(why)));
        };
        match (end, self.person.out()) {
            (End::Drained, _) => {
                reply.send_raw(grammar::notice(None, "the server is going down"));
            }
            (_, Some(why)) => put_out(&why),
            (End::Closed(why), None) => put_out(why),
            (End::Limit(limit), None) => {
                put_out(&format!("the server is {}", limit.describe()));
            }
            _ => {}
        }
    }

    /// No later turn says what it has said.
    pub(super) fn close(mut self, chat: &ChatState) {
        if let Some(newcomer) = self.newcomer.take() {
            self.entered(newcomer.take());
        }
        self.announce_unposted(chat);
        self.hand_in(chat);
        let is_heard = chat.port.is_none() && !self.person.is_out();
        if let Some(line) = self.deferred.take().filter(|_| is_heard) {
            let _ = self.obey(chat, command::read(&line));
            self.announce_unposted(chat);
        }
        self.leave(chat);
    }

    /// Late members get what waited for them, too.
    fn announce_unposted(&mut self, chat: &ChatState) {
        if let Some(unposted) = self.unposted.take() {
            let (room, event) = *unposted;
            chat.directory.announce_by(&room, &event, self.person.id);
        }
    }

    /// Leaves all rooms and frees the name. The connection may last until the client has taken its
    /// output and closes.
    pub(super) fn leave(&mut self, chat: &ChatState) {
        if let Some(port) = &chat.port {
            port.gone(&self.person);
            self.rooms.clear();
            return;
        }
        for room in std::mem::take(&mut self.rooms) {
            chat.directory.leave(&room, &self.person);
        }
        chat.directory.forget(&self.person);
    }

    /// Its address is banned.
    pub(super) fn turn_away(&self, chat: &ChatState) {
        let (person, why) = (&self.person, "your address is banned");
        person.put_out_unrecorded(&chat.directory.frontend, why);
        if let Recipient::Client(client) = &person.outlet
            && let Some(earlier) = chat.operators.turn_away(client.peer())
        {
            let (peer, who) = (client.peer(), person.name());
            info!(%peer, earlier, "{who} is disconnected: {why}");
        }
    }
}
