//! A restart that no member notices: everybody's transcript is one, and complete.
//!
//! `MOVE_PEOPLE=300` is the large run.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::handover::moved_fails::Successor;
use crate::handover::takeover::Line;
use crate::support::chat::{Talker, wait_lobby};
use crate::support::daemon::calm;
use crate::support::gate::SetAtEnd;
use crate::support::net::{connect, send, take, take_line};
use crate::support::scratch::{Scratch, text};

const RESTARTS: usize = 10;
const LAST: &str = "<p0> the end";

fn start(dir: &Scratch, args: &[&str]) -> Line {
    let chat = ["chat", "127.0.0.1:0", "--rate", "off"];
    Line::start(dir, &calm(&[&chat[..], args].concat()))
}

/// Reads to the last line.
fn transcript(stream: TcpStream) -> Vec<String> {
    let lines = BufReader::new(stream).lines();
    let lines = lines.map(|line| line.expect("it is connected"));
    lines.take_while(|line| line != LAST).collect()
}

/// Each says its next line, in two parts, until it is over; answers how many.
fn speak(people: &[(usize, TcpStream)], over: &AtomicBool) -> u64 {
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        for (_, stream) in people {
            send(stream, "line ");
        }
        thread::sleep(Duration::from_millis(5));
        for (_, stream) in people {
            send(stream, format!("{count}\n"));
        }
        thread::sleep(Duration::from_millis(20));
        count += 1;
    }
    count
}

#[test]
fn everybody_has_one_complete_transcript_over_ten_restarts() {
    let people = std::env::var("MOVE_PEOPLE").map_or(60, |text| text.parse().expect("a number"));
    let dir = Scratch::new();
    let mut line = start(&dir, &[]);
    let all: Vec<_> = (0..people)
        .map(|number| Talker::named(&line.first, &format!("p{number}")))
        .collect();
    wait_lobby(&all[0], people);
    // All have seen all others come.
    all[0].say("begin");
    for one in &all {
        one.wait("<p0> begin");
    }
    let over = AtomicBool::new(false);
    let streams = || {
        all.iter()
            .map(|one| one.stream.try_clone().expect("a descriptor"))
    };
    let speakers: Vec<_> = streams().enumerate().collect();
    thread::scope(|scope| {
        let reading: Vec<_> = streams()
            .map(|one| scope.spawn(|| transcript(one)))
            .collect();
        let over = &over;
        let halves: Vec<_> = speakers.chunks(people.div_ceil(2)).collect();
        let speaking: Vec<_> = halves
            .into_iter()
            .map(|half| scope.spawn(move || (half.len(), speak(half, over))))
            .collect();
        let over_then = SetAtEnd(over);
        for _ in 0..RESTARTS {
            line.restart();
        }
        drop(over_then);
        let counts = speaking.into_iter().map(|one| one.join().expect("said"));
        let counts: Vec<_> = counts
            .flat_map(|(people, count)| std::iter::repeat_n(count, people))
            .collect();
        // Its own lines come before.
        all[0].say("the end");
        let mut transcripts = reading
            .into_iter()
            .map(|one| one.join().expect("connected"));
        let first = transcripts.next().expect("one of many");
        let mut next = vec![0; people];
        for said in &first {
            let (name, rest) = said
                .split_once("> line ")
                .unwrap_or_else(|| panic!("{said}"));
            let speaker: usize = name[2..].parse().expect("a number");
            assert_eq!(rest.parse(), Ok(next[speaker]), "of {name}");
            next[speaker] += 1;
        }
        // What others said last may come after the end.
        for (speaker, count) in counts.iter().enumerate() {
            assert!(next[speaker] == *count || speaker > 0, "of {speaker}");
        }
        for other in transcripts {
            assert!(other == first, "one transcript for all");
        }
    });
    drop(all);
    let log = line.stop();
    let moved = format!("moved={people}, stayed=0");
    assert_eq!(log.matches(&moved).count(), RESTARTS, "{log}");
}

#[test]
fn names_rooms_rights_and_what_was_said_go_along() {
    let dir = Scratch::new();
    let file = dir.join("password");
    std::fs::write(&file, "sesame\n").expect("a file");
    let mut line = start(&dir, &["--operator-file", text(&file)]);
    let ann = Talker::named(&line.first, "ann");
    let bob = Talker::named(&line.first, "bob");
    let eve = Talker::named(&line.first, "eve");
    let guest = Talker::come(&line.first);
    wait_lobby(&ann, 4);
    assert_eq!(ann.ask("/op sesame"), "-- you are an operator");
    assert!(ann.ask("/mute eve 1h").contains("muted"));
    ann.say("/ban mallory");
    ann.heard();
    ann.say("/topic the weather");
    bob.wait("-- topic: the weather");
    bob.say("/join garden");
    bob.say("in the garden");
    bob.wait("#garden <bob> in the garden");
    bob.say("/away tea");
    bob.say("/ignore eve");
    bob.heard();
    ann.say("before");
    for one in [&ann, &bob, &eve, &guest] {
        one.heard();
    }
    for _ in 0..2 {
        line.restart();
        for one in [&ann, &bob, &eve, &guest] {
            assert_eq!(one.heard(), Vec::<String>::new(), "of {}", one.name);
        }
        assert!(ann.ask("/topic").contains("the weather"));
        let who = ann.ask("/who");
        assert!(
            ["ann", "bob", "eve", &guest.name]
                .iter()
                .all(|name| who.contains(name)),
            "{who}"
        );
        assert!(eve.ask("hello").contains("muted"));
        assert!(ann.ask("/msg bob hi").contains("bob"));
        assert_eq!(ann.hear(), "-- bob is away: tea");
        bob.wait("[ann] hi");
        // Bob speaks in the room that he was in last.
        bob.say("still here");
        bob.wait("#garden <bob> still here");
    }
    let mallory = Talker::come(&line.first);
    assert!(mallory.ask("/nick mallory").contains("banned"));
    assert_ne!(mallory.name, guest.name, "numbers go on");
    assert!(mallory.ask("/nick bob").contains("taken"), "names are held");
    let newcomer = Talker::named(&line.first, "zoe");
    let shown = newcomer.heard();
    assert!(
        shown.iter().any(|line| line == "-- topic: the weather"),
        "{shown:?}"
    );
    assert!(
        shown.iter().any(|line| line.ends_with(" <ann> before")),
        "{shown:?}"
    );
    assert_eq!(ann.ask("/mute eve 0s"), "-- eve is heard again");
    drop((ann, bob, eve, guest, mallory, newcomer));
    let log = line.stop();
    assert_eq!(log.matches("moved=4, stayed=0").count(), 2, "{log}");
}

