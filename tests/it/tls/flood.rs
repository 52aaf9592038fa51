//! `poold flood --tls`: it loses nothing, tells what it does not trust, and resumes if asked.

use std::process::{Command, Stdio};

use crate::support::daemon::{Daemon, Guard, poold};
use crate::support::flood::{Flood, check, flood};
use crate::support::passed::is_installed;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::Spool;
use crate::support::tls::Pair;

#[test]
fn every_message_comes_back_over_tls() {
    let pair = Pair::new();
    let root = pair.certificate();
    let daemon = pair.start("echo", &[]);
    for (args, clients, messages) in [
        (&["-c", "50", "-n", "40"][..], 50, 2_000),
        (
            &["-c", "9", "-n", "90", "-p", "30", "--threads", "3"],
            9,
            810,
        ),
        (&["-c", "3", "-n", "40", "-p", "4", "--pieces", "7"], 3, 120),
        (&["-c", "2", "-n", "8", "-p", "4", "-s", "300k"], 2, 16),
        (&["-c", "4", "-n", "40", "--rate", "2000"], 4, 160),
        (&["-c", "4", "-n", "10", "--churn"], 40, 40),
    ] {
        let tls = ["--tls", "--ca", text(&root)];
        let result = flood(&daemon.address, &[&tls[..], args].concat());
        let found = ["answered", "handshakes", "handshakes_resumed"].map(|name| &result[name]);
        assert_eq!(found, [messages, clients, 0], "{args:?}: {result}");
    }
}

#[test]
fn what_is_received_over_tls_is_confirmed_by_the_end_and_by_acknowledgements() {
    let pair = Pair::new();
    let root = pair.certificate();
    let tls = ["--tls", "--ca", text(&root), "--run", "tls", "-n", "500"];
    let mut daemon = pair.start("recv", &[]);
    let load = ["-c", "20", "-p", "30", "--expect", "nothing"];
    flood(&daemon.address, &[&tls[..], &load].concat());
    let printed = daemon.stop().stdout;
    check(&printed, &["--run", "tls", "-c", "20", "-n", "500"]);
    let daemon = pair.start("recv", &["--ack"]);
    let load = ["-c", "20", "-p", "30", "--expect", "ack"];
    flood(&daemon.address, &[&tls[..], &load].concat());
}

#[test]
fn all_members_of_a_chat_see_the_same_over_tls() {
    let pair = Pair::new();
    let root = pair.certificate();
    let daemon = pair.start("chat", &["--rate", "off"]);
    let tls = ["--tls", "--ca", text(&root)];
    let chat = [
        "--chat",
        "-c",
        "12",
        "--senders",
        "3",
        "-n",
        "300",
        "-p",
        "50",
    ];
    flood(&daemon.address, &[&tls[..], &chat].concat());
}

#[test]
fn a_unix_socket_speaks_it_too() {
    let (pair, scratch) = (Pair::new(), Scratch::new());
    let (certificate, key) = (pair.certificate(), pair.key());
    let address = format!("unix:{}", text(&scratch.join("s")));
    let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    let _daemon = Daemon::start(&[&["echo", &address], &tls[..]].concat());
    let tls = ["--tls", "--ca", text(&certificate), "-c", "5", "-n", "50"];
    flood(&address, &tls);
}

#[test]
fn a_server_that_is_not_trusted_or_plain_is_told_in_one_line() {
    let (pair, other) = (Pair::new(), Pair::new());
    let daemon = pair.start("echo", &[]);
    let plain = Daemon::echo(&[]);
    let wrong = other.certificate();
    let trust = ["--tls", "--ca", text(&wrong), "-q", "-c", "3", "-n", "5"];
    for (address, more, says) in [
        (&daemon.address, &[][..], "give its root with --ca"),
        (&daemon.address, &["--churn"], "give its root with --ca"),
        (&plain.address, &[], "does not speak TLS"),
    ] {
        let output = poold(&[&["flood", address], &trust[..], more].concat()).output();
        let output = output.expect("poold");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(says) && told.lines().count() == 1, "{told}");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(shown.contains("3 tls failed"), "{shown}");
    }
    let any = ["--tls", "--insecure", "-c", "3", "-n", "5"];
    flood(&daemon.address, &any);
}

#[test]
fn sessions_are_resumed_only_if_asked() {
    if !is_installed("openssl") {
        return;
    }
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let mut command = Command::new("openssl");
    command.args(["s_server", "-naccept", "10", "-accept", "127.0.0.1:0"]);
    command.args(["-cert", text(&certificate), "-key", text(&key)]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = command.stderr(Stdio::null()).spawn().expect("installed");
    let mut server = Guard(child);
    let said = Spool::of(server.0.stdout.take().expect("piped"));
    let line = said.wait_line("ACCEPT");
    let address = line.split_whitespace().last().expect("an address");
    let tls = ["--tls", "--ca", text(&certificate), "--churn"];
    let five = ["-c", "1", "-n", "5", "--expect", "nothing"];
    for (more, resumed) in [(&[][..], 0), (&["--resume"], 4)] {
        let load = [&tls[..], &five, more].concat();
        let result = Flood::start(address, &load).wait_good();
        let found = ["handshakes", "handshakes_resumed"].map(|name| &result[name]);
        assert_eq!(found, [5, resumed], "{result}");
    }
}
