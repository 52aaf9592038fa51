//! Several daemons as one house, over a stream of a real server.

use rustix::process::Signal;

use crate::support::admin::Watched;
use crate::support::chat::{Talker, chat, wait_lobby};
use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect, connect_saying, take_line};
use crate::support::redis::Redis;
use crate::support::spool::wait_until;

const OPERATORS: &str = "sesame";

/// A daemon of the house.
pub fn daemon(url: &str, args: &[&str]) -> Daemon {
    chat(&[&["--bus", url, "--rate", "off"], args].concat())
}

/// Two daemons and a person on each, who see each other.
pub fn two(redis: &Redis) -> (Daemon, Daemon, Talker, Talker) {
    let url = redis.url("stream=chat");
    let (first, second) = (daemon(&url, &[]), daemon(&url, &[]));
    let ann = Talker::named(&first, "ann");
    let bob = Talker::named(&second, "bob");
    wait_lobby(&ann, 2);
    wait_lobby(&bob, 2);
    (first, second, ann, bob)
}

#[test]
fn people_of_two_daemons_are_in_one_house() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let (first, _second, ann, bob) = two(&redis);
    ann.say("hello");
    ann.wait("<ann> hello");
    bob.wait("<ann> hello");
    bob.say("/me waves");
    for one in [&ann, &bob] {
        one.wait("* bob waves");
    }
    ann.say("one\ntwo\nthree");
    assert_eq!(bob.hear(), "<ann> one");
    assert_eq!(
        (bob.hear(), bob.hear()),
        ("<ann> two".into(), "<ann> three".into())
    );
    assert_eq!(bob.ask("/who"), "-- here: ann, bob");
    assert_eq!(bob.ask("/rooms"), "-- rooms: lobby (2)");

    // Names are unique in the house.
    let taken = "-- you are still bob: this name, or one that looks like it, is taken";
    assert_eq!(bob.ask("/nick Ann"), taken);
    assert_eq!(bob.ask("/nick rob"), "-- you are now rob");
    ann.wait("-- bob is now called rob");
    let guests = [Talker::come(&first), Talker::come(&_second)];
    assert_ne!(guests[0].name, guests[1].name);
    wait_lobby(&bob, 4);

    // Rooms, topics, private lines.
    assert_eq!(ann.ask("/join ops"), "#ops -- you joined ops");
    ann.say("/topic lunch");
    ann.wait("#ops -- topic: lunch");
    bob.heard();
    bob.say("/join ops");
    bob.wait("#ops -- topic: lunch");
    ann.wait("#ops -- rob joined");
    ann.say("/msg rob psst");
    ann.wait("[to rob] psst");
    bob.wait("[ann] psst");
    bob.say("/away asleep");
    bob.wait("-- you are away: asleep");
    ann.say("/msg rob psst");
    ann.wait("-- rob is away: asleep");
    bob.say("/part ops");
    bob.wait("#ops -- you left ops");
    ann.wait("#ops -- rob left");
    bob.say("/quit so long");
    for one in &guests {
        one.wait("* rob leaves: so long");
        one.wait("-- rob left");
    }
}

#[test]
fn a_daemon_that_comes_later_has_the_state_and_the_past() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let (_first, mut second, ann, bob) = two(&redis);
    bob.say("/topic trees");
    bob.wait("-- topic: trees");
    ann.say("of old");
    bob.wait("<ann> of old");
    let url = redis.url("stream=chat");
    let third = daemon(&url, &[]);
    let eve = Talker::named(&third, "eve");
    assert!(eve.name == "eve");
    let heard = eve.heard();
    assert_eq!(heard[0], "-- topic: trees");
    assert!(heard[2].ends_with(" <ann> of old"), "{heard:?}");
    assert_eq!(eve.ask("/who"), "-- here: ann, bob, eve");
    let taken = "-- you are still eve: this name, or one that looks like it, is taken";
    assert_eq!(eve.ask("/nick bob"), taken);

    // A daemon that ends says so.
    ann.heard();
    let exit = second.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    ann.wait("-- bob left");
    eve.wait("-- bob left");
}

