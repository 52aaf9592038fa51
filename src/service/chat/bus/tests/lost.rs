//! When a daemon has lost its place among the others, and when it has not.

use super::super::house::{House, Lost};
use super::Daemon;
use crate::service::chat::port::act::{Act, Entry, Id};

fn entry(run: &str, number: u64, act: Act) -> Entry {
    Entry {
        run: run.to_owned(),
        number,
        acts: vec![act],
    }
}

fn hello(was: Option<&str>) -> Act {
    Act::Hello {
        was: was.map(str::to_owned),
    }
}

#[test]
fn a_daemon_that_was_taken_for_gone_or_that_misses_entries_has_to_join_again() {
    let mut own = Daemon::new("a");
    own.take(Id::at(1000), entry("a", 1, hello(None)))
        .expect("known");
    own.take(Id::at(1001), entry("b", 1, hello(None)))
        .expect("known");
    // No daemon has written for an hour: the server was away, and no daemon is gone.
    own.take(Id::at(3_600_000), entry("b", 2, Act::Alive))
        .expect("alive");
    assert_eq!(own.house.runs.len(), 3);
    assert_eq!(
        own.take(Id::at(3_600_001), entry("b", 4, Act::Alive)),
        Err(Lost::Missing)
    );
    let mut later = Ok(());
    for number in 3..8 {
        later = own.take(
            Id::at(3_600_000 + number * 4_000),
            entry("b", number, Act::Alive),
        );
    }
    assert_eq!(later, Err(Lost::TakenForGone));
}

#[test]
fn who_was_told_of_a_house_that_is_not_all_notices_it_as_well() {
    let mut alone = Daemon::new("c");
    alone.house = House::empty(Id::at(1000), "c");
    let taken = alone.take(Id::at(1001), entry("d", 1, hello(None)));
    taken.expect("it comes");
    let mut told = Daemon::new("d");
    told.restore(&alone);
    for daemon in [&mut alone, &mut told] {
        let mut hears = |ms, run, number| daemon.take(Id::at(ms), entry(run, number, Act::Alive));
        // One that is no more, twice.
        assert_eq!(hears(2000, "z", 9), Ok(()));
        assert_eq!(hears(2001, "z", 9), Ok(()));
        assert_eq!(hears(3000, "a", 7), Ok(()));
        assert_eq!(hears(3001, "b", 5), Ok(()));
        assert_eq!(hears(7000, "a", 8), Err(Lost::NotAlone));
    }
}

#[test]
fn all_tell_one_that_comes_back_how_far_it_had_come() {
    let mut first = Daemon::new("a");
    first.house = House::empty(Id::at(1000), "a");
    for number in 1..4 {
        let act = match number {
            1 => hello(None),
            _ => Act::Alive,
        };
        let taken = first.take(Id::at(1000 + number), entry("b", number, act));
        taken.expect("the next one");
    }
    for number in 2..7 {
        let at = Id::at(1000 + number * 4000);
        let taken = first.take(at, entry("a", number, Act::Alive));
        taken.expect("the next one");
    }
    assert_eq!(first.house.runs.len(), 1, "b is gone");
    let mut later = Daemon::new("z");
    later.restore(&first);
    for daemon in [&mut first, &mut later] {
        let taken = daemon.take(Id::at(40_000), entry("c", 1, hello(Some("b"))));
        taken.expect("it comes back");
        let state = daemon.house.state(&daemon.chat, "c");
        assert_eq!(state.was_last, 3);
    }
}
