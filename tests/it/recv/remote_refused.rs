//! What real servers refuse: replicas that are away, a disk that takes nothing, a cluster that is
//! down or has the stream elsewhere; and what they trim.

use std::time::Duration;

use super::remote::{run, stored};
use crate::support::daemon::Daemon;
use crate::support::net::{connect, free_port, send, take_line};
use crate::support::redis::Redis;
use crate::support::spool::wait_until;

/// The server refuses messages for this reason at the start, and once more while it runs; then it
/// takes them.
fn is_waited_for(redis: &Redis, told: &str, refuse: impl Fn(), take: impl Fn()) {
    let url = redis.url("stream=logs");
    refuse();
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let client = connect(&daemon.address);
    send(&client, "one\n");
    daemon.stderr.wait_times(told, 2);
    take();
    assert_eq!(take_line(&client), "ack 1");
    refuse();
    send(&client, "two\n");
    daemon.stderr.wait_times(told, 3);
    take();
    assert_eq!(take_line(&client), "ack 2");
    drop(client);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(exit.stderr.matches("waiting: ").count(), 1);
    assert_eq!(stored(&url, &["--format", "raw"]), ["one", "two"]);
}

#[test]
fn too_few_replicas_are_waited_for() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let set = |count: &str| {
        redis.ask(&["CONFIG", "SET", "min-replicas-to-write", count]);
    };
    let told = "lower min-replicas-to-write (NOREPLICAS";
    is_waited_for(&redis, told, || set("1"), || set("0"));
}

#[test]
fn a_disk_that_takes_nothing_is_waited_for() {
    let Some(redis) = Redis::start(&["save 3600 1", "dbfilename dump"]) else {
        return;
    };
    let save = |state: &str| {
        redis.ask(&["BGSAVE"]);
        wait_until("it has tried", || {
            redis.has("rdb_bgsave_in_progress:0") && redis.has(state)
        });
    };
    let dump = redis.path("dump");
    let refuse = || {
        let _ = std::fs::remove_file(&dump);
        std::fs::create_dir(&dump).expect("our folder");
        save("rdb_last_bgsave_status:err");
    };
    let take = || {
        std::fs::remove_dir(&dump).expect("our folder");
        save("rdb_last_bgsave_status:ok");
    };
    is_waited_for(&redis, "look into its log (MISCONF", refuse, take);
}

/// A node of a cluster.
fn node() -> Option<(u16, Redis)> {
    let (port, bus) = (free_port(), free_port());
    let settings = [
        format!("port {port}"),
        "cluster-enabled yes".to_owned(),
        format!("cluster-port {bus}"),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    Some((port, Redis::start(&settings)?))
}

#[test]
fn a_cluster_is_waited_for_and_names_the_node_with_the_stream() {
    let Some((port, one)) = node() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{port}?stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let line = daemon.stderr.wait_line("waiting: ");
    assert!(line.contains("the cluster is down"), "{line}");
    one.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    assert_eq!(take_line(&client), "ack 1");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));

    // The other node has none of the slots.
    let (port, other) = node().expect("as the first");
    let bus = other.ask(&["CONFIG", "GET", "cluster-port"]).remove(1);
    one.ask(&["CLUSTER", "MEET", "127.0.0.1", &port.to_string(), &bus]);
    wait_until("they know each other", || {
        other.ask(&["CLUSTER", "INFO"])[0].trim() == "cluster_state:ok"
    });
    let url = format!("redis://127.0.0.1:{port}?stream=logs");
    for command in [&["recv", ":0", "--output", &url][..], &["tail", &url]] {
        let (code, _, log) = run(command);
        assert_eq!(code, Some(1), "{log}");
        let told = "another server of the cluster has this stream: name that one (MOVED ";
        assert!(log.contains(told), "{log}");
    }
    let url = format!("redis://127.0.0.1:{port}/3?stream=logs");
    let (code, _, log) = run(&["tail", &url]);
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("not allowed in cluster mode"), "{log}");
}

#[test]
fn what_is_older_than_is_kept_goes() {
    let Some(redis) = Redis::start(&["stream-node-max-entries 10"]) else {
        return;
    };
    let url = redis.url("stream=logs&keep=1s");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack"]);
    let client = connect(&daemon.address);
    let lines: String = (0..1000).map(|n| format!("old {n}\n")).collect();
    send(&client, lines);
    while take_line(&client) != "ack 1000" {}
    let mut sent = 1000;
    let last = redis.ask(&["XREVRANGE", "logs", "+", "-", "COUNT", "1"]);
    while redis
        .ask(&["XRANGE", "logs", "-", &last[0], "COUNT", "20"])
        .len()
        > 60
    {
        // With each piece, once a second.
        send(&client, "new\n");
        sent += 1;
        assert_eq!(take_line(&client), format!("ack {sent}"));
        std::thread::sleep(Duration::from_millis(20));
        assert!(sent < 3000, "it is not trimmed");
    }
    assert!(redis.length("logs") < sent - 900);
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}
