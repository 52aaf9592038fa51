//! `recv` to a stream or a list of a real `redis-server`, and `poold tail`, which reads it back.

use std::process::Stdio;

use crate::support::daemon::{Daemon, Guard, poold};
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::redis::Redis;
use crate::support::spool::{Spool, wait_until};

/// `poold ARGS…`, to its end: exit code, output, log.
pub(super) fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = poold(args).output().expect("poold starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// What `poold tail` prints of all that is stored.
pub(super) fn stored(url: &str, args: &[&str]) -> Vec<String> {
    let fixed = ["tail", url, "--from", "start", "--once"];
    let (code, printed, log) = run(&[&fixed, args].concat());
    assert_eq!((code, log.as_str()), (Some(0), ""), "{log}");
    printed.lines().map(str::to_owned).collect()
}

/// `poold tail`, which goes on.
pub(super) fn follow(url: &str, args: &[&str]) -> (Guard, Spool, Spool) {
    let mut command = poold(&[&["tail", url], args].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guard = Guard(command.spawn().expect("poold starts"));
    let out = Spool::of(guard.0.stdout.take().expect("piped"));
    let log = Spool::of(guard.0.stderr.take().expect("piped"));
    (guard, out, log)
}

#[test]
fn a_message_is_an_entry_and_is_printed_as_recv_prints_it() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let url = redis.url("stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack", "--message-max", "16"]);
    let client = connect(&daemon.address);
    send(&client, b"hello\n\x1b[2J\xff\r\n0123456789abcdefgh\n");
    wait_until("they are stored", || redis.length("logs") == 3);
    send(&client, "cut");
    end(&client);
    take_to_end(&client);
    let peer = client.local_addr().expect("connected");
    assert_eq!(daemon.stop().code, Some(0));

    let entries = redis.ask(&["XRANGE", "logs", "-", "+"]);
    let number = entries[2].strip_suffix("-1").expect("the first number");
    assert_eq!(number.len(), 8);
    assert_eq!(entries[1], "n");
    assert_eq!(
        entries[3..7],
        ["peer", &peer.to_string(), "message", "hello"]
    );
    let from = format!("Message from {peer}");
    assert_eq!(
        stored(&url, &[]),
        [
            format!("{from}: hello"),
            format!("{from}: \\u{{1b}}[2J\\xff"),
            format!("{from} (truncated): 0123456789abcdef"),
            format!("{from} (partial): cut"),
        ]
    );
    let json = stored(&url, &["--format", "json"]);
    let line: serde_json::Value = serde_json::from_str(&json[1]).expect("JSON");
    assert_eq!(line["n"], format!("{number}-2"));
    assert_eq!(line["peer"], peer.to_string());
    assert_eq!(line["bytes"], "G1sySv8=");
    assert!(line["time"].as_str().expect("a time").starts_with("20"));
}

#[test]
fn a_batch_has_lines_and_a_list_has_json() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let lines: String = (0..5000).map(|n| format!("line {n}\n")).collect();
    for (query, args) in [
        ("stream=batches&entry=batch", &["--format", "json"][..]),
        ("list=list", &[]),
    ] {
        let url = redis.url(query);
        let mut daemon = Daemon::recv(&[&["--output", &url, "--ack"], args].concat());
        let client = connect(&daemon.address);
        send(&client, &lines);
        end(&client);
        let acks = String::from_utf8(take_to_end(&client)).expect("text");
        assert_eq!(acks.lines().last(), Some("ack 5000"));
        assert_eq!(daemon.stop().code, Some(0));
        let printed = match query {
            "list=list" => redis.ask(&["LRANGE", "list", "0", "-1"]),
            _ => stored(&url, &[]),
        };
        let messages = printed.iter().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            format!("{}\n", line["message"].as_str().expect("text"))
        });
        assert!(messages.eq(lines.split_inclusive('\n')), "{query}");
    }
    assert!(redis.length("batches") < 100);
    let entries = redis.ask(&["XRANGE", "batches", "-", "+", "COUNT", "1"]);
    assert_eq!((entries[1].as_str(), entries[3].as_str()), ("n", "count"));
}

