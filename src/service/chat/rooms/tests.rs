//! Rooms with members that do what a test tells them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{
    Arrival, Directory, Event, Frontend, Given, Keeping, Name, NameError, Person, Posted, Room,
    Text,
};

/// A member that takes what it is given until it is told to stop.
#[derive(Clone, Default)]
struct Recipient(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    stopped: bool,
    stalled: Duration,
    dismissed: Option<String>,
}

struct Plain;

impl Frontend for Plain {
    type Chunk = String;
    type Outlet = Recipient;

    fn encode(&self, _: &Name, event: &Event) -> String {
        match event {
            Event::Said { by, lines } => format!("{by}: {}", lines.as_str().trim_end()),
            Event::Came(crowd) => format!("+{}", crowd.named.len() + crowd.more),
            Event::Left(crowd) => format!("-{}", crowd.named.len() + crowd.more),
            other => format!("{other:?}"),
        }
    }

    fn give(&self, recipient: &Recipient, chunk: String) -> Given {
        let mut heard = recipient.0.lock();
        if heard.stopped {
            return Given::Full;
        }
        heard.lines.push(chunk);
        Given::Taken
    }

    fn stalled_for(&self, recipient: &Recipient) -> Duration {
        recipient.0.lock().stalled
    }

    fn dismiss(&self, recipient: &Recipient, why: &str) {
        recipient.0.lock().dismissed = Some(why.to_owned());
    }

    fn record(&self, _: &Recipient, _: &Name, _: &str) {}
}

struct Someone {
    recipient: Recipient,
    person: Arc<Person<Plain>>,
}

impl Someone {
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.recipient.0.lock().lines)
    }

    fn says(&self, directory: &Directory<Plain>, room: &Arc<Room<Plain>>, text: &str) -> Posted {
        let by = self.person.name();
        let lines = Text::printable(format!("{text}\n"));
        directory.post(room, &Event::Said { by, lines }, self.person.id)
    }
}

/// Three persons in a room, each join told.
fn three() -> (Directory<Plain>, Arc<Room<Plain>>, [Someone; 3]) {
    let keeping = Keeping {
        history: 2,
        directory: None,
    };
    let directory = Directory::new(Plain, keeping, false);
    let name = Name::new("room").expect("a name");
    let greet = |arrival: &Arrival<'_>| format!("hello, {} others", arrival.others);
    let people = [(); 3].map(|()| {
        let recipient = Recipient::default();
        let person = directory.admit(recipient.clone(), None);
        directory
            .enter(&name, &person, &greet)
            .expect("room for one");
        Someone { recipient, person }
    });
    let room = directory.room(&name).expect("it was entered");
    directory.tick(Instant::now() + Duration::from_secs(1));
    people.iter().for_each(|one| drop(one.heard()));
    (directory, room, people)
}

#[test]
fn nothing_more_is_posted_until_late_members_have_it() {
    let (directory, room, [ann, bob, eve]) = three();
    eve.recipient.0.lock().stopped = true;
    assert_eq!(ann.says(&directory, &room, "one"), Posted::Done);
    assert_eq!(bob.says(&directory, &room, "two"), Posted::NotYet);
    assert_eq!(bob.heard(), ["guest-1: one"]);
    eve.recipient.0.lock().stopped = false;
    assert_eq!(bob.says(&directory, &room, "two"), Posted::Done);
    let both = ["guest-1: one", "guest-2: two"];
    assert_eq!(eve.heard(), both);
    assert_eq!(ann.heard(), both);
    assert_eq!(eve.recipient.0.lock().dismissed, None);
}

#[test]
fn a_late_member_that_took_nothing_for_long_is_disconnected_at_once() {
    let (directory, room, [ann, bob, eve]) = three();
    {
        let mut heard = eve.recipient.0.lock();
        heard.stopped = true;
        heard.stalled = Duration::from_secs(60);
    }
    assert_eq!(ann.says(&directory, &room, "one"), Posted::Done);
    assert_eq!(ann.says(&directory, &room, "two"), Posted::Done);
    assert!(eve.recipient.0.lock().dismissed.is_some() && eve.person.is_out());
    assert_eq!(room.count(), 2);
    assert_eq!(bob.heard(), ["guest-1: one", "-1", "guest-1: two"]);
}

