//! The queue's rules.

use std::time::{Duration, Instant};

use super::act::{ACTS_BYTES_MAX, Act};
use super::queue::{Parcel, Queue};
use super::ticket::{Outcome, Ticket};

const SOON: Duration = Duration::ZERO;
const LONG: Duration = Duration::MAX;

fn come(who: u64) -> Act {
    Act::Come {
        who,
        name: None,
        rooms: Vec::new(),
        away: None,
        muted: 0,
    }
}

fn text(parcel: &Parcel) -> String {
    format!(
        "{} {}",
        parcel.number,
        String::from_utf8_lossy(&parcel.acts)
    )
}

#[test]
fn an_entry_is_sent_until_it_is_read_back_and_the_next_one_waits_for_that() {
    let queue = Queue::new();
    let ticket = queue
        .add(
            1,
            &Act::Part {
                who: 1,
                room: "a".into(),
            },
            Ticket::default(),
        )
        .expect("room");
    queue.begin_run("r".into(), 0, &[]);
    let first = queue.take_off().expect("an entry");
    assert_eq!(text(&first), r#"2 [{"part":{"who":1,"room":"a"}}]"#);
    queue.add_gone(1);
    assert!(queue.take_off().is_none());
    // It was not sent.
    let again = |most| {
        queue
            .to_send(most)
            .map(|parcel| (text(&parcel), parcel.is_again))
    };
    assert_eq!(again(LONG), Some((text(&first), false)));
    queue.sent(&first);
    assert_eq!(again(LONG), None);
    assert_eq!(again(SOON), Some((text(&first), true)));
    queue.unsent();
    assert_eq!(again(LONG), Some((text(&first), true)));
    assert!(!queue.await_all_read(Instant::now()));
    assert!(queue.landed("r", 1).is_none() && queue.landed("q", 2).is_none());
    let tickets = queue.landed("r", 2).expect("it flew");
    tickets[0]
        .as_ref()
        .expect("a ticket")
        .resolve(Outcome::Over);
    assert!(ticket.outcome().is_some());
    let next = || text(&queue.to_send(LONG).expect("an entry"));
    assert_eq!(next(), r#"3 [{"gone":{"who":1}}]"#);
    queue.landed("r", 3);
    queue.keep_alive(LONG);
    assert!(!queue.has_to_send());
    queue.keep_alive(SOON);
    assert_eq!(next(), r#"4 ["alive"]"#);
    queue.landed("r", 4);
    queue.end();
    assert_eq!(next(), r#"5 ["bye"]"#);
    queue.landed("r", 5);
    assert!(queue.await_all_read(Instant::now()) && !queue.has_to_send());
}

#[test]
fn one_that_was_never_sent_does_not_go() {
    let queue = Queue::new();
    for who in [1, 2] {
        queue.add(who, &come(who), Ticket::default()).expect("room");
    }
    queue.add_gone(1);
    assert_eq!(queue.unread().0, 1);
}

#[test]
fn what_one_has_said_stays_when_it_goes() {
    let say = |text: &str| Act::Wall {
        who: 1,
        text: text.to_owned(),
    };
    let full = say(&"x".repeat(2 << 20));
    let was_here = Queue::new();
    was_here.add(1, &full, Ticket::default()).expect("room");
    let comes = Queue::new();
    for act in [come(1), say("hello")] {
        comes.add(1, &act, Ticket::default()).expect("room");
    }
    for (queue, acts) in [(was_here, 2), (comes, 3)] {
        queue.add_gone(1);
        assert_eq!((queue.waiting(), queue.unread().0), (1, acts));
    }
}

#[test]
fn another_run_sends_again_what_had_not_arrived_and_where_one_is() {
    let wall = || Act::Wall {
        who: 1,
        text: "hello".into(),
    };
    let part = Act::Part {
        who: 1,
        room: "a".into(),
    };
    for (landed, act, expected) in [(1, wall(), true), (2, part, true), (2, wall(), false)] {
        let queue = Queue::new();
        queue.begin_run("r".into(), 0, &[]);
        let ticket = queue.add(1, &act, Ticket::default()).expect("room");
        let flew = text(&queue.take_off().expect("an entry"));
        queue.begin_run("s".into(), landed, &[come(1)]);
        let sent = text(&queue.take_off().expect("an entry"));
        assert!(sent.starts_with(r#"2 [{"come""#), "{sent}");
        let act = flew.split_once('[').expect("a list").1;
        assert_eq!(sent.contains(act), expected, "{sent} {act}");
        assert_eq!(ticket.outcome().is_some(), !expected);
    }
}

#[test]
fn it_is_bounded() {
    let queue = Queue::new();
    let text = "x".repeat(100_000);
    let say = Act::Wall { who: 1, text };
    let taken = (0..100)
        .filter(|_| queue.add(1, &say, Ticket::default()).is_some())
        .count();
    assert_eq!(taken, 10);
    // There is always room for the end of one.
    queue.add_gone(1);
    assert_eq!(queue.unread().0, 11);
}

#[test]
fn what_could_not_be_read_back_is_not_sent() {
    let queue = Queue::new();
    queue.begin_run("r".into(), 0, &[]);
    let wall = |length: usize| Act::Wall {
        who: 1,
        text: "x".repeat(length),
    };
    let around = serde_json::to_string(&[wall(0)]).expect("texts").len();
    assert!(!queue.add_own(&wall(ACTS_BYTES_MAX - around + 1)));
    assert!(!queue.has_to_send());
    assert!(queue.add_own(&wall(ACTS_BYTES_MAX - around)));
    let parcel = queue.take_off().expect("an entry");
    assert_eq!(parcel.acts.len(), ACTS_BYTES_MAX);
}
