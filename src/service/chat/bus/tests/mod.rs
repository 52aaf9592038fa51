//! Daemons that read the same entries have the same state, whatever the entries are.

mod ends;
mod lost;

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::context::{Context, Patience};
use super::house::{House, Lost};
use crate::connection::client::Client;
use crate::connection::tests::connection;
use crate::framing::{Extent, Message};
use crate::service::chat::port::Port;
use crate::service::chat::port::act::{Act, Entry, Id};
use crate::service::chat::session::Session;
use crate::service::chat::shared::let_in;
use crate::service::chat::state::ChatState;
use crate::service::chat::{Chat, Settings};

const RUNS: [&str; 3] = ["a", "b", "c"];
const NAMES: [&str; 7] = ["ann", "ANN", "bob", "guest-1", "lron", "Iron", "\u{1b}x"];
const ROOMS: [&str; 6] = ["lobby", "ops", "OPS", "0ps", "", "\u{7}"];

/// A daemon without a server.
struct Daemon {
    chat: Arc<ChatState>,
    port: Arc<Port>,
    run: Arc<str>,
    house: House,
}

impl Daemon {
    fn new(run: &str) -> Daemon {
        let port = Arc::new(Port::new("test".into(), "s", 1));
        let settings = Settings {
            history: 5,
            ..Settings::default()
        };
        let chat = Chat::with(settings, Some(Arc::clone(&port))).0;
        Daemon {
            house: House::empty(Id::at(1), "first"),
            chat,
            port,
            run: run.into(),
        }
    }

    fn take(&mut self, id: Id, entry: Entry) -> Result<(), Lost> {
        let mut cx = Context {
            chat: &self.chat,
            port: &self.port,
            run: Arc::clone(&self.run),
            patience: Patience::default(),
        };
        self.house.take(&mut cx, id, Some(entry), false)
    }

    fn state(&self) -> String {
        let state = self.house.state(&self.chat, "a");
        serde_json::to_string(&state).expect("texts")
    }

    /// Begins anew with the state of another.
    fn restore(&mut self, from: &Daemon) {
        let state = from.house.state(&from.chat, "a");
        self.house = House::restore(&self.chat, state).expect("it is ours");
    }
}

/// What a program of numbers says: small ones, so that acts meet each other.
#[derive(Clone, Debug)]
struct Step {
    ms: u64,
    run: usize,
    kind: usize,
    who: u64,
    name: usize,
    room: usize,
    to: (usize, u64),
    is_copy: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0_u64..9000,
        0..RUNS.len(),
        0_usize..16,
        0_u64..3,
        0..NAMES.len(),
        0..ROOMS.len(),
        (0..RUNS.len(), 0_u64..3),
        prop::bool::weighted(0.1),
    );
    let step = step.prop_map(|(ms, run, kind, who, name, room, to, is_copy)| Step {
        // Mostly a short pause.
        ms: if ms < 6000 { ms / 100 } else { ms },
        run,
        kind,
        who,
        name,
        room,
        to,
        is_copy,
    });
    prop::collection::vec(step, 1..80)
}

impl Step {
    fn act(&self) -> Act {
        let who = self.who;
        let name = NAMES[self.name].to_owned();
        let room = ROOMS[self.room].to_owned();
        let whom = (RUNS[self.to.0].to_owned(), self.to.1);
        let text = name.clone();
        match self.kind {
            0..4 => Act::Come {
                who,
                name: Some(name),
                rooms: vec!["lobby".to_owned(), room],
                away: None,
                muted: self.ms,
            },
            4 => Act::Gone { who },
            5 => Act::Join { who, room },
            6 => Act::Part { who, room },
            7 => Act::Name { who, name },
            8 => Act::Topic { who, room, text },
            9 => Act::Away { who, text },
            10 => Act::Kick {
                who,
                whom,
                why: text,
            },
            11 => Act::Ban { who, whom: name },
            12 => Act::Unban { who, whom: name },
            13 => Act::Mute {
                who,
                whom,
                time: self.ms,
            },
            14 => Act::Bye,
            _ => Act::Say {
                who,
                name,
                room,
                text: format!("{text}\n"),
                me: false,
            },
        }
    }
}

/// The entries of these steps, as daemons number them.
fn entries(steps: &[Step]) -> Vec<(Id, Entry)> {
    let mut last = [0_u64; RUNS.len()];
    let mut now = 1000;
    let mut all = Vec::new();
    for step in steps {
        now += step.ms + 1;
        let is_first = last[step.run] == 0;
        if !step.is_copy || is_first {
            last[step.run] += 1;
        }
        let act = if is_first {
            Act::Hello { was: None }
        } else {
            step.act()
        };
        let entry = Entry {
            run: RUNS[step.run].to_owned(),
            number: last[step.run],
            acts: vec![act],
        };
        all.push((Id::at(now), entry));
    }
    all
}