#[test]
fn one_that_is_put_out_of_a_room_leaves_all_and_its_name_is_free() {
    let (directory, room, [ann, bob, eve]) = three();
    let name = |text: &str| Name::new(text).expect("a name");
    directory.rename(&eve.person, name("eve")).expect("free");
    let greet = |_: &Arrival<'_>| "hello".to_owned();
    for person in [&bob.person, &eve.person] {
        let entered = directory.enter(&name("other"), person, &greet);
        entered.expect("room for one");
    }
    {
        let mut heard = eve.recipient.0.lock();
        heard.stopped = true;
        heard.stalled = Duration::from_secs(60);
    }
    assert_eq!(ann.says(&directory, &room, "one"), Posted::Done);
    assert!(eve.person.is_out());
    let other = directory.room(&name("other")).expect("it was entered");
    assert_eq!((room.count(), other.count()), (2, 1));
    // Her connection may last for as long as she takes a little of what she was sent.
    assert!(directory.rename(&bob.person, name("eve")).is_ok());
}

#[test]
fn a_late_member_that_takes_a_little_is_waited_for_no_longer_than_the_bound() {
    let (directory, room, [ann, bob, eve]) = three();
    eve.recipient.0.lock().stopped = true;
    assert_eq!(ann.says(&directory, &room, "one"), Posted::Done);
    assert_eq!(bob.says(&directory, &room, "two"), Posted::NotYet);
    std::thread::sleep(super::room::PATIENCE);
    assert_eq!(bob.says(&directory, &room, "two"), Posted::Done);
    assert!(eve.recipient.0.lock().dismissed.is_some() && eve.person.is_out());
}

#[test]
fn the_clock_gives_late_chunks_even_if_no_member_speaks() {
    let (directory, room, [ann, _, eve]) = three();
    eve.recipient.0.lock().stopped = true;
    ann.says(&directory, &room, "one");
    directory.leave(&room, &ann.person);
    let due = directory.tick(Instant::now()).expect("a member is late");
    assert_eq!(eve.heard(), [] as [&str; 0]);
    eve.recipient.0.lock().stopped = false;
    directory.tick(due + Duration::from_secs(1));
    assert_eq!(eve.heard(), ["guest-1: one", "-1"]);
    assert_eq!(
        directory.tick(Instant::now() + Duration::from_secs(9)),
        None
    );
}

#[test]
fn an_ignored_members_lines_are_not_shown() {
    let (directory, room, [ann, bob, eve]) = three();
    assert_eq!(directory.ignore(&bob.person, eve.person.id), Some(true));
    room.ignore(bob.person.id, bob.person.ignores());
    eve.says(&directory, &room, "one");
    ann.says(&directory, &room, "two");
    assert_eq!(bob.heard(), ["guest-1: two"]);
    assert_eq!(eve.heard(), ["guest-3: one", "guest-1: two"]);
}

#[test]
fn names_are_one_persons_and_free_when_it_has_gone() {
    let (directory, _, [ann, bob, _]) = three();
    let name = |text: &str| Name::new(text).expect("a name");
    assert_eq!(
        directory
            .rename(&ann.person, name("Ann"))
            .expect("free")
            .as_str(),
        "guest-1"
    );
    assert!(directory.rename(&bob.person, name("ann")).is_err());
    assert!(directory.rename(&bob.person, name("guest-9")).is_err());
    assert!(
        directory.rename(&ann.person, name("ANN")).is_ok(),
        "her own"
    );
    assert_eq!(
        directory.find(&name("ann")).expect("she is here").id,
        ann.person.id
    );
    directory.forget(&ann.person);
    assert!(directory.rename(&bob.person, name("ann")).is_ok());
}

#[test]
fn what_is_said_at_an_end_is_not_shown_to_those_that_ignore_it() {
    let (directory, room, [ann, bob, eve]) = three();
    assert_eq!(directory.ignore(&bob.person, eve.person.id), Some(true));
    room.ignore(bob.person.id, bob.person.ignores());
    ann.recipient.0.lock().stopped = true;
    bob.says(&directory, &room, "one");
    let by = eve.person.name();
    let lines = Text::printable("two\n".to_owned());
    directory.announce_by(&room, &Event::Said { by, lines }, eve.person.id);
    assert_eq!(room.owed(bob.person.id), [] as [&str; 0]);
    let both = ["guest-2: one", "guest-3: two"];
    assert_eq!(room.owed(ann.person.id), both);
    ann.recipient.0.lock().stopped = false;
    directory.tick(Instant::now() + Duration::from_secs(1));
    assert_eq!(ann.heard(), both);
    assert_eq!(bob.heard(), ["guest-2: one"]);
}

