//! Chat: how one comes in, by hand, by a program, or by mistake.

use std::time::{Duration, Instant};

use crate::support::chat::{Talker, chat};
use crate::support::daemon::Daemon;
use crate::support::net::{connect, connect_saying, end, send, take_all, take_line, take_to_end};
use crate::support::spool::{EPISODE, Race, in_time, wait_until};

/// A silent client is greeted no sooner than this.
const GREETED_AFTER: Duration = Duration::from_millis(100);

#[test]
fn a_silent_client_is_greeted_as_well() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    let silent = connect(&daemon.address);
    let welcome = "-- welcome; you are guest-2, in lobby with 1 other; /help lists commands";
    assert_eq!(take_line(&silent), welcome);
    assert_eq!(ann.hear(), "-- guest-2 joined");
}

#[test]
fn a_telnet_that_negotiates_first_is_greeted_for_its_terminal() {
    let daemon = chat(&["--history", "1"]);
    let ann = Talker::named(&daemon, "ann");
    ann.say("hello");
    ann.wait("<ann> hello");
    // As PuTTY does: it will say how large its window is.
    let telnet = connect_saying(&daemon.address, b"\xff\xfb\x1f");
    let welcome = take_line(&telnet);
    assert!(
        welcome.starts_with("-- welcome; you are guest-2"),
        "{welcome}"
    );
    let past = [take_line(&telnet), take_line(&telnet)];
    assert!(past[1].contains("<ann> hello"), "{past:?}");
    for line in [&welcome].into_iter().chain(&past) {
        assert!(line.ends_with('\r'), "{line:?}");
    }
}

#[test]
fn a_name_that_is_given_first_is_the_only_one_that_is_heard_of() {
    let daemon = chat(&["--history", "0"]);
    let ann = Talker::named(&daemon, "ann");
    let bob = Talker::named(&daemon, "bob");
    bob.say("hello");
    assert_eq!(ann.hear(), "-- bob joined");
    assert_eq!(ann.hear(), "<bob> hello");
    // One line for the member that changes it, another for the others.
    bob.wait("<bob> hello");
    bob.say("/nick Rob");
    assert_eq!(bob.hear(), "-- you are now Rob");
    assert_eq!(ann.hear(), "-- bob is now called Rob");
    assert_eq!(bob.heard(), [] as [&str; 0]);
    // A client that can't have the name is greeted first, and told then.
    let eve = connect_saying(&daemon.address, "/nick ann\n");
    assert!(take_line(&eve).starts_with("-- welcome; you are guest-3, "));
    let why = "this name, or one that looks like it, is taken";
    assert_eq!(take_line(&eve), format!("-- you are still guest-3: {why}"));
}

#[test]
fn a_client_that_connects_and_leaves_is_not_announced() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    for left in 1.. {
        let begin = Instant::now();
        let check = connect(&daemon.address);
        end(&check);
        let heard = take_to_end(&check);
        // On a busy machine it may have been here for long enough to be greeted.
        if begin.elapsed() < GREETED_AFTER {
            assert_eq!(heard, b"");
            let bob = Talker::named(&daemon, "bob");
            bob.say("hello");
            let before = ann.wait("<bob> hello");
            let guest = format!("guest-{}", left + 1);
            assert!(
                !before.iter().any(|line| line.contains(&guest)),
                "{before:?}"
            );
            return;
        }
    }
}

#[test]
fn every_key_that_ends_a_line_does() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    let bob = Talker::named(&daemon, "bob");
    ann.wait("-- bob joined");
    // A telnet that sends each key as it is typed, and one that types wrong.
    for key in "/me waves\r\0helo\u{7f}lo\r\0".bytes() {
        send(&bob.stream, [key]);
    }
    assert_eq!(ann.hear(), "* bob waves");
    assert_eq!(ann.hear(), "<bob> hello");
    send(&bob.stream, "return\rboth\r\nfeed\n");
    for line in ["return", "both", "feed"] {
        assert_eq!(ann.hear(), format!("<bob> {line}"));
    }
}

/// A first line that no person says, and what its client is answered with.
const STRANGERS: [(&[u8], &[u8]); 3] = [
    (
        b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n/nick ann\r\nI am not ann\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ),
    (
        b"GET /?/nick HTTP/1.0\r\n\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ),
    // The beginning of a ClientHello, as far as a list of its groups.
    (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 random bytes \x00\x0a\x00",
        b"\x15\x03\x01\x00\x02\x02\x28",
    ),
];

#[test]
fn a_browser_says_nothing_here() {
    in_time(EPISODE, strangers_come);
}

fn strangers_come(_: &Race) {
    let mut daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    for (sent, answer) in STRANGERS {
        let page = connect_saying(&daemon.address, sent);
        let (answered, _) = take_all(&page);
        let shown = String::from_utf8_lossy(&answered).into_owned();
        assert!(answered.starts_with(answer), "{shown:?}");
        assert!(!shown.contains("welcome"), "{shown:?}");
    }
    // A slow client is in the room by then, and yet not shown.
    let late = connect(&daemon.address);
    take_line(&late);
    send(&late, STRANGERS[0].0);
    let (answered, _) = take_all(&late);
    assert!(answered.starts_with(STRANGERS[0].1));
    ann.wait("-- guest-5 left");
    // Later it is something that people talk about.
    let bob = Talker::named(&daemon, "bob");
    bob.say("GET / HTTP/1.1");
    assert_eq!(ann.wait("<bob> GET / HTTP/1.1"), ["-- bob joined"]);
    drop((ann, bob, late));
    let exit = daemon.stop();
    let said = "a client is turned away: it began with an HTTP request, and this is a chat";
    assert_eq!(exit.stderr.matches(said).count(), 1, "{}", exit.stderr);
}

#[test]
fn what_members_are_told_is_counted() {
    let daemon = Daemon::start(&["chat", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let line = daemon.stderr.wait_line("admin on ");
    let admin = line.split("admin on ").nth(1).expect("an address");
    let ann = Talker::named(&daemon, "ann");
    ann.say("one\ntwo\nthree");
    ann.wait("<ann> three");
    // The welcome, and three lines: they are counted when the turn that has sent them is over.
    wait_until("all that was sent is counted", || {
        let asked = connect(admin);
        send(&asked, "GET /metrics HTTP/1.0\r\n\r\n");
        let metrics = take_to_end(&asked);
        let counted = b"\npoold_messages_sent_total 4\n";
        metrics.windows(counted.len()).any(|part| part == counted)
    });
}

#[test]
fn a_member_that_quits_has_left_before_its_connection_ends() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    let bob = Talker::named(&daemon, "bob");
    ann.wait("-- bob joined");
    bob.say("/quit");
    // As nc does while its input is open, he reads and does not close.
    assert!(take_to_end(&bob.stream).ends_with(b"-- goodbye\n"));
    ann.wait("-- bob left");
    let again = Talker::named(&daemon, "bob");
    // What is left of him takes nothing with it when it goes.
    drop(bob);
    ann.wait("-- bob joined");
    assert_eq!(ann.ask("/msg bob psst"), "[to bob] psst");
    assert_eq!(again.hear(), "[ann] psst");
}
