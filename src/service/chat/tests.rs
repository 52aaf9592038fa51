//! Sessions whose room waits for a late member, and what a newcomer is shown.

use socket2::Socket;

use super::*;
use crate::connection::Connection;
use crate::connection::tests::connection;
use crate::framing::Extent;
use crate::service::chat::grammar::LOBBY;
use crate::service::chat::rooms::Name;

struct Member {
    session: Session,
    connection: Arc<Connection>,
    _other: Socket,
}

impl Member {
    /// It enters with its first line. Its outbox takes its greeting, of any length, and 100 bytes.
    fn come(chat: &Chat) -> Member {
        let (connection, other) = connection();
        Member {
            session: Session::open(&chat.0, &Client::new(&connection)),
            connection,
            _other: other,
        }
    }

    fn says(&mut self, chat: &Chat, line: &str) -> Verdict {
        let message = Message {
            bytes: line.as_bytes(),
            extent: Extent::Whole,
        };
        self.session.take(&chat.0, message)
    }

    fn posts(&mut self, chat: &Chat, line: &str) {
        let verdict = self.says(chat, line);
        let _ = self.session.end_turn(&chat.0, verdict);
    }

    /// Takes all that it was sent.
    fn reads(&self) {
        let (owned, ..) = self.connection.take(&mut None);
        self.connection
            .put_back(owned, Default::default(), &mut None);
    }
}

/// A chat, a member whose outbox is full, and one whose line and whose command wait for it.
fn waiting(line: &str, command: &str) -> (Chat, Member, Member) {
    let chat = Chat::new(Settings {
        history: 9,
        ..Settings::default()
    });
    let mut slow = Member::come(&chat);
    slow.posts(&chat, &"x".repeat(100));
    let mut ann = Member::come(&chat);
    assert_eq!(ann.says(&chat, line), Verdict::Go);
    let verdict = ann.says(&chat, command);
    assert!(matches!(verdict, Verdict::Wait(_)), "{verdict:?}");
    let _ = ann.session.end_turn(&chat.0, verdict);
    (chat, slow, ann)
}

fn said(chat: &Chat) -> Vec<String> {
    let lobby = Name::new(LOBBY).expect("letters");
    let lobby = chat.0.directory.room(&lobby).expect("it was entered");
    let history = lobby.history().into_iter();
    history.map(|entry| entry.text.into()).collect()
}

#[test]
fn what_waits_at_the_end_of_a_session_is_said() {
    let (chat, _slow, ann) = waiting("one", "/me waves");
    assert_eq!(said(&chat).len(), 1, "all waits for the slow one");
    ann.session.close(&chat.0);
    assert_eq!(said(&chat)[1..], ["one", "waves"]);
}

#[test]
fn a_command_of_one_that_was_kicked_is_ignored() {
    let (chat, slow, mut ann) = waiting("one", "/join ops");
    let mut console = chat.console(|| {});
    assert!(console.say(b"/kick guest-2"));
    while ann.session.catch_up(&chat.0) != Verdict::Go {
        slow.reads();
    }
    let ops = Name::new("ops").expect("letters");
    assert!(chat.0.directory.room(&ops).is_none(), "she is out");
    ann.session.close(&chat.0);
}

#[test]
fn a_greeting_is_sent_before_the_next_line_is_taken() {
    let chat = Chat::new(Settings::default());
    let mut ann = Member::come(&chat);
    for line in ["one", "/join ops", "/join news"] {
        assert_eq!(ann.session.catch_up(&chat.0), Verdict::Go);
        assert_eq!(ann.says(&chat, line), Verdict::Go);
        assert!(ann.session.is_full(), "{line}");
        let _ = ann.session.end_turn(&chat.0, Verdict::Go);
    }
}

#[test]
fn a_time_without_a_text_is_shown_as_the_last_one_that_has_one() {
    let chat = Chat::new(Settings {
        history: 9,
        ..Settings::default()
    });
    chat.0.directory.set_time(u64::MAX);
    let mut ann = Member::come(&chat);
    ann.posts(&chat, "one");
    let mut bob = Member::come(&chat);
    assert_eq!(bob.says(&chat, "two"), Verdict::Go);
    let (_, sent, _) = bob.connection.take(&mut None);
    let sent = String::from_utf8(sent.to_vec()).expect("UTF-8");
    assert!(sent.ends_with("23:59 <guest-1> one\n"), "{sent}");
}
