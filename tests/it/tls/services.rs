//! Services over TLS.

use std::process::Command;

use crate::support::daemon::poold;
use crate::support::scratch::{Scratch, text};
use crate::support::tls::Pair;

#[test]
fn chat_and_discard_and_exec_with_lines_speak_it() {
    let pair = Pair::new();
    let daemon = pair.start("chat", &[]);
    let mut anna = pair.connect(&daemon.address);
    anna.send("/name anna\n");
    while !anna.take_line().contains("anna") {}
    let mut berta = pair.connect(&daemon.address);
    berta.send("/name berta\n");
    while !berta.take_line().contains("berta") {}
    berta.send("hello anna\n");
    while !anna.take_line().contains("hello anna") {}

    let mut daemon = pair.start("discard", &[]);
    let mut client = pair.connect(&daemon.address);
    client.send("hello\n");
    client.end();
    client.take_all().1.expect("the session's end");
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn what_is_not_a_certificate_or_not_its_key_is_refused_in_one_line() {
    let (pair, other, scratch) = (Pair::new(), Pair::new(), Scratch::new());
    let (certificate, key, wrong_key) = (pair.certificate(), pair.key(), other.key());
    let missing = scratch.join("missing.pem");
    for (service, certificate, key, says) in [
        (
            "echo",
            &certificate,
            &wrong_key,
            "is the key of another certificate",
        ),
        ("echo", &key, &key, "it has no certificate"),
        ("echo", &certificate, &certificate, "it has no private key"),
        ("echo", &missing, &key, "No such file"),
    ] {
        let args = [
            service,
            "127.0.0.1:0",
            "--tls-cert",
            text(certificate),
            "--tls-key",
            text(key),
        ];
        refused(&mut poold(&args), says);
    }
}

fn refused(command: &mut Command, says: &str) {
    let output = command.output().expect("poold starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    assert!(
        text.contains(says) && text.lines().count() == 1,
        "{says}: {text}"
    );
}
