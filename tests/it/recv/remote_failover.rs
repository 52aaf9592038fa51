//! `recv` and `tail` where a sentinel watches a primary and two replicas: the primary is killed,
//! and the next one stands still until another has taken its place.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;

use super::remote::{follow, run, stored};
use super::remote_away::{copies, lines_of, send_until};
use crate::support::daemon::Daemon;
use crate::support::net::{connect, free_port, send};
use crate::support::redis::Redis;
use crate::support::spool::wait_until;

/// A primary, two replicas and their sentinel.
pub struct Watched {
    servers: Vec<(u16, Redis)>,
    sentinel: Redis,
    port: u16,
}

impl Watched {
    pub fn start() -> Option<Watched> {
        let ports = [free_port(), free_port(), free_port()];
        let mut servers = Vec::new();
        for port in ports {
            let (port_of, primary) = (format!("port {port}"), ports[0]);
            let replica_of = format!("replicaof 127.0.0.1 {primary}");
            let mut settings = vec![
                port_of.as_str(),
                "appendonly yes",
                "appendfsync always",
                "repl-diskless-sync-delay 0",
                "min-replicas-to-write 1",
            ];
            settings.extend((port != primary).then_some(replica_of.as_str()));
            servers.push((port, Redis::start(&settings)?));
        }
        let primary = &servers[0].1;
        for (_, replica) in &servers[1..] {
            wait_until("it follows", || replica.has("master_link_status:up"));
        }
        wait_until("both follow", || primary.has("min_slaves_good_slaves:2"));
        let port = free_port();
        let sentinel = Redis::sentinel(port, ports[0]);
        let watched = Watched {
            servers,
            sentinel,
            port,
        };
        wait_until("all are known", || {
            watched.sentinel.has(&watched.state(0, 2))
        });
        Some(watched)
    }

    /// What the sentinel says while this is the primary.
    fn state(&self, primary: usize, replicas: usize) -> String {
        let port = self.servers[primary].0;
        format!(
            "master0:name=main,status=ok,address=127.0.0.1:{port},slaves={replicas},sentinels=1"
        )
    }

    /// A URL; the first of its sentinels is away.
    pub fn url(&self, query: &str) -> String {
        let (away, port) = (free_port(), self.port);
        format!("redis+sentinel://127.0.0.1:{away},127.0.0.1:{port}/main?{query}")
    }

    pub fn kill(&mut self, at: usize) {
        self.servers[at].1.kill();
    }

    fn primary(&self) -> usize {
        let found = self
            .sentinel
            .ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"]);
        let port: u16 = found[1].parse().expect("a port");
        let at = self.servers.iter().position(|(of, _)| *of == port);
        at.expect("one of ours")
    }

    fn server(&self, at: usize) -> &Redis {
        &self.servers[at].1
    }

    /// Waits until another one is the primary.
    pub fn wait_other(&self, than: usize) -> usize {
        wait_until("another one is the primary", || self.primary() != than);
        let at = self.primary();
        let server = self.server(at);
        wait_until("it says so, too", || server.has("role:master"));
        at
    }

    fn wait_more(&self, at: usize) {
        let before = self.server(at).length("logs");
        let has_more = || self.server(at).length("logs") > before + 200;
        wait_until("more is stored", has_more);
    }
}

#[test]
fn a_failover_loses_nothing_that_was_acknowledged() {
    let Some(mut watched) = Watched::start() else {
        return;
    };
    // A sentinel may choose the replica that has less, so both must have a message.
    let url = watched.url("stream=logs&wait=2");
    let mut daemon = Daemon::recv(&["--output", &url, "--ack", "--sync"]);
    let (mut tail, printed, log) = follow(&url, &["--from", "start", "--format", "raw"]);
    let stop = AtomicBool::new(false);
    let address = daemon.address.clone();
    let safe: Vec<u64> = std::thread::scope(|scope| {
        let (stop, address) = (&stop, &address);
        let senders: Vec<_> = (0..8)
            .map(|who| scope.spawn(move || send_until(stop, address, who)))
            .collect();
        printed.wait_lines(1);
        watched.wait_more(0);

        watched.kill(0);
        let second = watched.wait_other(0);
        watched.servers[0].1.run();
        let first = watched.server(0);
        first.wait();
        wait_until("it follows the other", || {
            first.has("master_link_status:up")
        });

        watched.wait_more(second);
        // Awake again, it has the connections of before. What it takes now it throws away.
        watched.server(second).stand_still();
        let third = watched.wait_other(second);
        watched.server(second).signal(Signal::CONT);
        wait_until("it follows the other", || {
            watched.server(second).has("master_link_status:up")
        });
        watched.wait_more(third);
        stop.store(true, Ordering::Relaxed);
        let safe = senders.into_iter().map(|one| one.join().expect("no panic"));
        safe.collect()
    });
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);

    let acknowledged = lines_of(&safe);
    let lines = stored(&url, &["--format", "raw"]);
    let once: BTreeSet<_> = lines.iter().cloned().collect();
    assert_eq!(once.len(), lines.len(), "each is printed once");
    assert_eq!(acknowledged.difference(&once).count(), 0, "{}", exit.stderr);
    let primary = watched.server(watched.primary());
    let copies = copies(primary, "logs");
    assert_eq!(lines.len() + copies, primary.length("logs"));
    println!("{} lines, {copies} copies", lines.len());

    // The one that was connected all the time has the same.
    printed.wait_lines(lines.len());
    tail.0.kill().expect("our own child");
    let followed = String::from_utf8(printed.wait_end()).expect("text");
    assert_eq!(followed.lines().count(), lines.len(), "{}", log.text());
    let followed: BTreeSet<_> = followed.lines().map(str::to_owned).collect();
    assert_eq!(followed, once, "{}", log.text());
}

#[test]
fn what_sentinels_can_t_tell_is_told() {
    let port = free_port();
    let Some(server) = Redis::start(&[&format!("port {port}")]) else {
        return;
    };
    let at = free_port();
    let sentinel = Redis::sentinel(at, port);
    let refused = |place: &str, told: &str| {
        let url = format!("redis+sentinel://{place}?stream=logs");
        for command in [&["recv", ":0", "--output", &url][..], &["tail", &url]] {
            let (code, _, log) = run(command);
            assert_eq!(code, Some(1), "{log}");
            assert!(log.contains(told) && log.lines().count() == 1, "{log}");
        }
    };
    refused(
        &format!("127.0.0.1:{at}/other"),
        "knows no primary of that name (sentinel monitor)",
    );
    refused(&format!("127.0.0.1:{port}/main"), "it is no sentinel");
    let away = free_port();
    let told = format!("the sentinel 127.0.0.1:{away}: no connection");
    refused(&format!("127.0.0.1:{away}/main"), &told);

    // While no server is the primary, one is waited for.
    server.ask(&["REPLICAOF", "127.0.0.1", &free_port().to_string()]);
    let url = format!("redis+sentinel://127.0.0.1:{at}/main?stream=logs");
    let mut daemon = Daemon::recv(&["--output", &url]);
    server.ask(&["REPLICAOF", "NO", "ONE"]);
    let client = connect(&daemon.address);
    send(&client, "hello\n");
    wait_until("it is stored", || server.length("logs") == 1);
    drop((client, sentinel));
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("is a replica still"),
        "{}",
        exit.stderr
    );
}
