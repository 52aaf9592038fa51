//! TLS chosen for each address.

use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect_saying, take_line, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::tls::Pair;

/// The addresses that it announces.
fn addresses(daemon: &Daemon) -> Vec<String> {
    daemon.stderr.wait_line("Press Ctrl-C");
    let text = daemon.stderr.text();
    let lines = text.lines();
    lines
        .filter_map(|line| line.strip_prefix("listening on "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_address_speaks_plainly_or_tls() {
    let (pair, scratch) = (Pair::new(), Scratch::new());
    let path = format!("unix:{}", text(&scratch.join("socket")));
    let (certificate, key) = (pair.certificate(), pair.key());
    for service in [
        &["echo", "--framing", "lines"][..],
        &["exec", "--shell", "cat"],
    ] {
        let daemon = Daemon::start(
            &[
                &service[..1],
                &["127.0.0.1:0", "tls:127.0.0.1:0", &path],
                &["--tls-cert", text(&certificate), "--tls-key", text(&key)],
                &service[1..],
            ]
            .concat(),
        );
        let all = addresses(&daemon);
        let [plain, secured, file] = &all[..] else {
            panic!("{all:?}")
        };
        assert!(!plain.starts_with("tls:") && *file == path, "{all:?}");
        let secured = secured.strip_prefix("tls:").expect("it is announced");
        let client = connect_saying(plain, "hello\n");
        assert_eq!(take_line(&client), "hello");
        let mut client = pair.connect(secured);
        client.send("hello\n");
        assert_eq!(client.take_line(), "hello");
        let client = connect_saying(secured, "hello\n");
        assert!(take_to_end(&client).starts_with(b"this port speaks TLS"));
    }
}

#[test]
fn what_is_not_meant_is_told() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    for (args, says) in [
        (&["echo", "tls:127.0.0.1:0"][..], "poold cert"),
        (&["client", "tls:localhost:7"], "poold client has --tls"),
        (
            &[&["echo", "tls:unix:"], &tls[..]].concat(),
            "no path after unix:",
        ),
        (&[&["echo", "tls:"], &tls[..]].concat(), "no port"),
    ] {
        let output = poold(args).output().expect("poold starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{told}");
        assert!(told.contains(says), "{args:?}: {told}");
    }
}
