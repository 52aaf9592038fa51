//! One port for clients with and without TLS.

use std::time::Duration;

use poold::{Options, Tls, answer};
use rustls::StreamOwned;

use crate::support::admin::Watched;
use crate::support::authority::Authority;
use crate::support::daemon::{Daemon, poold};
use crate::support::gate::Gate;
use crate::support::net::{connect, connect_saying, is_reset, take_line, take_to_end};
use crate::support::scratch::text;
use crate::support::server::{options, serve};
use crate::support::spool::wait_until;
use crate::support::tls::{Pair, Secured};

/// A fatal alert: access_denied.
const REFUSAL: &[u8] = &[21, 3, 3, 0, 2, 2, 49];

#[test]
fn plain_clients_and_those_with_tls_are_served_and_told_apart() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    let echo = [
        "echo",
        "127.0.0.1:0",
        "--framing",
        "lines",
        "--tls",
        "optional",
    ];
    let watched = Watched::start(&[&echo[..], &tls[..]].concat());
    let address = &watched.daemon.address;
    let mut secured = pair.connect(address);
    secured.send("secret\n");
    assert_eq!(secured.take_line(), "secret");
    let plain = connect_saying(address, "hello\n");
    let (ok, clients, _) = watched.tool(&["clients"]);
    assert!(ok && clients.contains("  1.3\n"), "{clients}");
    plain
        .shutdown(std::net::Shutdown::Write)
        .expect("connected");
    assert_eq!(take_to_end(&plain), b"hello\n");
    assert_eq!(watched.metric("poold_tls_plain_clients_total"), 1.0);
    assert_eq!(watched.metric("poold_tls_handshakes_done_total"), 1.0);
    let failed = "poold_tls_handshakes_failed_total{reason=\"plain\"}";
    assert_eq!(watched.metric(failed), 0.0);
}

#[test]
fn a_client_that_is_silent_for_the_time_of_a_handshake_is_served_plainly() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    let how = [
        "--framing",
        "lines",
        "--tls",
        "optional",
        "--handshake",
        "100ms",
    ];
    let echo = [&["echo", "127.0.0.1:0"], &how[..], &tls[..]].concat();
    let watched = Watched::start(&echo);
    let mut silent = connect(&watched.daemon.address);
    let plain = || watched.metric("poold_tls_plain_clients_total") == 1.0;
    wait_until("it is served", plain);
    let (ok, clients, _) = watched.tool(&["clients"]);
    assert!(ok && clients.contains("  plain\n"), "{clients}");
    std::io::Write::write_all(&mut silent, b"hello\n").expect("connected");
    silent
        .shutdown(std::net::Shutdown::Write)
        .expect("connected");
    assert_eq!(take_to_end(&silent), b"hello\n");
}

#[test]
fn a_client_that_is_refused_gets_no_alert_unless_it_speaks_tls() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    let how = [
        "--framing",
        "lines",
        "--max-per-address",
        "1",
        "--log-level",
        "debug",
    ];
    for (more, expected) in [(&["--tls", "optional"][..], &b""[..]), (&[], REFUSAL)] {
        let daemon = Daemon::echo(&[&how[..], &tls, more].concat());
        let _first = connect(&daemon.address);
        daemon.stderr.wait_line("connected");
        let second = connect(&daemon.address);
        assert_eq!(take_to_end(&second), expected, "{more:?}");
    }
}

#[test]
fn it_is_refused_where_a_plain_client_would_walk_past_or_could_not_be_told() {
    let pair = Pair::new();
    let authority = Authority::new();
    let root = authority.root();
    let (certificate, key) = (pair.certificate(), pair.key());
    let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    for (service, more, says) in [
        (
            "recv",
            &["--tls-client-ca", text(&root)][..],
            "a plain client has no certificate",
        ),
        ("recv", &["--framing", "raw"], "binary data"),
        ("recv", &["--framing", "len32"], "binary data"),
        ("echo", &[], "binary data"),
        ("hub", &["--framing", "raw"], "binary data"),
    ] {
        let how = [service, "127.0.0.1:0", "--tls", "optional"];
        let output = poold(&[&how, &tls[..], more].concat())
            .output()
            .expect("poold");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && told.lines().count() == 1,
            "{told}"
        );
        assert!(told.contains(says), "{service} {more:?}: {told}");
    }
}

/// They get the first word, so a silent client is taken for a plain one soon.
#[test]
fn services_that_speak_first_speak_plainly_to_a_client_that_is_silent() {
    let pair = Pair::new();
    let optional = ["--tls", "optional"];
    let chat = pair.start("chat", &optional);
    let more = ["-w", "1", "--shell", "echo ${TLS_VERSION-plain}; cat"];
    let exec = pair.start("exec", &[&optional[..], &more].concat());
    let silent = [&chat, &exec].map(|daemon| connect(&daemon.address));
    assert!(take_line(&silent[0]).contains("/help"));
    assert_eq!(take_line(&silent[1]), "plain");
    drop(silent);
    // One that speaks at once is not held up, and one whose handshake has begun keeps its time.
    let plain = connect_saying(&exec.address, "now\n");
    assert_eq!(take_line(&plain), "plain");
    assert_eq!(take_line(&plain), "now");
    drop(plain);
    let mut secured = pair.connect(&exec.address);
    assert_eq!(secured.take_line(), "1.3");
    drop(secured);
    let mut secured = pair.connect(&chat.address);
    assert!(secured.take_line().contains("/help"));
    let begun = connect_saying(&exec.address, [0x16]);
    let other = connect(&exec.address);
    assert_eq!(take_line(&other), "plain");
    assert!(!is_reset(&begun));
}

#[test]
fn a_client_whose_hello_has_waited_for_a_worker_has_its_time_for_the_rest() {
    let (pair, gate) = (Pair::new(), Gate::default());
    let plain_after = Duration::from_millis(100);
    let tls = Tls::from_files(pair.certificate(), pair.key()).expect("a pair");
    let options = Options {
        tls: Some(tls),
        tls_optional: true,
        plain_after: Some(plain_after),
        workers: 1,
        ..options()
    };
    let at_gate = gate.clone();
    let service = answer(move |line: &[u8]| {
        if line == b"wait" {
            at_gate.pass();
        }
        line.to_vec()
    });
    let (server, address) = serve(options, service);
    let busy = connect_saying(&address, "wait\n");
    gate.wait_waiting(1);
    let mut session = pair.client(rustls::ALL_VERSIONS);
    let mut socket = connect(&address);
    session.write_tls(&mut socket).expect("a greeting");
    wait_until("it is accepted", || server.handle().stats().clients == 2);
    std::thread::sleep(2 * plain_after);
    gate.open();
    let mut client = Secured(StreamOwned::new(session, socket));
    client.send("hello\n");
    assert_eq!(client.take_line(), "hello");
    assert_eq!(take_line(&busy), "wait");
}