#[test]
fn a_newcomer_does_not_hear_again_what_it_was_shown() {
    let (directory, room, [ann, bob, _]) = three();
    ann.recipient.0.lock().stopped = true;
    bob.says(&directory, &room, "one");
    let by = bob.person.name();
    let lines = Text::printable("two\n".to_owned());
    directory.announce_by(&room, &Event::Said { by, lines }, bob.person.id);
    // It waits for ann, and is in the history.
    let newcomer = Recipient::default();
    let person = directory.admit(newcomer.clone(), None);
    let greet = |arrival: &Arrival<'_>| {
        let texts: Vec<&str> = arrival.history.entries().map(|one| &*one.text).collect();
        texts.join(" ")
    };
    directory
        .enter(&room.name, &person, &greet)
        .expect("room for one");
    assert_eq!(room.owed(person.id), [] as [&str; 0]);
    ann.recipient.0.lock().stopped = false;
    directory.tick(Instant::now() + Duration::from_secs(1));
    assert!(ann.heard().contains(&"guest-2: two".to_owned()));
    assert_eq!(newcomer.0.lock().lines, ["one two"]);
    bob.says(&directory, &room, "three");
    let heard = newcomer.0.lock().lines.clone();
    assert_eq!(heard.last().expect("it is here"), "guest-2: three");
}

#[test]
fn those_who_have_left_take_no_place_among_the_ignored() {
    let (directory, _, [ann, bob, _]) = three();
    for _ in 0..100 {
        let other = directory.admit(Recipient::default(), None);
        assert_eq!(directory.ignore(&ann.person, other.id), Some(true));
        directory.forget(&other);
    }
    assert_eq!(directory.ignore(&ann.person, bob.person.id), Some(true));
    assert_eq!(directory.ignore(&ann.person, bob.person.id), Some(false));
}

#[test]
fn one_that_was_put_out_takes_no_name() {
    let (directory, _, [ann, bob, eve]) = three();
    let name = |text: &str| Name::new(text).expect("a name");
    directory.rename(&ann.person, name("ann")).expect("free");
    directory.forget(&ann.person);
    directory.rename(&bob.person, name("ann")).expect("free");
    let late = directory.rename(&ann.person, name("anna"));
    assert_eq!(late.map(drop), Err(NameError::Gone));
    let taken = directory.rename(&eve.person, name("ann"));
    assert_eq!(taken.map(drop), Err(NameError::Taken), "it is still bob's");
    assert!(directory.rename(&eve.person, name("anna")).is_ok());
}

#[test]
fn the_servers_own_names_are_no_persons_nor_those_that_look_like_them() {
    let (directory, _, [ann, ..]) = three();
    for own in [
        "server", "poold", "console", "operator", "system", "guest", "SYSTEM", "systern", "poo1d",
        "guest-1", "Guest-x",
    ] {
        let name = Name::new(own).expect(own);
        let renamed = directory.rename(&ann.person, name);
        assert_eq!(renamed.map(drop), Err(NameError::Reserved), "{own}");
    }
}

#[test]
fn one_that_comes_back_is_not_said_to_have_left_afterwards() {
    let (directory, room, [ann, bob, eve]) = three();
    let greet = |arrival: &Arrival<'_>| format!("hello, {} others", arrival.others);
    // Now, or at the next notice.
    directory.leave(&room, &eve.person);
    directory.leave(&room, &ann.person);
    let entered = directory.enter(&room.name, &ann.person, &greet);
    assert!(entered.is_ok());
    directory.tick(Instant::now() + Duration::from_secs(1));
    let heard = bob.heard();
    let came = heard.iter().position(|line| line == "+1");
    assert!(came.is_none_or(|at| at + 1 == heard.len()), "{heard:?}");
}
