//! Certificates: several names, new files while it runs, certificates of clients.

use crate::support::authority::{Authority, Files, shake};
use crate::support::daemon::Daemon;
use crate::support::scratch::text;
use crate::support::spool::wait_until;

fn start(service: &str, pairs: &[&Files], args: &[&str]) -> Daemon {
    let mut all = vec![service, "127.0.0.1:0"];
    for pair in pairs {
        all.extend([
            "--tls-cert",
            text(&pair.certificate),
            "--tls-key",
            text(&pair.key),
        ]);
    }
    all.extend(args);
    Daemon::start(&all)
}

/// Whether the server has served it: a client that is refused may believe that it is connected.
fn is_served(daemon: &Daemon, authority: &Authority, own: Option<&Files>) -> bool {
    let Ok(mut client) = shake(&daemon.address, &authority.root(), "localhost", own) else {
        return false;
    };
    use std::io::{Read, Write};
    let sent = client
        .0
        .write_all(b"hello\n")
        .and_then(|()| client.0.flush());
    let mut answer = [0; 6];
    sent.and_then(|()| client.0.read_exact(&mut answer)).is_ok()
}

#[test]
fn each_name_has_its_certificate_and_a_client_without_one_gets_the_first() {
    let (one, two) = (Authority::new(), Authority::new());
    let first = one.make("one.example", 1, 2090);
    let second = two.make("two.example", 1, 2090);
    let daemon = start("echo", &[&first, &second], &[]);
    for (authority, name, is_right) in [
        (&one, "one.example", true),
        (&two, "two.example", true),
        (&two, "one.example", false),
    ] {
        let shaken = shake(&daemon.address, &authority.root(), name, None);
        assert_eq!(shaken.is_ok(), is_right, "{name}");
    }
    // An address is no name that a client may ask for: it sees the first one.
    let error = shake(&daemon.address, &one.root(), "127.0.0.1", None).err();
    let error = error
        .expect("the first one is not for an address")
        .to_string();
    assert!(error.contains("one.example"), "{error}");
}

#[test]
fn new_files_are_used_and_those_that_do_not_fit_are_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let pair = old.make("localhost", 1, 2090);
    let next = new.make("localhost", 1, 2090);
    let daemon = start("echo", &[&pair], &[]);
    let mut open = shake(&daemon.address, &old.root(), "localhost", None).expect("the old one");
    std::fs::copy(&next.certificate, &pair.certificate).expect("our own");
    wait_until("the log tells of the wrong pair", || {
        let served = shake(&daemon.address, &old.root(), "localhost", None);
        served.expect("the old one stays");
        daemon
            .stderr
            .text()
            .contains("the certificates stay as they were")
    });
    std::fs::copy(&next.key, &pair.key).expect("our own");
    wait_until("the new one is used", || {
        shake(&daemon.address, &new.root(), "localhost", None).is_ok()
    });
    daemon.stderr.wait_line("read the certificates again");
    open.send("hello");
    assert_eq!(open.take(5), b"hello", "an open session stays");
}

#[test]
fn clients_show_a_certificate_that_is_checked() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.make("localhost", 1, 2090);
    let good = authority.make("sensor.example", 2, 2090);
    let revoked = authority.make("lost.example", 3, 2090);
    let expired = authority.make("old.example", 4, 2024);
    let strange = other.make("sensor.example", 5, 2090);
    let (ca, list) = (authority.root(), authority.revoke(3));
    let client = ["--tls-client-ca", text(&ca), "--tls-crl", text(&list)];
    let daemon = start("echo", &[&server], &client);
    assert!(is_served(&daemon, &authority, Some(&good)));
    for (own, says) in [
        (None, "the client has no certificate"),
        (Some(&revoked), "it is revoked"),
        (Some(&expired), "it has expired"),
        (
            Some(&strange),
            "its issuer is not in the file of --tls-client-ca",
        ),
    ] {
        assert!(!is_served(&daemon, &authority, own), "{says}");
        daemon.stderr.wait_line(says);
    }
    let optional = [&client[..], &["--tls-client-ca-optional"]].concat();
    let daemon = start("echo", &[&server], &optional);
    assert!(is_served(&daemon, &authority, None));
    assert!(!is_served(&daemon, &authority, Some(&strange)));
}

#[test]
fn a_clients_name_is_in_labels_and_programs_and_may_be_required() {
    let authority = Authority::new();
    let server = authority.make("localhost", 1, 2090);
    let good = authority.make("sensor.example.org", 2, 2090);
    let other = authority.make("sensor.example.com", 3, 2090);
    let ca = authority.root();
    let ca = ["--tls-client-ca", text(&ca)];
    let only = [&ca[..], &["--allow-name", "*.example.org"]].concat();
    let daemon = start(
        "echo",
        &[&server],
        &[&only[..], &["--framing", "lines"]].concat(),
    );
    assert!(is_served(&daemon, &authority, Some(&good)));
    assert!(!is_served(&daemon, &authority, Some(&other)));
    daemon
        .stderr
        .wait_line("the name in the client's certificate is not allowed");

    let daemon = start(
        "recv",
        &[&server],
        &[&ca[..], &["--format", "json"]].concat(),
    );
    let connect = |daemon: &Daemon| {
        shake(&daemon.address, &authority.root(), "localhost", Some(&good)).expect("trusted")
    };
    connect(&daemon).send("hello\n");
    daemon
        .stdout
        .wait_line("\"name\":\"sensor.example.org\",\"message\":\"hello\"");

    let program = [
        "--lines",
        "--",
        "sh",
        "-c",
        "echo $TLS_VERSION $TLS_CLIENT_NAME",
    ];
    let daemon = start("exec", &[&server], &[&ca[..], &program].concat());
    let mut client = connect(&daemon);
    client.send("run\n");
    assert_eq!(client.take_line(), "1.3 sensor.example.org");
}

#[test]
fn members_of_a_chat_may_have_the_names_in_their_certificates_and_no_others() {
    let authority = Authority::new();
    let server = authority.make("localhost", 1, 2090);
    let anna = authority.make("anna.example.org", 2, 2090);
    let ca = authority.root();
    let args = ["--tls-client-ca", text(&ca), "--name-from-certificate"];
    let daemon = start("chat", &[&server], &args);
    let connect = || shake(&daemon.address, &ca, "localhost", Some(&anna)).expect("trusted");
    let mut first = connect();
    first.send("/name berta\n");
    let line = loop {
        let line = first.take_line();
        if line.contains("certificates") {
            break line;
        }
    };
    assert!(line.contains("anna.example.org"), "{line}");
    let mut second = connect();
    second.send("/name anna.example.org\nhello\n");
    while !second.take_line().contains("taken") {}
    first.send("/quit\n");
    first.take_all().1.expect("the session's end");
    second.send("/name Anna.Example.Org\n");
    while !second.take_line().contains("Anna.Example.Org") {}
}