#[test]
fn what_a_server_can_t_do_is_told_at_the_start() {
    let Some(redis) = Redis::start(&["requirepass secret"]) else {
        return;
    };
    let file = redis.path("password");
    std::fs::write(&file, "wrong\n").expect("our folder");
    let refused = |query: &str, args: &[&str], told: &str| {
        let url = redis.url(query);
        let (code, _, log) = run(&[&["recv", ":0", "--output", &url], args].concat());
        assert_eq!(code, Some(1), "{query}: {log}");
        assert!(log.contains(told), "{query}: {log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    };
    refused("stream=s", &[], "auth-file=PATH (NOAUTH");
    let with = format!("auth-file={file}");
    refused(&format!("stream=s&{with}"), &[], "(WRONGPASS");
    std::fs::write(&file, "secret\n").expect("our folder");
    let as_root =
        |words: &[&str]| redis.ask(&[&["--no-auth-warning", "-a", "secret"], words].concat());
    as_root(&["SET", "text", "1"]);
    refused(
        &format!("stream=text&{with}"),
        &[],
        "'text' is a string there",
    );
    refused(
        &format!("stream=s&{with}"),
        &["--ack", "--sync"],
        "it has appendonly no",
    );
    as_root(&["CONFIG", "SET", "appendonly", "yes"]);
    let everysec = "knows WAITAOF (Redis and Valkey from 7.2); it has appendfsync everysec";
    refused(&format!("stream=s&{with}"), &["--ack", "--sync"], everysec);
    as_root(&[
        "CONFIG",
        "SET",
        "maxmemory",
        "100mb",
        "maxmemory-policy",
        "allkeys-lru",
    ]);
    refused(
        &format!("stream=s&{with}"),
        &[],
        "maxmemory-policy allkeys-lru",
    );
    as_root(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    as_root(&["ACL", "SETUSER", "logger", "on", ">pass", "~s", "+xadd"]);
    std::fs::write(&file, "logger\npass\n").expect("our folder");
    refused(&format!("stream=other&{with}"), &[], "(NOPERM");

    // That user may add to this stream, and nothing else.
    let url = redis.url(&format!("stream=s&{with}"));
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    assert_eq!(take_line(&client), "ack 1");
    drop(client);
    let exit = daemon.stop();
    assert!(!exit.stderr.contains("pass"), "{}", exit.stderr);
    assert_eq!(as_root(&["XLEN", "s"]), ["1"]);
}

#[test]
fn a_url_that_is_wrong_or_leads_nowhere_is_told_and_no_password_is_repeated() {
    for (url, code, told) in [
        ("redis://u:secret@h?stream=s", 2, "auth-file=PATH"),
        (
            "redis://127.0.0.1:1?stream=s",
            1,
            "no connection: Connection refused",
        ),
        (
            "unix:/nonexistent/r?stream=s",
            1,
            "no connection: No such file",
        ),
        (
            "redis://127.0.0.1?stream=s&entry=x",
            2,
            "entry= is line or batch",
        ),
    ] {
        for command in [&["recv", ":0", "--output", url][..], &["tail", url]] {
            let (exit, _, log) = run(command);
            assert_eq!(exit, Some(code), "{log}");
            assert!(log.contains(told), "{log}");
            assert!(!log.contains("secret") && log.lines().count() == 1, "{log}");
        }
    }
    // A server that sends everything back.
    let other = Daemon::echo(&[]);
    let url = format!("redis://{}?stream=s", other.address);
    let (code, _, log) = run(&["recv", ":0", "--output", &url]);
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("is no Redis server"), "{log}");
}

#[test]
fn what_others_write_to_the_stream_is_printed_safely() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    for fields in [
        &["msg", "foreign \u{1b}[2J"][..],
        &["n", "x", "other", "b"],
        &["n", "r-99999999999999999999", "message", "too far"],
        &["n", "r-18446744073709551615", "message", "the last"],
        &["n", "r-18446744073709551615", "lines", "a\nb\n"],
        &["n", "q-1", "lines", "c\u{1b}[2J"],
        &["n", "q-2", "peer", "p\nForged", "message", "d"],
        &["n", "q-2", "message", "d"],
    ] {
        redis.ask(&[&["XADD", "s", "*"], fields].concat());
    }
    let expected = [
        "Message: foreign \\u{1b}[2J",
        "Message: n=x other=b",
        "Message: too far",
        "Message: the last",
        "a",
        "b",
        "c\\u{1b}[2J",
        "Message from p\\nForged: d",
    ];
    assert_eq!(stored(&redis.url("stream=s"), &[]), expected);
}
