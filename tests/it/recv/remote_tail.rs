//! `poold tail` where the stream is not what it was, and where several share it.

use std::collections::BTreeSet;
use std::process::Stdio;

use rustix::process::{Signal, kill_process};

use super::remote::{follow, run, stored};
use crate::support::daemon::{Guard, poold, stand_still};
use crate::support::redis::Redis;
use crate::support::spool::{Spool, wait_until};

/// Later than any clock.
const MS: u64 = 5_000_000_000_000;

fn messages(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<String> {
    numbers.into_iter().map(|n| format!("m {n}")).collect()
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn entries_below_the_last_one_are_found_after_a_failover() {
    let Some(mut redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    redis.add("logs", [1, 5000], MS, 1);
    let (tail, printed, log) = follow(&url, &["--from", "start", "--format", "raw"]);
    printed.wait_lines(5000);

    // What takes over has some of them, and its clock is behind.
    stand_still(tail.pid());
    redis.restart();
    redis.add("logs", [1, 300], MS, 1);
    redis.add("logs", [3000, 9000], MS + 299, 0);
    kill_process(tail.pid(), Signal::CONT).expect("our own child");
    printed.wait_lines(9000);
    assert!(!log.text().contains("missing"), "{}", log.text());

    // Another stream of the same name; its ids are all below.
    redis.ask(&["DEL", "logs"]);
    redis.add("logs", [10_000, 10_009], 1, 1);
    printed.wait_lines(9010);
    let all = printed.text();
    assert_eq!(all.lines().count(), 9010);
    assert_eq!(lines(&all), messages((1..=9000).chain(10_000..=10_009)));
}

#[test]
fn what_follows_the_first_position_may_be_a_copy() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    redis.add("logs", [1, 500], MS, 1);
    redis.add("logs", [400, 501], MS + 1000, 1);
    let from = format!("{}-500", MS + 499);
    let args = ["tail", &url, "--from", &from, "--once", "--format", "raw"];
    let (code, printed, log) = run(&args);
    assert_eq!((code, log.as_str()), (Some(0), ""));
    assert_eq!(printed, "m 501\n");
}

#[test]
fn what_is_missing_is_told_before_the_end() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    redis.add("logs", [1, 10], MS, 1);
    redis.add("logs", [15, 20], MS + 10, 1);
    let args = ["tail", &url, "--from", "start", "--once", "--format", "raw"];
    let (code, printed, log) = run(&args);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(lines(&printed), messages((1..=10).chain(15..=20)));
    assert!(log.contains("4 messages are missing"), "{log}");
}

#[test]
fn what_is_no_stream_is_told_wherever_it_is_to_begin() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    redis.ask(&["SET", "logs", "no stream"]);
    let ways = [&[][..], &["--group", "g"]];
    let all = ways
        .into_iter()
        .flat_map(|way| ["start", "now", "5-0"].map(|from| (way, from)));
    for (way, from) in all {
        let (code, _, log) = run(&[&["tail", &url, "--from", from], way].concat());
        assert_eq!((code, log.lines().count()), (Some(1), 1), "{log}");
        assert!(log.contains("holds something else there"), "{log}");
    }
}

/// Entries of the only group that are pending, and that no reader was given yet.
fn state(redis: &Redis) -> Option<[u64; 2]> {
    // Before there is a stream, an error.
    let info = redis.ask(&["XINFO", "GROUPS", "logs"]);
    let value = |name: &str| {
        let at = info.iter().position(|word| word == name)?;
        info.get(at + 1)?.parse().ok()
    };
    Some([value("pending")?, value("lag")?])
}

/// A reader of a group; its output is a pipe that nothing reads.
fn stuck(url: &str, args: &[&str]) -> Guard {
    let mut command = poold(&[&["tail", url], args].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    Guard(command.spawn().expect("poold starts"))
}

#[test]
fn a_group_shares_the_work_and_takes_over_what_a_dead_reader_had() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    let long = "x".repeat(4000);
    for number in 1..=200 {
        let name = format!("r-{number}");
        redis.ask(&[
            "XADD",
            "logs",
            "*",
            "n",
            &name,
            "message",
            &format!("{number} {long}"),
        ]);
    }
    let shared = [
        "--group", "g", "--from", "start", "--format", "raw", "--claim", "1s",
    ];
    let mut dead = stuck(&url, &[&shared[..], &["--consumer", "a"]].concat());
    wait_until("it has some", || {
        state(&redis).is_some_and(|[pending, _]| pending > 0)
    });
    let (_alive, printed, log) = follow(&url, &[&shared[..], &["--consumer", "b"]].concat());
    printed.wait_lines(1);
    let dead_printed = dead.0.stdout.take().expect("piped");
    dead.0.kill().expect("our own child");
    let dead_printed = Spool::of(dead_printed).wait_end();
    log.wait_line(
        "entries that another reader was given are printed now; some may have been before",
    );
    wait_until("all are read", || state(&redis) == Some([0, 0]));
    let numbers = |text: &str| -> Vec<u64> {
        let whole = text.lines().filter(|line| line.len() > 4000);
        whole
            .filter_map(|line| line.split(' ').next()?.parse().ok())
            .collect()
    };
    printed.wait_times("200 ", 1);
    let (alive, dead) = (
        numbers(&printed.text()),
        numbers(&String::from_utf8_lossy(&dead_printed)),
    );
    let all: BTreeSet<u64> = alive.iter().chain(&dead).copied().collect();
    assert_eq!(all, (1..=200).collect());
    // Each reader prints each at most once.
    for one in [&alive, &dead] {
        assert_eq!(one.iter().collect::<BTreeSet<_>>().len(), one.len());
    }
}

#[test]
fn a_reader_of_a_group_goes_on_with_its_own_and_tells_what_was_trimmed() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    redis.add("logs", [1, 10], MS, 1);
    redis.ask(&["XGROUP", "CREATE", "logs", "g", "0"]);
    let give = [
        "XREADGROUP",
        "GROUP",
        "g",
        "a",
        "COUNT",
        "4",
        "STREAMS",
        "logs",
        ">",
    ];
    redis.ask(&give);
    let once = |consumer: &str| {
        let args = ["tail", &url, "--group", "g", "--consumer", consumer];
        run(&[&args, &["--format", "raw", "--once"][..]].concat())
    };
    let (code, printed, log) = once("a");
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(lines(&printed), messages(1..=10));
    assert!(log.contains("4 entries that a was given"), "{log}");
    assert_eq!(redis.ask(&["XPENDING", "logs", "g"])[0], "0");

    // What is pending is trimmed as all else is.
    redis.add("logs", [11, 20], MS + 100, 1);
    redis.ask(&give);
    redis.ask(&["XTRIM", "logs", "MAXLEN", "2"]);
    let (code, printed, log) = once("a");
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(lines(&printed), messages(19..=20));
    assert!(log.contains("4 entries were trimmed"), "{log}");

    // Another group has them all; and who reads alone takes nothing away.
    let args = ["tail", &url, "--group", "h", "--from", "start", "--once"];
    let (code, printed, log) = run(&[&args, &["--format", "raw"][..]].concat());
    assert_eq!((code, log.as_str()), (Some(0), ""));
    assert_eq!(lines(&printed), messages(19..=20));
    assert_eq!(stored(&url, &["--format", "raw"]).len(), 2);
    for option in ["--group", "--consumer"] {
        let (code, _, log) = run(&["tail", &url, option, ""]);
        assert_eq!((code, log.lines().count()), (Some(2), 1), "{log}");
        assert!(log.contains(option), "{log}");
    }
}
