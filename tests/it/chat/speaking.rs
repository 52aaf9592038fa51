//! Chat: lines, rooms, and the members that see them.

use std::net::Shutdown;
use std::time::{Duration, Instant};

use poold::service::chat::{Chat, Settings};

use crate::support::chat::{Talker, chat};
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::server::{finish, options, serve};
use crate::support::spool::{Race, in_time};

#[test]
fn two_people_hear_each_other_and_themselves() {
    let mut daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    let bob = Talker::named(&daemon, "bob");
    ann.wait("-- bob joined");
    ann.say("hello");
    bob.say("hi\r");
    assert_eq!(bob.wait("<bob> hi").len(), 1);
    assert_eq!(ann.heard(), ["<ann> hello", "<bob> hi"]);
    ann.say("/me waves");
    assert_eq!(bob.hear(), "* ann waves");
    ann.say("//etc is a path");
    assert_eq!(bob.hear(), "<ann> /etc is a path");
    ann.say("");
    ann.say("/quit so long");
    assert_eq!(bob.hear(), "* ann leaves: so long");
    assert_eq!(bob.hear(), "-- ann left");
    assert!(take_to_end(&ann.stream).ends_with(b"* ann leaves: so long\n-- goodbye\n"));
    daemon.interrupt();
    assert!(take_to_end(&bob.stream).ends_with(b"-- the server is going down\n"));
    drop((ann, bob));
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn a_client_that_pipes_one_line_posts_it_and_gets_it_back() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    let pipe = Talker::come(&daemon);
    send(&pipe.stream, "hello");
    end(&pipe.stream);
    let heard = String::from_utf8(take_to_end(&pipe.stream)).expect("UTF-8");
    assert_eq!(heard, "<guest-2> hello\n");
    assert_eq!(ann.hear(), "-- guest-2 joined");
    assert_eq!(ann.hear(), "<guest-2> hello");
    assert_eq!(ann.hear(), "-- guest-2 left");
}

#[test]
fn a_refused_client_is_told_why() {
    for (args, why) in [
        (
            &["-m", "1", "--when-full", "refuse"][..],
            "the server is full; try again later",
        ),
        (
            &["-m", "9", "--max-per-address", "1"],
            "too many have come from your address",
        ),
    ] {
        let daemon = chat(args);
        let _ann = Talker::named(&daemon, "ann");
        let before = daemon.descriptors();
        // The second finds what the first has left: nothing of it was to be given back.
        for _ in 0..2 {
            let heard = take_to_end(&connect(&daemon.address));
            assert_eq!(String::from_utf8_lossy(&heard), format!("-- {why}\n"));
            daemon.wait_descriptors_at_most(before);
        }
    }
}

#[test]
fn a_refused_client_makes_room_for_the_next() {
    let daemon = chat(&["-m", "1", "--when-full", "refuse"]);
    let _ann = Talker::named(&daemon, "ann");
    // More of them than have a place at once, and none of them closes.
    let crowd: Vec<_> = (0..20)
        .map(|_| {
            let client = connect(&daemon.address);
            assert!(!take_to_end(&client).is_empty());
            client
        })
        .collect();
    drop(crowd);
}