#[test]
fn operators_orders_hold_on_all_daemons() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=chat");
    let start = |_| {
        let mut command = poold(&["chat", "127.0.0.1:0", "--bus", &url, "--overload", "off"]);
        command.env("POOLD_OPERATOR_PASSWORD", OPERATORS);
        Daemon::spawn(&mut command)
    };
    let daemons = [0, 1].map(start);
    let ann = Talker::named(&daemons[0], "ann");
    let bob = Talker::named(&daemons[1], "bob");
    let eve = Talker::named(&daemons[1], "eve");
    wait_lobby(&ann, 3);
    assert_eq!(ann.ask("/op sesame"), "-- you are an operator");
    ann.say("/mute bob 1h");
    ann.wait("-- bob is muted for 1h");
    bob.wait("-- ann has muted you for 1h");
    bob.say("hey");
    bob.wait("-- an operator has muted you: your lines are not shown");
    ann.say("/wall fire");
    for one in [&ann, &bob, &eve] {
        one.wait("-- ann to all: fire");
    }
    ann.say("/kick bob for good");
    for one in [&ann, &eve] {
        one.wait("-- bob is kicked by ann: for good");
    }
    bob.wait("-- you are disconnected: kicked by ann: for good");
    assert_eq!(ann.ask("/ban ann"), "-- that would ban you, too");
    ann.say("/ban eve");
    ann.wait("-- eve is banned by ann");
    eve.wait("-- you are disconnected: banned by ann");
    ann.wait("-- the name eve is banned until /unban");
    let other = Talker::come(&daemons[1]);
    assert!(other.ask("/nick eve").ends_with("that name is banned"));
    assert_eq!(other.ask("/nick bob"), "-- you are now bob");
}

#[test]
fn topics_and_bans_outlive_all_daemons() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=chat");
    let start = || {
        let mut command = poold(&["chat", "127.0.0.1:0", "--bus", &url, "--overload", "off"]);
        command.env("POOLD_OPERATOR_PASSWORD", OPERATORS);
        Daemon::spawn(&mut command)
    };
    let wait_kept = |what: &str| {
        wait_until("it is kept", || {
            let last = redis.ask(&["XREVRANGE", "chat", "+", "-", "COUNT", "1"]);
            last.iter()
                .any(|line| line.contains("kept") && line.contains(what))
        });
    };
    let mut daemon = start();
    let ann = Talker::named(&daemon, "ann");
    ann.say("/topic trees");
    ann.wait("-- topic: trees");
    ann.ask("/op sesame");
    ann.say("/ban eve");
    ann.wait("-- the name eve is banned until /unban");
    wait_kept("eve");
    drop(ann);
    assert_eq!(daemon.stop().code, Some(0));

    let daemon = start();
    let bob = Talker::named(&daemon, "bob");
    assert_eq!(bob.heard()[0], "-- topic: trees");
    assert!(bob.ask("/nick eve").ends_with("that name is banned"));
    bob.ask("/op sesame");
    assert_eq!(bob.ask("/unban eve"), "-- eve is not banned any more");
    wait_kept("\"banned_names\":[]");
    bob.say("/topic stones");
    bob.wait("-- topic: stones");
    wait_kept("stones");
    // It says no farewell.
    daemon.signal(Signal::KILL);
    drop(daemon);
    let daemon = start();
    let eve = Talker::named(&daemon, "eve");
    assert_eq!((&*eve.name, &*eve.heard()[0]), ("eve", "-- topic: stones"));
}

#[test]
fn cut_off_people_are_told_once_wait_and_lose_nothing() {
    let Some(mut redis) = Redis::start(&["appendonly yes", "appendfsync always"]) else {
        return;
    };
    let url = redis.url("stream=chat");
    let args = ["chat", "127.0.0.1:0", "--bus", &url, "--overload", "off"];
    let watched = Watched::start(&args);
    let other = daemon(&url, &[]);
    let ann = Talker::named(&watched.daemon, "ann");
    let bob = Talker::named(&other, "bob");
    wait_lobby(&ann, 2);
    redis.kill();
    let cut_off = "-- cut off from the other machines; what you say waits";
    ann.wait(cut_off);
    bob.wait(cut_off);
    // What is known is answered, until it has something to say.
    ann.say("/who");
    ann.wait("-- here: ann, bob");
    let said = ann.hear();
    assert!(
        said.starts_with("-- cut off from the other machines for "),
        "{said}"
    );
    ann.say("while away");
    // One who comes meanwhile, and says nothing, is told as well.
    let guest = connect(&other.address);
    let told = take_line(&guest);
    assert!(
        told.starts_with("-- cut off from the other machines for "),
        "{told}"
    );
    redis.run();
    redis.wait();
    let back = "-- the other machines are back; what waited was sent";
    for one in [&ann, &bob] {
        let before = one.wait("<ann> while away");
        let told = before.iter().filter(|line| *line == cut_off).count();
        assert_eq!(told, 0, "{before:?}");
        if !before.contains(&back.to_owned()) {
            one.wait(back);
        }
    }
    wait_lobby(&bob, 3);
    assert_eq!(bob.ask("/who"), "-- here: ann, bob, guest-1");
    wait_until("it is counted", || {
        watched.metric("poold_bus_reconnects_total") >= 1.0
    });
    assert!(watched.metric("poold_bus_away_seconds_total") > 0.0);
    assert!(watched.metric("poold_bus_daemons") == 2.0);
    assert_eq!(watched.get("/readyz").status, 200);
}