proptest! {
    #[test]
    fn the_same_entries_make_the_same_state(steps in steps(), at: usize) {
        let entries = entries(&steps);
        let mut daemons = [Daemon::new("x"), Daemon::new("y")];
        let mut later = Daemon::new("z");
        let at = at % entries.len();
        for (number, (id, entry)) in entries.iter().enumerate() {
            for daemon in &mut daemons {
                prop_assert_eq!(daemon.take(*id, entry.clone()), Ok(()));
            }
            if number == at {
                later.restore(&daemons[0]);
            } else if number > at {
                prop_assert_eq!(later.take(*id, entry.clone()), Ok(()));
            }
            prop_assert_eq!(daemons[0].state(), daemons[1].state());
        }
        prop_assert_eq!(later.state(), daemons[0].state());
    }
}

#[test]
fn topics_and_bans_are_kept_when_they_change_and_from_time_to_time() {
    let mut daemon = Daemon::new("a");
    daemon.house = House::empty(Id::at(1), "a");
    daemon.port.queue.begin_run("a".into(), 0, &[]);
    let mut number = 1;
    let mut kept_after = |act: Act| {
        number += 1;
        let entry = Entry {
            run: "a".to_owned(),
            number,
            acts: vec![act],
        };
        assert_eq!(daemon.take(Id::at(1000 + number), entry), Ok(()));
        let parcel = daemon.port.queue.take_off()?;
        daemon.port.queue.landed("a", parcel.number);
        Some(String::from_utf8(parcel.acts.to_vec()).expect("JSON"))
    };
    let (who, rooms) = (1, vec!["lobby".to_owned()]);
    let come = Act::Come {
        who,
        name: None,
        rooms,
        away: None,
        muted: 0,
    };
    assert_eq!(kept_after(come), None);
    let (room, text) = ("lobby".to_owned(), "trees".to_owned());
    let topic = r#"[{"kepttopic":{"room":"lobby","text":"trees"}}]"#;
    let kept = kept_after(Act::Topic { who, room, text });
    assert_eq!(
        kept.as_deref(),
        Some(topic),
        "that one, however many there are"
    );
    let whom = "eve".to_owned();
    let kept = kept_after(Act::Ban { who, whom });
    let all = r#"[{"kept":{"topics":[["lobby","trees"]],"banned_names":["eve"],"#;
    assert!(kept.is_some_and(|kept| kept.starts_with(all)));
    let silent = (0..200).position(|_| kept_after(Act::Alive).is_some());
    assert_eq!(silent, Some(50));
}

#[test]
fn a_daemon_that_joins_has_the_lines_as_they_were_shown() {
    let mut daemon = Daemon::new("a");
    let mut number = 0;
    let mut does = |act| {
        number += 1;
        let entry = Entry {
            run: "b".to_owned(),
            number,
            acts: vec![act],
        };
        let taken = daemon.take(Id::at(1000 + number), entry);
        assert_eq!(taken, Ok(()));
    };
    let say = |who, name: &str, text: &str| Act::Say {
        who,
        name: name.to_owned(),
        room: "lobby".to_owned(),
        text: format!("{text}\n"),
        me: false,
    };
    let come = |who, name: &str, muted| Act::Come {
        who,
        name: Some(name.to_owned()),
        rooms: vec!["lobby".to_owned()],
        away: None,
        muted,
    };
    does(Act::Hello { was: None });
    does(come(1, "ann", 0));
    does(come(2, "mute", 60_000));
    does(say(1, "ann", "one"));
    does(say(2, "mute", "two"));
    does(say(3, "ghost", "three"));
    let name = "zoe".to_owned();
    does(Act::Name { who: 1, name });
    // It was sent before the other name was read back.
    does(say(1, "ann", "four"));
    let mut later = Daemon::new("z");
    later.restore(&daemon);
    let lines = later.house.state(&later.chat, "z").lines;
    let lines: Vec<_> = { lines.iter() }
        .map(|line| (&*line.by, &*line.text, line.at))
        .collect();
    assert_eq!(lines, [("ann", "one", 1004), ("zoe", "four", 1008)]);
}

#[test]
fn the_first_line_of_one_who_was_greeted_before_waits_for_nothing() {
    let mut daemon = Daemon::new("first");
    daemon.port.queue.begin_run("first".into(), 1, &[]);
    let (connection, _other) = connection();
    let mut session = Session::open(&daemon.chat, &Client::new(&connection));
    let later = Instant::now() + Duration::from_secs(1);
    let newcomers = &daemon.chat.newcomers;
    newcomers.tick(later, |person| let_in(&daemon.chat, person).expect("a bus"));
    let come = Act::Come {
        who: session.person.id,
        name: None,
        rooms: vec!["lobby".to_owned()],
        away: None,
        muted: 0,
    };
    let entry = Entry {
        run: "first".to_owned(),
        number: daemon.port.queue.take_off().expect("it comes").number,
        acts: vec![come],
    };
    daemon.take(Id::at(1000), entry).expect("its own");
    let line = Message {
        bytes: b"hello",
        extent: Extent::Whole,
    };
    let verdict = session.take(&daemon.chat, line);
    let _ = session.end_turn(&daemon.chat, verdict);
    assert_eq!(daemon.port.queue.waiting(), 1);
}
