//! The same feed on several machines, by a stream of a real `redis-server`.

use std::collections::BTreeSet;
use std::net::TcpStream;

use super::sources::{hub, stop};
use super::wait_readers;
use crate::support::admin::Watched;
use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::redis::Redis;
use crate::support::spool::wait_until;

fn take_lines(client: &TcpStream, count: usize) -> Vec<String> {
    (0..count).map(|_| take_line(client)).collect()
}

/// A hub that follows a stream.
fn follower(url: &str, args: &[&str]) -> Daemon {
    let daemon = hub(&[&["--from", url], args].concat());
    daemon.stderr.wait_line("the source is connected");
    daemon
}

#[test]
fn a_feed_goes_to_a_stream_and_comes_from_it() {
    let Some(mut redis) = Redis::start(&["appendonly yes", "appendfsync always"]) else {
        return;
    };
    let url = redis.url("stream=feed");
    let mut first = Watched::start(&["hub", "127.0.0.1:0", "--to", &url]);
    let mut second = Watched::start(&["hub", "127.0.0.1:0", "--from", &url, "--last", "9"]);
    second.daemon.stderr.wait_line("the source is connected");
    let (sender, beside) = (
        connect(&first.daemon.address),
        connect(&first.daemon.address),
    );
    let reader = connect(&second.daemon.address);
    wait_readers(&first, 2);
    wait_readers(&second, 1);
    let lines: Vec<String> = (0..5000).map(|n| format!("line {n}")).collect();
    send(&sender, lines.join("\n") + "\n");
    assert_eq!(take_lines(&beside, 5000), lines);
    assert_eq!(take_lines(&reader, 5000), lines);
    wait_until("all are answered", || {
        first.metric("poold_remote_written_total") == 5000.0
    });
    assert_eq!(first.metric("poold_hub_to_dropped_total"), 0.0);

    // What comes while the server is away waits, as far as there is room; each reader gets it once.
    redis.kill();
    send(&sender, "one\ntwo\n");
    assert_eq!(take_lines(&beside, 2), ["one", "two"]);
    first.daemon.stderr.wait_line("cannot write to the stream");
    let long = format!("{}\n", "x".repeat(1000));
    while first.metric("poold_hub_to_dropped_total") == 0.0 {
        send(&sender, long.repeat(100));
        take_lines(&beside, 100);
    }
    redis.run();
    redis.wait();
    first.daemon.stderr.wait_line("writing to the stream again");
    assert_eq!(take_lines(&reader, 2), ["one", "two"]);
    send(&sender, "last\n");
    while take_line(&reader) != "last" {}
    // It was not read again and again: what did not fit has no number.
    let of = |name: &str| format!("{name}{{source=\"{}\"}}", redis.url("stream=feed"));
    assert_eq!(second.metric(&of("poold_source_missing_total")), 0.0);
    assert!(second.metric(&of("poold_source_lag_seconds")) < 3600.0);
    drop((sender, beside, reader));
    assert_eq!(second.daemon.stop().code, Some(0));
    assert_eq!(first.daemon.stop().code, Some(0));
}

#[test]
fn what_clients_of_any_machine_send_comes_to_all_in_one_order() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=feed");
    let hubs = [
        follower(&url, &["--write-back"]),
        follower(&url, &["--write-back"]),
    ];
    let clients: Vec<_> = hubs.iter().map(|hub| connect(&hub.address)).collect();
    // Once it comes, also from the past, a client is let in.
    send(&clients[0], "begin\n");
    for client in &clients {
        assert_eq!(take_line(client), "begin");
    }
    let count = 2000;
    for (who, client) in clients.iter().enumerate() {
        let lines: String = (0..count).map(|n| format!("{who} {n}\n")).collect();
        send(client, lines);
    }
    let seen: Vec<_> = { clients.iter() }
        .map(|client| take_lines(client, 2 * count))
        .collect();
    assert!(seen[0] == seen[1], "one order");
    let all: BTreeSet<_> = seen[0].iter().cloned().collect();
    assert_eq!(all.len(), 2 * count);
    for who in 0..2 {
        let own = { seen[0].iter() }.filter(|line| line.starts_with(&format!("{who} ")));
        assert!(
            own.eq((0..count)
                .map(|n| format!("{who} {n}"))
                .collect::<Vec<_>>()
                .iter())
        );
    }
    drop(clients);
    for hub in hubs {
        stop(hub);
    }
}

/// Nothing between two messages shows where the first ends.
#[test]
fn each_message_is_an_entry_at_once_whatever_the_framing() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    for (framing, cut, sent, expected) in [
        (
            "pri",
            "<12>zero",
            "<13>one<14>two",
            &["<12>zero", "<13>one", "<14>two"][..],
        ),
        (
            "json",
            "{\"zero\":",
            "{\"one\":1}[2]",
            // A reader of the other hub would take what follows for a part of the first.
            &["{\"one\":1}", "[2]"],
        ),
    ] {
        let url = redis.url(&format!("stream={framing}"));
        let first = Daemon::start(&["hub", "127.0.0.1:0", "--framing", framing, "--to", &url]);
        let second = follower(&url, &[]);
        let reader = connect(&second.address);
        let leaves = connect(&first.address);
        send(&leaves, cut);
        end(&leaves);
        assert_eq!(take_to_end(&leaves), b"");
        let sender = connect(&first.address);
        send(&sender, sent);
        assert_eq!(take_lines(&reader, expected.len()), expected);
        drop((reader, sender));
        stop(second);
        stop(first);
    }
}

#[test]
fn what_recv_writes_is_a_feed() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let follow = |query: &str| {
        let url = redis.url(query);
        let recv = Daemon::recv(&["--output", &url, "--format", "text"]);
        let hub = follower(&url, &["--message-max", "40"]);
        let (sender, reader) = (connect(&recv.address), connect(&hub.address));
        send(&sender, format!("hello\n{}\n", "x".repeat(50)));
        let lines = take_lines(&reader, 2);
        let peer = sender.local_addr().expect("connected");
        drop((sender, reader));
        stop(hub);
        stop(recv);
        (peer, lines)
    };
    let (_, lines) = follow("stream=entries");
    assert_eq!(lines, ["hello", &"x".repeat(40)]);
    let (peer, lines) = follow("stream=batches&entry=batch");
    assert_eq!(lines[0], format!("Message from {peer}: hello"));
    assert_eq!(lines[1].len(), 40);
}

#[test]
fn a_stream_that_would_feed_itself_is_refused() {
    for (args, told) in [
        (
            &[
                "--from",
                "redis://h?stream=a",
                "--to",
                "redis://h:6379?stream=a",
            ][..],
            "it would get what comes from it",
        ),
        (&["--to", "redis://h?list=a"], "a feed is a stream"),
        (&["--to", "redis://u:secret@h?stream=a"], "auth-file=PATH"),
        (&["--from", "redis://u:secret@h?stream=a"], "auth-file=PATH"),
        (&["--from", "redis://h?list=a"], "a feed is a stream"),
    ] {
        let output = poold(&[&["hub", "0"], args].concat()).output();
        let output = output.expect("poold starts");
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(log.contains(told) && !log.contains("secret"), "{log}");
    }
}
