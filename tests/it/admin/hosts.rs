//! The admin endpoint by the name that it is asked for under: a web page must not read it.

use crate::support::admin::{Watched, converse};
use crate::support::daemon::Daemon;
use crate::support::net::connect;

/// The status and the body of a request for a path under this name.
fn ask(address: &str, path: &str, host: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let mut answers = converse(&connect(address), &request);
    let answer = answers.pop().expect("an answer");
    (answer.status, answer.body)
}

#[test]
fn a_loopback_address_answers_no_name_but_localhost() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    for path in ["/", "/status", "/clients", "/clients?limit=1"] {
        for host in [
            "rebound.example",
            "rebound.example:9090",
            "localhost.example",
            "a b",
            "",
        ] {
            let (status, body) = ask(&watched.tcp, path, host);
            assert_eq!(status, 403, "{path} of {host:?}: {body}");
            assert!(
                body.contains("localhost") && body.lines().count() == 1,
                "{body}"
            );
        }
        for host in [
            "localhost",
            "LocalHost:1",
            "127.0.0.1:9090",
            "192.0.2.1",
            "[::1]",
            "[::1]:80",
        ] {
            assert_eq!(ask(&watched.tcp, path, host).0, 200, "{path} of {host}");
        }
        assert_eq!(watched.get(path).status, 200, "{path} without a Host");
    }
    let old = "GET /status HTTP/1.0\r\nHost: rebound.example\r\n\r\n";
    assert_eq!(converse(&connect(&watched.tcp), old)[0].status, 403);
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(ask(&watched.tcp, path, "rebound.example").0, 200, "{path}");
    }
    let (well, status, problem) = watched.tool(&["status"]);
    assert!(well && status.contains("echo"), "{status}{problem}");
}

#[test]
fn an_address_for_others_is_asked_by_any_name() {
    let daemon = Daemon::echo(&["--admin", ":0"]);
    let line = daemon.stderr.wait_line("admin on ");
    let port = line.rsplit(':').next().expect("a port");
    let address = format!("127.0.0.1:{port}");
    assert_eq!(ask(&address, "/status", "poold.example").0, 200);
}
