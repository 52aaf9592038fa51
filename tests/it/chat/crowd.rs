//! Chat with many people at once: one order, slow readers, storms, rest.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::chat::{Talker, chat, wait_lobby};
use crate::support::net::{connect, crowd_turn, send, take_to_end};
use crate::support::spool::{at_most, wait_until};

/// A size that can be asked for by the environment.
fn size(name: &str, default: usize) -> usize {
    let asked = std::env::var(name).ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(default)
}

/// Reads until this many lines of members have come; answers them.
fn said(mut stream: &TcpStream, count: usize) -> Vec<u8> {
    let (mut lines, mut found) = (Vec::new(), 0);
    let (mut buffer, mut rest) = (vec![0; 1 << 16], Vec::new());
    while found < count {
        let length = stream.read(&mut buffer).expect("it comes");
        assert!(length > 0, "ended after {found} of {count} lines");
        rest.extend_from_slice(&buffer[..length]);
        let whole = rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in rest[..whole].split_inclusive(|byte| *byte == b'\n') {
            if line[0] == b'<' {
                found += 1;
                lines.extend_from_slice(line);
            }
        }
        rest.drain(..whole);
    }
    assert_eq!(found, count);
    lines
}

#[test]
fn a_thousand_hear_ten_speakers_in_the_same_order() {
    const SPEAKERS: usize = 10;
    const LINES: usize = 200;
    let people = size("POOLD_TEST_CHAT_PEOPLE", 1000);
    let daemon = chat(&["--rate", "off"]);
    let crowd: Vec<Talker> = (0..people).map(|_| Talker::come(&daemon)).collect();
    std::thread::scope(|scope| {
        for (number, speaker) in crowd.iter().take(SPEAKERS).enumerate() {
            scope.spawn(move || {
                let lines: Vec<String> = (0..LINES).map(|n| format!("{number} {n}\n")).collect();
                for piece in lines.chunks(7) {
                    send(&speaker.stream, piece.concat());
                }
            });
        }
    });
    let first = said(&crowd[0].stream, SPEAKERS * LINES);
    let mut next = HashMap::new();
    for line in String::from_utf8_lossy(&first).lines() {
        let (by, text) = line.split_once("> ").expect("a name");
        let (_, number) = text.split_once(' ').expect("a number");
        let next = next.entry(by.to_owned()).or_insert(0);
        assert_eq!(number, next.to_string(), "{line}");
        *next += 1;
    }
    assert_eq!(next.len(), SPEAKERS);
    for talker in &crowd[1..] {
        assert!(
            said(&talker.stream, SPEAKERS * LINES) == first,
            "{} hears another order",
            talker.name
        );
    }
}

#[test]
fn a_member_that_stops_reading_is_disconnected_with_a_reason_and_the_others_miss_nothing() {
    const READERS: usize = 10;
    let stopped = size("POOLD_TEST_CHAT_STOPPED", 5);
    let mut daemon = chat(&["--rate", "off"]);
    let readers: Vec<Talker> = (0..READERS).map(|_| Talker::come(&daemon)).collect();
    let stopped: Vec<Talker> = (0..stopped).map(|_| Talker::come(&daemon)).collect();
    let speaker = Talker::come(&daemon);
    let reason = "is disconnected: you did not read what was said (peer=127.0.0.1:";
    let end = format!("<{}> the end", speaker.name);
    let listen = |reader: &Talker| {
        let lines = BufReader::new(&reader.stream).lines();
        let lines = lines.map(|line| line.expect("it is not put out"));
        lines.take_while(|line| *line != end).count()
    };
    let listen = &listen;
    let (spoken, heard) = std::thread::scope(|scope| {
        let listeners: Vec<_> = readers
            .iter()
            .chain([&speaker])
            .map(|one| scope.spawn(move || listen(one)))
            .collect();
        let piece = format!("{}\n", "x".repeat(1000)).repeat(20);
        let mut spoken = 0;
        let until = Instant::now() + Duration::from_secs(60);
        while daemon.stderr.text().matches(reason).count() < stopped.len() {
            send(&speaker.stream, &piece);
            spoken += 20;
            assert!(
                Instant::now() < until,
                "no member was disconnected after {spoken} lines"
            );
        }
        speaker.say("the end");
        let joined = listeners.into_iter().map(|one| one.join());
        let heard: Vec<usize> = joined.map(|one| one.expect("it hears the end")).collect();
        (spoken, heard)
    });
    for count in heard {
        assert!(count >= spoken, "{count} of {spoken} lines");
    }
    // Members that read again are told why they were disconnected.
    let last = take_to_end(&stopped[0].stream);
    assert!(last.ends_with(b"-- you are disconnected: you did not read what was said\n"));
    drop((readers, stopped, speaker));
    daemon.stop();
}

