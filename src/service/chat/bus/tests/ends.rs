//! What a client has said when its connection ends.

use std::time::{Duration, Instant};

use super::Daemon;
use crate::connection::client::Client;
use crate::connection::tests::connection;
use crate::framing::{Extent, Message};
use crate::service::chat::port::act::{Act, Entry, Id};
use crate::service::chat::session::Session;
use crate::service::chat::shared::let_in;

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

#[test]
fn one_that_does_not_take_what_it_is_told_alone_is_put_out() {
    let mut daemon = Daemon::new("first");
    daemon.port.queue.begin_run("first".into(), 1, &[]);
    let (connection, _other) = connection();
    let client = Client::new(&connection);
    let session = Session::open(&daemon.chat, &client);
    let newcomers = &daemon.chat.newcomers;
    let later = Instant::now() + Duration::from_secs(1);
    newcomers.tick(later, |person| let_in(&daemon.chat, person).expect("a bus"));
    let whom = ("first".to_owned(), session.person.id);
    let come = |who| Act::Come {
        who,
        name: None,
        rooms: Vec::new(),
        away: None,
        muted: 0,
    };
    let mut takes = |run: &str, number, act| {
        let entry = Entry {
            run: run.to_owned(),
            number,
            acts: vec![act],
        };
        let taken = daemon.take(Id::at(1000 + number), entry);
        taken.expect("the next one");
    };
    takes("first", 2, come(whom.1));
    takes("b", 1, Act::Hello { was: None });
    takes("b", 2, come(1));
    client.send("x".repeat(1000)).expect("nothing waits");
    takes(
        "b",
        3,
        Act::Tell {
            who: 1,
            to: whom,
            text: "psst".to_owned(),
        },
    );
    assert!(session.person.is_out(), "or it has been told");
}
