//! One order for all, whatever stops: a daemon, the server, the network of one daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::Signal;

use super::bus::daemon;
use crate::support::admin::Watched;
use crate::support::chat::{Talker, wait_lobby};
use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect_from, send, take_all, take_line};
use crate::support::redis::Redis;
use crate::support::relay::Relay;
use crate::support::spool::{PATIENCE, wait_until};

fn given(name: &str, default: u32) -> u32 {
    let given = std::env::var(name).ok();
    given.map_or(default, |count| count.parse().expect("a number"))
}

/// People on each daemon.
fn people() -> usize {
    given("POOLD_PEOPLE", 12) as usize
}

/// Lines a second of all.
fn rate() -> f64 {
    given("POOLD_RATE", 150).into()
}

/// For how long a daemon has no network: longer than the others wait for it.
fn cut_for() -> Duration {
    Duration::from_secs(given("POOLD_CUT", 17).into())
}

/// A person whose lines are collected.
struct Member {
    name: String,
    stream: TcpStream,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Member {
    fn come(daemon: &Daemon, name: &str) -> Member {
        let talker = Talker::named(daemon, name);
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let (lines, stream) = (Arc::clone(&heard), talker.stream.try_clone());
        let stream = stream.expect("a descriptor");
        stream.set_read_timeout(None).expect("a socket");
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines.lock().push(line);
            }
        });
        Member {
            name: talker.name,
            stream: talker.stream,
            heard,
        }
    }

    fn say(&self, line: &str) {
        // One that was killed takes nothing more.
        let _ = (&self.stream).write_all(format!("{line}\n").as_bytes());
    }

    /// Waits for a line.
    fn wait(&self, line: &str) {
        let deadline = Instant::now() + 2 * PATIENCE;
        while !self.heard.lock().iter().any(|heard| heard == line) {
            assert!(
                Instant::now() < deadline,
                "{} never heard {line}",
                self.name
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the house says, between two lines.
    fn transcript(&self, from: &str, to: &str) -> Vec<String> {
        let heard = self.heard.lock();
        let begin = heard
            .iter()
            .position(|line| line == from)
            .expect("the begin");
        let end = heard.iter().position(|line| line == to).expect("the end");
        let lines = heard[begin..=end]
            .iter()
            .filter(|line| !is_of_its_daemon(line));
        lines.cloned().collect()
    }

    /// What it said and was shown.
    fn shown(&self) -> BTreeSet<String> {
        let own = format!("<{}> ", self.name);
        let heard = self.heard.lock();
        heard
            .iter()
            .filter(|line| line.starts_with(&own))
            .cloned()
            .collect()
    }
}

/// Whether a daemon tells only its own people so.
fn is_of_its_daemon(line: &str) -> bool {
    line.starts_with("-- cut off from the other machines")
        || line == "-- the other machines are back; what waited was sent"
}

/// A daemon and its people.
struct Place {
    daemon: Daemon,
    members: Vec<Member>,
}

fn place(url: &str, number: usize) -> Place {
    let daemon = daemon(url, &["--max-per-address", "100000"]);
    let members = (0..people()).map(|who| Member::come(&daemon, &format!("p{number}x{who}x")));
    Place {
        members: members.collect(),
        daemon,
    }
}

/// All speak in turn, at the rate, `rounds` times; answers how many lines each has said.
fn speak(places: &[Place], from: usize, rounds: usize) -> usize {
    let all: Vec<&Member> = places.iter().flat_map(|place| &place.members).collect();
    let begin = Instant::now();
    for round in 0..rounds {
        for (at, member) in all.iter().enumerate() {
            member.say(&format!("line {}", from + round));
            let due = (round * all.len() + at) as f64 / rate();
            let due = begin + Duration::from_secs_f64(due);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    from + rounds
}

/// Asserts that all who were there all the time heard the same between these lines.
fn assert_one_order(places: &[Place], from: &str, to: &str) -> Vec<String> {
    let mut orders = BTreeMap::<Vec<String>, Vec<&str>>::new();
    for member in places.iter().flat_map(|place| &place.members) {
        let transcript = member.transcript(from, to);
        orders.entry(transcript).or_default().push(&member.name);
    }
    if orders.len() > 1 {
        let mut all = orders.iter();
        let (first, second) = (all.next().expect("one"), all.next().expect("two"));
        let at = first.0.iter().zip(second.0).position(|(a, b)| a != b);
        let part = |lines: &[String]| {
            let at = at.unwrap_or(lines.len().min(first.0.len().min(second.0.len())));
            lines[at.saturating_sub(3)..lines.len().min(at + 5)].join("\n")
        };
        panic!(
            "{} orders; {:?} heard\n{}\n{:?} heard\n{}",
            orders.len(),
            first.1,
            part(first.0),
            second.1,
            part(second.0)
        );
    }
    orders.into_keys().next().expect("people")
}

#[test]
fn there_is_one_order_whatever_stops_and_no_line_is_lost_that_its_speaker_saw() {
    let Some(mut redis) = Redis::start(&["appendonly yes", "appendfsync always"]) else {
        return;
    };
    let relay = Relay::to(&redis.socket());
    let url = redis.url("stream=chat");
    let mut places = vec![
        place(&url, 0),
        place(&url, 1),
        place(&relay.url("stream=chat"), 2),
    ];
    let watcher = Talker::named(&places[0].daemon, "watcher");
    wait_lobby(&watcher, 3 * people() + 1);
    watcher.say("begin");
    for member in places.iter().flat_map(|place| &place.members) {
        member.wait("<watcher> begin");
    }
    let mut said = speak(&places, 0, 3);
    // A daemon stands still.
    places[1].daemon.stand_still();
    said = speak(&places, said, 5);
    places[1].daemon.signal(Signal::CONT);
    said = speak(&places, said, 2);
    // The server dies, and comes back.
    redis.kill();
    said = speak(&places, said, 2);
    redis.run();
    redis.wait();
    said = speak(&places, said, 3);
    // One daemon has no network.
    relay.cut();
    said = speak(&places, said, 6);
    relay.mend();
    said = speak(&places, said, 2);
    for member in places.iter().flat_map(|place| &place.members) {
        member.wait(&format!("<{}> line {}", member.name, said - 1));
    }
    watcher.say("end");
    for member in places.iter().flat_map(|place| &place.members) {
        member.wait("<watcher> end");
    }
    let order = assert_one_order(&places, "<watcher> begin", "<watcher> end");
    let lines = order.iter().filter(|line| line.starts_with("<p")).count();
    assert_eq!(lines, 3 * people() * said, "each line once");
    let each: BTreeSet<_> = order.iter().collect();
    assert_eq!(each.len(), order.len());

    // One is killed: the others have all that its people were shown, and see them go.
    let last: Vec<Member> = {
        let place = &places[1];
        for member in &place.members {
            member.say("last words");
        }
        places[1].daemon.signal(Signal::KILL);
        places.remove(1).members
    };
    let gone = format!("lobby ({})", 2 * people() + 1);
    let deadline = Instant::now() + 3 * PATIENCE;
    while !watcher.ask("/rooms").contains(&gone) {
        assert!(Instant::now() < deadline, "they are not gone");
        std::thread::sleep(Duration::from_millis(200));
    }
    watcher.say("over");
    for member in places.iter().flat_map(|place| &place.members) {
        member.wait("<watcher> over");
    }
    let order = assert_one_order(&places, "<watcher> begin", "<watcher> over");
    let order: BTreeSet<String> = order.into_iter().collect();
    for member in last
        .iter()
        .chain(places.iter().flat_map(|place| &place.members))
    {
        let missing: Vec<_> = member.shown().difference(&order).cloned().collect();
        assert!(missing.is_empty(), "{} was shown {missing:?}", member.name);
    }
}

#[test]
fn a_daemon_without_a_network_for_long_comes_back_into_the_same_order() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let relay = Relay::to(&redis.socket());
    let url = redis.url("stream=chat");
    let places = [
        place(&url, 0),
        place(&url, 1),
        place(&relay.url("stream=chat"), 2),
    ];
    let watcher = Talker::named(&places[0].daemon, "watcher");
    wait_lobby(&watcher, 3 * people() + 1);
    let all = || places.iter().flat_map(|place| &place.members);
    watcher.say("begin");
    all().for_each(|member| member.wait("<watcher> begin"));
    let mut said = speak(&places, 0, 3);
    relay.cut();
    let cut = Instant::now();
    while cut.elapsed() < cut_for() {
        said = speak(&places, said, 1);
    }
    relay.mend();
    let away = "-- this machine was away for too long; you come in again";
    places[2].members.iter().for_each(|one| one.wait(away));
    said = speak(&places, said, 2);
    all().for_each(|one| one.wait(&format!("<{}> line {}", one.name, said - 1)));
    watcher.say("end");
    all().for_each(|member| member.wait("<watcher> end"));

    let order = assert_one_order(&places[..2], "<watcher> begin", "<watcher> end");
    let is_said = |line: &String| line.starts_with('<');
    let order: Vec<String> = order.into_iter().filter(is_said).collect();
    let each: BTreeSet<&String> = order.iter().collect();
    assert_eq!(order.len(), 3 * people() * said + 2, "each line once");
    assert_eq!(each.len(), order.len());
    for member in &places[2].members {
        let lines = member.transcript("<watcher> begin", "<watcher> end");
        let at = lines.iter().position(|line| line == away).expect("told");
        let part = |lines: &[String]| -> Vec<String> {
            lines.iter().filter(|line| is_said(line)).cloned().collect()
        };
        let (before, after) = (part(&lines[..at]), part(&lines[at..]));
        assert!(order.starts_with(&before), "{before:?}");
        assert!(order.ends_with(&after), "{after:?}");
        let missing: Vec<_> = { member.shown() }
            .into_iter()
            .filter(|line| !each.contains(line))
            .collect();
        assert!(missing.is_empty(), "{} was shown {missing:?}", member.name);
    }
    let names = watcher.ask("/who");
    let names = names.strip_prefix("-- here: ").expect("names").split(", ");
    let names: Vec<&str> = names.collect();
    let unique: BTreeSet<&&str> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    println!("{} lines", order.len());
}

#[test]
fn a_daemon_that_misses_what_was_trimmed_joins_again() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=chat");
    let args = ["chat", "127.0.0.1:0", "--bus", &url, "--overload", "off"];
    let (first, second) = (daemon(&url, &[]), Watched::start(&args));
    let ann = Talker::named(&first, "ann");
    let bob = Talker::named(&second.daemon, "bob");
    wait_lobby(&ann, 2);
    bob.heard();
    second.daemon.stand_still();
    for line in ["one", "two", "three"] {
        ann.say(line);
        ann.wait(&format!("<ann> {line}"));
    }
    redis.ask(&["XTRIM", "chat", "MAXLEN", "1"]);
    second.daemon.signal(Signal::CONT);
    bob.wait("-- this machine was away for too long; you come in again");
    bob.wait("-- welcome; you are bob, in lobby with 1 other; /help lists commands");
    assert_eq!(bob.ask("/who"), "-- here: ann, bob");
    ann.say("after that");
    bob.wait("<ann> after that");
    assert!(second.metric("poold_bus_missing_total") >= 1.0);
    assert!(second.metric("poold_bus_rejoined_total") >= 1.0);
}

#[test]
fn a_ban_that_a_daemon_has_missed_ends_connections_there_as_well() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=chat");
    let mut command = poold(&["chat", "127.0.0.1:0", "--bus", &url, "--overload", "off"]);
    command.env("POOLD_OPERATOR_PASSWORD", "sesame");
    let (first, second) = (Daemon::spawn(&mut command), daemon(&url, &[]));
    let ann = Talker::named(&first, "ann");
    assert_eq!(ann.ask("/op sesame"), "-- you are an operator");
    let eve = connect_from("127.0.0.2", &second.address);
    send(&eve, "/nick eve\n");
    assert!(take_line(&eve).starts_with("-- welcome; you are eve"));
    wait_lobby(&ann, 2);
    second.stand_still();
    // What it has asked for already comes.
    ann.say("zero");
    ann.wait("<ann> zero");
    assert_eq!(
        ann.ask("/ban 127.0.0.2"),
        "-- 127.0.0.2 is banned until /unban"
    );
    ann.say("one");
    ann.wait("<ann> one");
    redis.ask(&["XTRIM", "chat", "MAXLEN", "1"]);
    second.signal(Signal::CONT);
    let (heard, _) = take_all(&eve);
    let heard = String::from_utf8_lossy(&heard);
    assert!(heard.contains("your address is banned"), "{heard}");
    ann.wait("-- eve left");
}

/// Two daemons, of which the second one is watched.
fn one_is_watched(first: &str, second: &str) -> (Daemon, Watched) {
    let long = ["--message-max", "256k"];
    let args = ["chat", "127.0.0.1:0", "--bus", second, "--overload", "off"];
    (daemon(first, &long), Watched::start(&args))
}

#[test]
fn a_daemon_that_reads_over_a_slow_network_keeps_its_connection() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let relay = Relay::to(&redis.socket());
    let (near, far) = (redis.url("stream=chat"), relay.url("stream=chat"));
    let (first, second) = one_is_watched(&near, &far);
    let ann = Member::come(&first, "ann");
    let bob = Member::come(&second.daemon, "bob");
    ann.say("hello");
    bob.wait("<ann> hello");
    // It takes 2.5 s.
    relay.slow(100);
    let line = "x".repeat(250_000);
    ann.say(&line);
    bob.wait(&format!("<ann> {line}"));
    assert_eq!(second.metric("poold_bus_reconnects_total"), 0.0);
}

