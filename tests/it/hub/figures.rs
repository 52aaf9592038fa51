//! What the admin endpoint, `poold status`, `poold clients` and the last line of the log tell of a
//! feed and its sources.

use std::io::Write;
use std::net::TcpListener;

use super::wait_readers;
use crate::support::admin::Watched;
use crate::support::net::{connect, send, take_line};
use crate::support::spool::wait_until;

#[test]
fn sources_readers_and_losses_are_counted_everywhere() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let mut watched = Watched::start(&[
        "hub",
        "127.0.0.1:0",
        "--from",
        &from,
        "--filter",
        "one|x",
        "--outbox-max",
        "1k",
    ]);
    let (mut source, _) = server.accept().expect("it connects");
    let reader = connect(&watched.daemon.address);
    wait_readers(&watched, 1);
    source.write_all(b"zero\none\n").expect("it is read");
    assert_eq!(take_line(&reader), "one");
    send(&reader, "forged\n");
    wait_until("it is ignored", || {
        watched.metric("poold_hub_ignored_total") == 1.0
    });
    let of = |name: &str| watched.metric(&format!("{name}{{source=\"{from}\"}}"));
    assert_eq!(of("poold_source_up"), 1.0);
    assert_eq!(of("poold_source_messages_total"), 2.0);
    assert_eq!(of("poold_source_bytes_total"), 9.0);
    assert_eq!(of("poold_source_losses_total"), 0.0);
    assert!(of("poold_source_last_heard_timestamp_seconds") > 1e9);
    assert_eq!(watched.metric("poold_hub_published_total"), 2.0);
    assert_eq!(watched.metric("poold_hub_filtered_total"), 1.0);
    wait_until("it is counted", || {
        watched.metric("poold_hub_given_total") == 1.0
    });
    // It reads nothing more.
    let many = format!("{}\n", "x".repeat(500)).repeat(1000);
    while watched.metric("poold_hub_dropped_total") == 0.0 {
        source.write_all(many.as_bytes()).expect("it is read");
    }
    drop(source);
    wait_until("the source is lost", || {
        of("poold_source_losses_total") == 1.0
    });
    let (_, status, _) = watched.tool(&["status"]);
    let row = status.lines().find(|line| line.contains(&from));
    let row = row.unwrap_or_else(|| panic!("no source in:\n{status}"));
    assert!(row.contains(" down ") || row.contains(" up "), "{row}");
    assert!(status.contains("published"), "{status}");
    let dropped = watched.metric("poold_hub_dropped_total");
    let (_, rows, _) = watched.tool(&["clients"]);
    let row = rows.lines().nth(1).expect("one client");
    assert_eq!(row.split_whitespace().last(), Some(&*dropped.to_string()));
    drop(reader);
    let log = watched.daemon.stop().stderr;
    let last = log.lines().rev().find(|line| line.contains(" published: "));
    let last = last.unwrap_or_else(|| panic!("no summary in:\n{log}"));
    // What still waited for the reader is lost with it.
    let told = "dropped for slow ones, 1 kept back by --filter, 1 of clients ignored";
    assert!(last.contains(told), "{last}");
}

#[test]
fn what_is_cut_dropped_or_stray_of_a_source_is_counted() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    for (more, sent, expected) in [
        (
            &["--message-max", "4"][..],
            "one\nlong one\nrest",
            [2.0, 0.0, 0.0],
        ),
        (
            &["--message-max", "4", "--overlong", "drop"],
            "one\nlong one\nrest",
            [1.0, 1.0, 0.0],
        ),
        (
            &["--framing", "stx-etx"],
            "xx\u{2}one\u{3}\u{2}two",
            [1.0, 0.0, 2.0],
        ),
    ] {
        let args = ["hub", "127.0.0.1:0", "--from", &from];
        let watched = Watched::start(&[&args[..], more].concat());
        let (mut source, _) = server.accept().expect("it connects");
        source.write_all(sent.as_bytes()).expect("it is read");
        drop(source);
        let of = |name: &str| watched.metric(&format!("poold_source_{name}{{source=\"{from}\"}}"));
        wait_until("the source is lost", || of("losses_total") > 0.0);
        let counts = ["cut_total", "dropped_total", "stray_bytes_total"].map(of);
        assert_eq!(counts, expected, "{more:?}");
    }
}

#[test]
fn a_source_that_is_given_twice_is_refused() {
    // The password's file is no part of a source's name in logs and figures.
    let (plain, with_password) = ("redis://h?stream=s", "redis://h?stream=s&auth-file=/none");
    for (one, other, name) in [
        ("-", "-", "-"),
        (plain, with_password, "redis://h:6379/0?stream=s"),
    ] {
        let args = ["hub", "0", "--from", one, "--from", other];
        let output = crate::support::daemon::poold(&args).output();
        let output = output.expect("poold starts");
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        let told = format!("--from {name} is given twice");
        assert!(said.contains(&told), "{said}");
    }
}