#[test]
fn what_is_half_typed_a_telnet_client_and_one_that_said_nothing_yet_go_along() {
    let dir = Scratch::new();
    let mut line = start(&dir, &[]);
    let ann = Talker::named(&line.first, "ann");
    let telnet = Talker::named(&line.first, "tel");
    // WILL NAWS, in the middle of which the restart comes.
    send(&telnet.stream, b"\xff\xfb\x1f\r\n");
    wait_lobby(&ann, 2);
    telnet.heard();
    send(&telnet.stream, b"one \xff");
    send(&ann.stream, "half ");
    let silent = connect(&line.first.address);
    line.restart();
    send(&ann.stream, "and half\n");
    ann.wait("<ann> half and half");
    send(&telnet.stream, b"\xfb\x1ftwo\r\n");
    ann.wait("<tel> one two");
    let expected = "<ann> half and half\r\n";
    loop {
        let heard = take_line(&telnet.stream);
        if heard.starts_with("<ann>") {
            assert_eq!(format!("{heard}\n"), expected);
            break;
        }
    }
    let welcome = String::from_utf8(take(&silent, 10)).expect("UTF-8");
    assert_eq!(welcome, "-- welcome");
    drop((ann, telnet, silent));
    line.stop();
}

#[test]
fn a_successor_that_dies_half_way_leaves_all_in_their_rooms() {
    let dir = Scratch::new();
    let line = start(&dir, &[]);
    let people: Vec<_> = (0..70)
        .map(|number| Talker::named(&line.first, &format!("p{number}")))
        .collect();
    wait_lobby(&people[0], people.len());
    people[0].say("begin");
    people.iter().for_each(|one| drop(one.wait("<p0> begin")));
    for batches in 0..2 {
        let mut successor = Successor::ready(line.control(), 1);
        match batches {
            0 => successor.hear_shared("poold chat 1\n"),
            _ => {
                successor.take_shared("poold chat 1\n", "");
                assert_eq!(successor.hear_clients().0, 1);
            }
        }
        people[1].say(format!("said {batches}"));
        drop(successor);
        line.first
            .stderr
            .wait_times("those that were not go on here", batches + 1);
        for one in &people {
            assert_eq!(one.hear(), format!("<p1> said {batches}"));
        }
    }
    drop(people);
    drop(line);
}

#[test]
fn lines_for_a_member_that_reads_late_come_whole_and_once() {
    let dir = Scratch::new();
    let mut line = start(&dir, &["--outbox-max", "64k"]);
    let ann = Talker::named(&line.first, "ann");
    let bob = Talker::named(&line.first, "bob");
    wait_lobby(&ann, 2);
    ann.say("begin");
    bob.wait("<ann> begin");
    ann.heard();
    // The room waits for the one that reads later.
    let reader = BufReader::new(bob.stream.try_clone().expect("a descriptor"));
    let reading = thread::spawn(move || {
        let said = reader.lines().map(|line| line.expect("it is connected"));
        let said = said.take_while(|line| line != "<ann> the end");
        for (number, said) in said.enumerate() {
            let heard = said
                .strip_prefix("<ann> ")
                .and_then(|said| said.split(' ').next());
            let heard = heard.and_then(|heard| heard.parse().ok());
            assert_eq!(heard, Some(number), "{said:.60}");
        }
    });
    let own = thread::scope(|scope| {
        let own = ann.stream.try_clone().expect("a descriptor");
        let own = scope.spawn(|| {
            let own = BufReader::new(own).lines();
            let own = own.map(|line| line.expect("it is connected"));
            own.take_while(|line| line != "<ann> the end").count()
        });
        let said = scope.spawn(|| {
            for number in 0..2000 {
                ann.say(format!("{number} {}", "x".repeat(1000)));
            }
            ann.say("the end");
        });
        for _ in 0..3 {
            line.restart();
        }
        said.join().expect("it is read");
        own.join().expect("it is connected")
    });
    assert_eq!(own, 2000);
    reading.join().expect("every line, once");
    drop((ann, bob));
    line.stop();
}
