//! Rooms with members that do what a test tells them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{
    Arrival, Directory, Event, Frontend, Given, Keeping, Name, Person, Posted, Room, Text,
};

/// A member that takes what it is given until it is told to stop.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Heard>>);

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
    type Outlet = Ear;

    fn encode(&self, _: &Name, event: &Event) -> String {
        match event {
            Event::Said { by, lines } => format!("{by}: {}", lines.as_str().trim_end()),
            Event::Came(crowd) => format!("+{}", crowd.named.len() + crowd.more),
            Event::Left(crowd) => format!("-{}", crowd.named.len() + crowd.more),
            other => format!("{other:?}"),
        }
    }

    fn give(&self, ear: &Ear, chunk: String) -> Given {
        let mut heard = ear.0.lock();
        if heard.stopped {
            return Given::Full;
        }
        heard.lines.push(chunk);
        Given::Taken
    }

    fn stalled_for(&self, ear: &Ear) -> Duration {
        ear.0.lock().stalled
    }

    fn dismiss(&self, ear: &Ear, why: &str) {
        ear.0.lock().dismissed = Some(why.to_owned());
    }

    fn record(&self, _: &Ear, _: &Name, _: &str) {}
}

struct Someone {
    ear: Ear,
    person: Arc<Person<Plain>>,
}

impl Someone {
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.ear.0.lock().lines)
    }

    fn says(&self, hall: &Directory<Plain>, room: &Arc<Room<Plain>>, text: &str) -> Posted {
        let by = self.person.name();
        let lines = Text::printable(format!("{text}\n"));
        hall.post(room, &Event::Said { by, lines }, self.person.id)
    }
}

/// Three people in a room, everybody's coming told.
fn three() -> (Directory<Plain>, Arc<Room<Plain>>, [Someone; 3]) {
    let keeping = Keeping {
        history: 2,
        directory: None,
    };
    let hall = Directory::new(Plain, keeping);
    let name = Name::new("room").expect("a name");
    let greet = |arrival: &Arrival<'_>| format!("hello, {} others", arrival.others);
    let people = [(); 3].map(|()| {
        let ear = Ear::default();
        let person = hall.admit(ear.clone(), None);
        hall.enter(&name, &person, &greet).expect("room for one");
        Someone { ear, person }
    });
    let room = hall.room(&name).expect("it was entered");
    hall.tick(Instant::now() + Duration::from_secs(1));
    people.iter().for_each(|one| drop(one.heard()));
    (hall, room, people)
}

#[test]
fn nothing_more_is_said_until_who_is_late_has_heard_it() {
    let (hall, room, [ann, bob, eve]) = three();
    eve.ear.0.lock().stopped = true;
    assert_eq!(ann.says(&hall, &room, "one"), Posted::Done);
    assert_eq!(bob.says(&hall, &room, "two"), Posted::NotYet);
    assert_eq!(bob.heard(), ["guest-1: one"]);
    eve.ear.0.lock().stopped = false;
    assert_eq!(bob.says(&hall, &room, "two"), Posted::Done);
    let both = ["guest-1: one", "guest-2: two"];
    assert_eq!(eve.heard(), both);
    assert_eq!(ann.heard(), both);
    assert_eq!(eve.ear.0.lock().dismissed, None);
}

#[test]
fn who_has_taken_nothing_for_long_is_put_out_at_once() {
    let (hall, room, [ann, bob, eve]) = three();
    {
        let mut heard = eve.ear.0.lock();
        heard.stopped = true;
        heard.stalled = Duration::from_secs(60);
    }
    assert_eq!(ann.says(&hall, &room, "one"), Posted::Done);
    assert_eq!(ann.says(&hall, &room, "two"), Posted::Done);
    assert!(eve.ear.0.lock().dismissed.is_some() && eve.person.is_out());
    assert_eq!(room.count(), 2);
    assert_eq!(bob.heard(), ["guest-1: one", "-1", "guest-1: two"]);
}

#[test]
fn who_takes_a_little_all_the_time_is_waited_for_no_longer_than_that() {
    let (hall, room, [ann, bob, eve]) = three();
    eve.ear.0.lock().stopped = true;
    assert_eq!(ann.says(&hall, &room, "one"), Posted::Done);
    assert_eq!(bob.says(&hall, &room, "two"), Posted::NotYet);
    std::thread::sleep(super::room::PATIENCE);
    assert_eq!(bob.says(&hall, &room, "two"), Posted::Done);
    assert!(eve.ear.0.lock().dismissed.is_some() && eve.person.is_out());
}

#[test]
fn the_clock_gives_what_was_late_though_nobody_speaks() {
    let (hall, room, [ann, _, eve]) = three();
    eve.ear.0.lock().stopped = true;
    ann.says(&hall, &room, "one");
    hall.leave(&room, &ann.person);
    let due = hall.tick(Instant::now()).expect("somebody is late");
    assert_eq!(eve.heard(), [] as [&str; 0]);
    eve.ear.0.lock().stopped = false;
    hall.tick(due + Duration::from_secs(1));
    assert_eq!(eve.heard(), ["guest-1: one", "-1"]);
    assert_eq!(hall.tick(Instant::now() + Duration::from_secs(9)), None);
}

#[test]
fn whom_one_ignores_one_does_not_hear() {
    let (hall, room, [ann, bob, eve]) = three();
    assert_eq!(bob.person.ignore(eve.person.id), Some(true));
    room.ignore(bob.person.id, bob.person.ignores());
    eve.says(&hall, &room, "one");
    ann.says(&hall, &room, "two");
    assert_eq!(bob.heard(), ["guest-1: two"]);
    assert_eq!(eve.heard(), ["guest-3: one", "guest-1: two"]);
}

#[test]
fn names_are_one_persons_and_free_when_it_has_gone() {
    let (hall, _, [ann, bob, _]) = three();
    let name = |text: &str| Name::new(text).expect("a name");
    assert_eq!(
        hall.rename(&ann.person, name("Ann"))
            .expect("free")
            .as_str(),
        "guest-1"
    );
    assert!(hall.rename(&bob.person, name("ann")).is_err());
    assert!(hall.rename(&bob.person, name("guest-9")).is_err());
    assert!(hall.rename(&ann.person, name("ANN")).is_ok(), "her own");
    assert_eq!(
        hall.find(&name("ann")).expect("she is here").id,
        ann.person.id
    );
    hall.forget(&ann.person);
    assert!(hall.rename(&bob.person, name("ann")).is_ok());
}