#[test]
fn a_storm_of_newcomers_is_told_in_few_lines() {
    let storm = size("POOLD_TEST_CHAT_STORM", 2000);
    let daemon = chat(&["--rate", "off", "--overload", "off"]);
    let (ann, bob) = (Talker::named(&daemon, "ann"), Talker::named(&daemon, "bob"));
    ann.wait("-- bob joined");
    let begin = Instant::now();
    let crowd: Vec<TcpStream> = (0..storm).map(|_| connect(&daemon.address)).collect();
    let took = begin.elapsed();
    let asked = Instant::now();
    bob.say("still usable?");
    let mut lines = ann.wait("<bob> still usable?");
    let usable = asked.elapsed();
    wait_lobby(&bob, storm + 2);
    let last = Talker::come(&daemon);
    let is_last = |line: &String| line.contains(&last.name);
    let mut came = 0;
    while !lines.iter().any(is_last) && came < storm {
        lines.push(ann.hear());
        came = lines.iter().map(|line| joined(line)).sum();
    }
    eprintln!(
        "{storm} joins in {took:?}: {} lines; a line took {usable:?}",
        lines.len()
    );
    assert!(came >= storm, "{came} of {storm} were told");
    let most = 8 + 4 * begin.elapsed().as_millis() as usize / 250;
    assert!(
        lines.len() <= most,
        "{} lines for {storm} newcomers",
        lines.len()
    );
    assert!(usable < at_most(Duration::from_secs(3)), "{usable:?}");
    drop(crowd);
}

/// How many a notice says have joined.
fn joined(line: &str) -> usize {
    let Some(names) = line
        .strip_prefix("-- ")
        .and_then(|line| line.strip_suffix(" joined"))
    else {
        return 0;
    };
    let (named, last) = names.rsplit_once(" and ").unwrap_or(("", names));
    let named = named.split(", ").filter(|name| !name.is_empty()).count();
    match last.strip_suffix(" more") {
        Some(more) => named + more.parse::<usize>().expect("a number"),
        None => named + 1,
    }
}

#[test]
fn quiet_rooms_cost_no_time_and_little_memory() {
    const ROOMS: usize = 100;
    let _turn = crowd_turn();
    let people = size("POOLD_TEST_CHAT_QUIET", 10_000);
    let daemon = chat(&["--rate", "off"]);
    let warm: Vec<Talker> = (0..64).map(|_| Talker::come(&daemon)).collect();
    drop(warm);
    let ann = Talker::named(&daemon, "ann");
    wait_lobby(&ann, 1);
    let before = daemon.memory("VmRSS");
    let crowd: Vec<TcpStream> = (0..people).map(|_| connect(&daemon.address)).collect();
    for (number, one) in crowd.iter().enumerate() {
        send(one, format!("/join room{}\n/part lobby\n", number % ROOMS));
    }
    wait_until("all are in their rooms", || {
        ann.ask("/rooms").contains(", lobby (1)")
    });
    let each = (daemon.memory("VmRSS").saturating_sub(before)) * 1024 / people as u64;
    let share = daemon.takes_at_most(0.02, Duration::from_millis(500));
    eprintln!("{people} in {ROOMS} rooms: {each} bytes each, {share} of a processor");
    assert!(each <= 3072, "{each} bytes for each");
    ann.say("/join room0\nhello");
    ann.wait("#room0 <ann> hello");
}