#[test]
fn what_a_newcomer_says_while_the_server_is_away_is_counted_at_the_end() {
    let Some(mut redis) = Redis::start(&[]) else {
        return;
    };
    let mut daemon = daemon(&redis.url("stream=chat"), &["--drain", "2s"]);
    let ann = Talker::named(&daemon, "ann");
    redis.kill();
    ann.wait("-- cut off from the other machines; what you say waits");
    let guest = connect_saying(&daemon.address, "first words\n");
    let told = take_line(&guest);
    assert!(told.starts_with("-- cut off"), "{told}");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    let report = exit.report();
    assert_eq!(
        (report.received, report.delivered, report.cut_off),
        (2, 1, 0)
    );
}

#[test]
fn who_does_not_read_is_put_out_and_holds_back_nobody_on_other_machines() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=chat");
    let (first, second) = (daemon(&url, &[]), daemon(&url, &["--write-stall", "1s"]));
    let ann = Talker::named(&first, "ann");
    let stuck = Talker::named(&second, "stuck");
    let bob = Talker::named(&second, "bob");
    wait_lobby(&ann, 3);
    let line = "x".repeat(7000);
    let (mut count, mut has_left) = (0, false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| bob.wait("-- stuck left"));
        while !reader.is_finished() {
            ann.say(&line);
            let before = ann.wait(&format!("<ann> {line}"));
            has_left |= before.contains(&"-- stuck left".to_owned());
            count += 1;
        }
    });
    // The others see the same.
    if !has_left {
        ann.wait("-- stuck left");
    }
    assert!(count > 10, "{count}");
    drop(stuck);
}

#[test]
fn a_long_line_of_escapes_is_shown() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let daemon = daemon(&redis.url("stream=chat"), &["--message-max", "256k"]);
    let ann = Talker::named(&daemon, "ann");
    ann.say([0x1b; 256 << 10]);
    ann.say("after that");
    let line = format!("<ann> {}", "\\u{1b}".repeat(256 << 10));
    let is_shown = ann.wait("<ann> after that") == [line];
    assert!(is_shown, "it is too long to be quoted");
}

#[test]
fn what_others_write_to_the_stream_is_passed_over() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let (_first, second, _, bob) = two(&redis);
    // The first one may still doubt that it was alone, and would join again.
    let ann = Talker::named(&second, "amy");
    for fields in [
        &["a", "b"][..],
        &["n", "zz-1", "acts", "[]"],
        &[
            "n",
            "zz-7",
            "acts",
            r#"[{"say":{"who":1,"name":"x","room":"lobby","text":"x\n","me":false}}]"#,
        ],
        &[
            "n",
            "qq-1",
            "acts",
            r#"[{"hello":{"was":null}},{"come":{"who":1,"name":"Eve\u001b[2J","rooms":["lobby","\u0007"],"away":"\u001b","muted":0}},{"say":{"who":1,"name":"x","room":"lobby","text":"\u001b[2J\n","me":false}},{"say":{"who":1,"name":"x","room":"lobby","text":"fine\n","me":false}}]"#,
        ],
        &["n", "qq-2", "acts", "[[[["],
    ] {
        redis.ask(&[&["XADD", "chat", "*"], fields].concat());
    }
    // One who can write to the stream can be anybody, and nothing else.
    for one in [&ann, &bob] {
        let before = one.wait("<guest-1> fine");
        assert!(
            !before.iter().any(|line| line.contains('\u{1b}')),
            "{before:?}"
        );
    }
    bob.say("still here");
    ann.wait("<bob> still here");
}

#[test]
fn what_can_not_be_a_bus_is_refused_at_the_start() {
    let refused = |url: &str, args: &[&str]| {
        let args = [&["chat", "127.0.0.1:0", "--bus", url], args].concat();
        let output = poold(&args).output().expect("poold starts");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for (url, told) in [
        ("redis://h?list=l", "take stream=NAME"),
        ("redis://h", "say which stream: ?stream=NAME"),
        ("redis://:secret@h?stream=s", "auth-file=PATH"),
        ("redis://h?stream=s&wait=1", "leave them out"),
        ("redis://h?stream=s&keep=1h", "a number of entries"),
        ("unix:/nowhere/at/all?stream=s", "start the server"),
    ] {
        let said = refused(url, &[]);
        assert!(said.contains(told), "{url}: {said}");
        assert!(!said.contains("secret"));
    }
    let Some(redis) = Redis::start(&["maxmemory 10mb", "maxmemory-policy allkeys-lru"]) else {
        return;
    };
    let url = redis.url("stream=chat");
    assert!(refused(&url, &[]).contains("maxmemory-policy noeviction"));
    assert!(refused(&url, &["--message-max", "1m"]).contains("at most 256k"));
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    redis.ask(&["SET", "chat", "1"]);
    assert!(refused(&url, &[]).contains("choose another"));
}
