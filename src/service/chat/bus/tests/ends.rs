//! What a client has said when its connection ends.

use super::Daemon;
use crate::connection::client::Client;
use crate::connection::tests::connection;
use crate::framing::{Extent, Message};
use crate::service::chat::port::act::Act;
use crate::service::chat::session::Session;

/// What a daemon that was not in the house has to say, once it is.
fn said_by(daemon: &Daemon) -> String {
    daemon.port.queue.begin_run("first".into(), 1, &[]);
    let parcel = daemon.port.queue.take_off().expect("it has something");
    String::from_utf8(parcel.acts.to_vec()).expect("JSON")
}

#[test]
fn what_a_newcomer_has_said_is_sent_when_its_connection_ends() {
    let daemon = Daemon::new("first");
    let (connection, _other) = connection();
    let mut session = Session::open(&daemon.chat, &Client::new(&connection));
    let line = Message {
        bytes: b"hello",
        extent: Extent::Whole,
    };
    let verdict = session.take(&daemon.chat, line);
    let _ = session.end_turn(&daemon.chat, verdict);
    session.close(&daemon.chat);
    assert_eq!(daemon.port.queue.waiting(), 1, "it is counted");
    let acts = said_by(&daemon);
    let places = [r#"{"come""#, r#""text":"hello\n""#, r#"{"gone""#].map(|part| acts.find(part));
    assert!(places.is_sorted() && places[0].is_some(), "{acts}");
}

#[test]
fn what_finds_no_room_before_its_client_ends_is_counted_and_leaves_nothing() {
    let daemon = Daemon::new("first");
    let text = "x".repeat(2 << 20);
    let wall = Act::Wall { who: 99, text };
    daemon.port.queue.add_own(&wall);
    for _ in 0..3 {
        let (connection, _other) = connection();
        let mut session = Session::open(&daemon.chat, &Client::new(&connection));
        let line = Message {
            bytes: b"hello",
            extent: Extent::Whole,
        };
        let verdict = session.take(&daemon.chat, line);
        let _ = session.end_turn(&daemon.chat, verdict);
        session.close(&daemon.chat);
    }
    assert_eq!(daemon.port.lost(), 3);
    assert_eq!(daemon.port.queue.unread().0, 1, "the one that was there");
}
