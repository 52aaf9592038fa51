//! `recv` to a server over TLS, with a replica, and away at the drain.

use std::time::Duration;

use super::remote::{run, stored};
use crate::support::authority::Authority;
use crate::support::daemon::Daemon;
use crate::support::net::{connect, free_port, send, take_line};
use crate::support::redis::Redis;
use crate::support::scratch::text;
use crate::support::spool::{at_most, wait_until};

#[test]
fn a_server_over_tls_takes_messages_and_the_other_scheme_is_told() {
    let authority = Authority::new();
    let files = authority.make("localhost", 1, 2099);
    let port = free_port();
    let settings = [
        "tls-auth-clients no".to_owned(),
        format!("tls-port {port}"),
        format!("tls-cert-file {}", text(&files.certificate)),
        format!("tls-key-file {}", text(&files.key)),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let Some(redis) = Redis::start(&settings) else {
        return;
    };
    let ca = authority.root();
    let url = format!("rediss://localhost:{port}?stream=logs&ca={}", text(&ca));
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let client = connect(&daemon.address);
    let lines: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    send(&client, &lines);
    wait_until("they are stored", || redis.length("logs") == 20_000);
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
    let expected = lines.lines().map(str::to_owned);
    assert!(stored(&url, &["--format", "raw"]).into_iter().eq(expected));

    for (url, told) in [
        (
            format!("redis://localhost:{port}?stream=s"),
            "if it is a port for TLS, write rediss://",
        ),
        (
            format!("rediss://localhost:{port}?stream=s"),
            "unknown issuer",
        ),
    ] {
        let (code, _, log) = run(&["recv", ":0", "--output", &url]);
        assert_eq!(code, Some(1), "{log}");
        assert!(log.contains(told), "{log}");
    }
}

#[test]
fn a_message_waits_for_a_replica() {
    let port = free_port();
    let Some(primary) = Redis::start(&[&format!("port {port}"), "repl-diskless-sync-delay 0"])
    else {
        return;
    };
    let url = format!("redis://127.0.0.1:{port}?stream=logs&wait=1");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    let line = daemon.stderr.wait_line("cannot write the output");
    assert!(line.contains("0 of 1 replicas have it (wait=)"), "{line}");
    wait_until("it is waited for again and again", || {
        let calls = primary.ask(&["INFO", "commandstats"]).into_iter();
        let of_wait = calls.filter_map(|line| {
            let rest = line.strip_prefix("cmdstat_wait:calls=")?;
            rest.split(',').next()?.parse::<u32>().ok()
        });
        of_wait.sum::<u32>() >= 3
    });
    let replica = Redis::start(&[&format!("replicaof 127.0.0.1 {port}")]).expect("as the first");
    assert_eq!(take_line(&client), "ack 1");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
    assert_eq!(stored(&url, &["--format", "raw"]), ["hello"]);
    assert_eq!(primary.length("logs"), 1, "it was sent once");

    let url = replica.url("stream=logs");
    let (code, _, log) = run(&["recv", ":0", "--output", &url]);
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("name the primary"), "{log}");
    assert_eq!(stored(&url, &["--format", "raw"]), ["hello"]);
}

#[test]
fn a_server_that_is_away_puts_no_drain_off() {
    let Some(mut redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url, "--drain", "1500ms"]);
    redis.kill();
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    daemon.stderr.wait_line("cannot write the output");
    drop(client);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    let report = exit.report();
    assert_eq!((report.received, report.delivered), (1, 0));
    let most = at_most(Duration::from_millis(2500));
    assert!(report.took() < most, "{report:?}");
}