#[test]
fn a_stream_that_is_deleted_is_read_from_its_new_begin() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=chat");
    let (first, second) = one_is_watched(&url, &url);
    let ann = Talker::named(&first, "ann");
    let bob = Talker::named(&second.daemon, "bob");
    // As if the clock had gone ahead: later entries have ids after this one.
    redis.ask(&["XADD", "chat", "99999999999999-0", "a", "b"]);
    ann.say("ahead");
    bob.wait("<ann> ahead");
    redis.ask(&["DEL", "chat"]);
    redis.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    wait_until("it is connected again", || {
        second.metric("poold_bus_reconnects_total") >= 1.0
    });
    ann.say("behind");
    bob.wait("<ann> behind");
}

#[test]
fn who_was_away_for_too_long_comes_in_again_and_names_stay_unique() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let relay = Relay::to(&redis.socket());
    let url = redis.url("stream=chat");
    let (first, second) = (daemon(&url, &[]), daemon(&relay.url("stream=chat"), &[]));
    let ann = Talker::named(&first, "ann");
    let bob = Talker::named(&second, "bob");
    let eve = Talker::named(&second, "eve");
    wait_lobby(&ann, 3);
    bob.say("/join ops");
    bob.wait("#ops -- you joined ops");
    relay.cut();
    eve.wait("-- cut off from the other machines; what you say waits");
    bob.say("in the dark");
    // The others take them for gone by the stream's time.
    let deadline = Instant::now() + 3 * PATIENCE;
    while ann.ask("/who") != "-- here: ann" {
        assert!(Instant::now() < deadline, "they are not gone");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(ann.ask("/nick eve"), "-- you are now eve");
    relay.mend();
    bob.wait("-- this machine was away for too long; you come in again");
    bob.wait("#ops <bob> in the dark");
    wait_until("they are back", || ann.ask("/who").contains("bob"));
    // Its name was taken meanwhile.
    eve.wait("-- this machine was away for too long; you come in again");
    let heard = eve.heard();
    let welcome = heard
        .iter()
        .find(|line| line.starts_with("-- welcome; you are guest-"));
    assert!(welcome.is_some(), "{heard:?}");
    send(&eve.stream, "I am not eve\n");
    let said = ann.hear();
    let is_guest = |line: &str| line.starts_with("<guest-") && line.ends_with("> I am not eve");
    let mut line = said;
    while !is_guest(&line) {
        line = ann.hear();
    }
    assert_eq!(ann.ask("/who").matches("eve").count(), 1);
}