#[test]
fn what_was_sent_before_a_question_is_seen_before_its_answer() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    ann.say("one\n/who\ntwo\n/topic things\n/rooms\nthree");
    let lines: Vec<String> = (0..6).map(|_| ann.hear()).collect();
    let expected = [
        "<ann> one",
        "-- here: ann",
        "<ann> two",
        "-- topic: things",
        "-- rooms: lobby (1)",
        "<ann> three",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn rooms_are_apart_and_one_speaks_in_the_last() {
    let daemon = chat(&[]);
    let (ann, bob) = (Talker::named(&daemon, "ann"), Talker::named(&daemon, "bob"));
    ann.heard();
    ann.say("/join #Ops");
    assert_eq!(ann.hear(), "-- you joined Ops".replace("--", "#Ops --"));
    ann.say("secret\n/join lobby\npublic\n/join ops\n/who\n/part\npublic again");
    assert_eq!(bob.hear(), "<ann> public");
    assert_eq!(bob.hear(), "<ann> public again");
    let expected = [
        "#Ops <ann> secret",
        "-- you speak in lobby now",
        "<ann> public",
        "#Ops -- you speak in Ops now",
        "#Ops -- here: ann",
        "#Ops -- you left Ops",
        "<ann> public again",
    ];
    assert_eq!(ann.heard(), expected);
    assert_eq!(bob.ask("/rooms"), "-- rooms: lobby (2)");
    assert_eq!(bob.ask("/part ops"), "-- you are not in that room");
    assert_eq!(
        bob.ask("/join a/b"),
        "-- a name has letters, digits and -_. and begins with a letter or a digit"
    );
}

#[test]
fn private_words_away_and_ignore() {
    let daemon = chat(&[]);
    let (ann, bob) = (Talker::named(&daemon, "ann"), Talker::named(&daemon, "bob"));
    let eve = Talker::named(&daemon, "eve");
    bob.wait("-- eve joined");
    assert_eq!(bob.ask("/away lunch"), "-- you are away: lunch");
    assert_eq!(ann.ask("/msg BOB psst <x>"), "[to bob] psst <x>");
    assert_eq!(ann.hear(), "-- bob is away: lunch");
    assert_eq!(bob.heard().last().expect("it came"), "[ann] psst <x>");
    assert_eq!(
        ann.ask("/msg nobody x"),
        "-- no person of that name is here; /who lists those who are"
    );
    assert_eq!(bob.ask("/ignore eve"), "-- you don't hear eve any more");
    eve.say("can you hear me\n/msg bob psst");
    eve.wait("[to bob] psst");
    ann.wait("<eve> can you hear me");
    assert_eq!(bob.heard(), [] as [&str; 0]);
    let fay = Talker::named(&daemon, "fay");
    bob.wait("-- fay joined");
    assert_eq!(bob.ask("/ignore fay"), "-- you don't hear fay any more");
    fay.say("/quit it was dull");
    ann.wait("* fay leaves: it was dull");
    assert_eq!(bob.hear(), "-- fay left");
    assert_eq!(bob.ask("/ignore eve"), "-- you hear eve again");
    eve.say("and now");
    assert_eq!(bob.hear(), "<eve> and now");
}

#[test]
fn newcomers_see_the_last_lines_and_the_topic() {
    let daemon = chat(&["--history", "3"]);
    let ann = Talker::named(&daemon, "ann");
    ann.say("/topic greetings\none\ntwo\nthree\n/me waves");
    ann.wait("* ann waves");
    let bob = Talker::come(&daemon);
    let lines: Vec<String> = (0..5).map(|_| bob.hear()).collect();
    assert_eq!(lines[0], "-- topic: greetings");
    assert_eq!(lines[1], "-- the last lines, with their times (UTC):");
    for (line, text) in lines[2..]
        .iter()
        .zip(["<ann> two", "<ann> three", "* ann waves"])
    {
        let (time, said) = line.split_once(' ').expect("a time");
        assert!(time.len() == 5 && time.as_bytes()[2] == b':', "{line}");
        assert_eq!(said, text);
    }
}

/// At the rate, without a burst, they would take longer.
const PASTED_WITHIN: Duration = Duration::from_secs(8);

#[test]
fn a_paste_arrives_whole_and_what_is_over_the_rate_comes_later() {
    in_time(PASTED_WITHIN, a_hundred_lines_are_pasted);
}

fn a_hundred_lines_are_pasted(race: &Race) {
    let daemon = chat(&[]);
    let (ann, bob) = (Talker::named(&daemon, "ann"), Talker::come(&daemon));
    bob.heard();
    let paste: String = (0..105).map(|number| format!("line {number}\n")).collect();
    let begin = Instant::now();
    race.begin();
    send(&ann.stream, &paste);
    for number in 0..95 {
        assert_eq!(bob.hear(), format!("<ann> line {number}"));
    }
    assert!(begin.elapsed() < PASTED_WITHIN, "{:?}", begin.elapsed());
    for number in 95..105 {
        assert_eq!(bob.hear(), format!("<ann> line {number}"));
    }
    // One was spent on the name; five at least came at ten a second.
    assert!(
        begin.elapsed() > Duration::from_millis(400),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn names_are_free_again_and_look_alikes_are_refused() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    let bob = Talker::come(&daemon);
    let taken = "-- you are still guest-2: this name, or one that looks like it, is taken";
    for look_alike in ["ANN", "\u{430}nn", "ａｎｎ"] {
        let answer = bob.ask(&format!("/nick {look_alike}"));
        assert!(
            answer == taken || answer.contains("scripts"),
            "{look_alike}: {answer}"
        );
    }
    for reserved in ["server", "Console", "guest-7", "GUEST-1", "0perator"] {
        let answer = bob.ask(&format!("/nick {reserved}"));
        assert_eq!(
            answer, "-- you are still guest-2: this name is the server's own",
            "{reserved}"
        );
    }
    for wrong in [
        "--",
        "-- x",
        "<x>",
        "a b",
        "a\u{202e}b",
        "",
        "x\u{200b}",
        &"x".repeat(25),
    ] {
        let answer = bob.ask(&format!("/nick {wrong}"));
        assert!(
            answer.starts_with("-- you are still guest-2: a name "),
            "{wrong}: {answer}"
        );
    }
    ann.stream.shutdown(Shutdown::Both).expect("connected");
    bob.wait("-- ann left");
    assert_eq!(bob.ask("/nick Ann"), "-- you are now Ann");
    assert_eq!(bob.ask("/nick Δημήτρης.1"), "-- you are now Δημήτρης.1");
    assert_eq!(bob.ask("/nick नमस्ते"), "-- you are now नमस्ते");
}

#[test]
fn rooms_that_are_joined_at_once_show_all_their_past() {
    let daemon = chat(&["--rate", "off"]);
    let ann = Talker::named(&daemon, "ann");
    let rooms: Vec<String> = (0..6).map(|number| format!("r{number}")).collect();
    // More than an outbox takes.
    let text = format!("{}\n", "x".repeat(7500)).repeat(8);
    for room in &rooms {
        ann.say(format!("/join {room}\n{text}"));
        assert_eq!(ann.heard().len(), 9);
    }
    let bob = Talker::named(&daemon, "bob");
    let all: Vec<String> = rooms.iter().map(|room| format!("/join {room}\n")).collect();
    bob.say(all.concat());
    let heard = bob.heard();
    for room in &rooms {
        assert!(
            heard.contains(&format!("#{room} -- you joined {room}")),
            "{room}"
        );
        let past = format!("#{room} <ann> xxx");
        let lines = heard.iter().filter(|line| line.contains(&past));
        assert_eq!(lines.count(), 8, "{room}");
    }
}

#[test]
fn the_lobby_can_always_be_opened_again() {
    let chat = Chat::new(Settings::default());
    let (server, address) = serve(options(), chat.clone());
    let mut console = chat.console(|| {});
    // So many rooms that empty ones are closed, the lobby among them.
    assert!(console.say(b"/part"));
    for number in 0..=1000 {
        assert!(console.say(format!("/join r{number}").as_bytes()));
        assert!(console.say(b"/part"));
    }
    console.shown();
    for look in ["1obby", "Iobby"] {
        assert!(console.say(format!("/join {look}").as_bytes()));
        let shown = String::from_utf8(console.shown()).expect("UTF-8");
        assert_eq!(shown, "-- there is a room whose name looks like that\n");
    }
    let ann = connect(&address);
    let welcome = take_line(&ann);
    assert!(
        welcome.starts_with("-- welcome; you are guest-1"),
        "{welcome}"
    );
    drop((ann, console));
    finish(server);
}
