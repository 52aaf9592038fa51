//! The log names what a client's bytes look like that make no messages; never a well-behaved one.

use std::net::TcpStream;
use std::time::Duration;

use crate::support::admin::Watched;
use crate::support::daemon::Daemon;
use crate::support::net::{connect, crowd_turn, end, send, take_to_end};
use crate::support::spool::{EPISODE, Race, in_time, wait_until};

/// A client of this daemon that has sent these bytes, and stays.
fn client(daemon: &Daemon, bytes: &[u8]) -> TcpStream {
    let client = connect(&daemon.address);
    send(&client, bytes);
    client
}

/// A framing, bytes of a client that uses another one, and the hint in the log.
const ODD: &[(&str, &[u8], &str)] = &[
    ("lines", b"<14>alpha\0<14>beta\0", "--framing nul"),
    ("lines", b"{\"a\":1}\0{\"a\":2}\0", "--framing gelf"),
    ("lines", b"95 <13>1 2026-11-28 alpha", "--framing octet"),
    ("lines", b"alpha\rbeta\r", "--framing cr"),
    ("lines", b"\x0bMSH|^~\\&|\rPID|1\r\x1c\r", "--framing mllp"),
    ("lines", b"\x02data\x03\x02data\x03", "--framing stx-etx"),
    (
        "lines",
        b"<134>Nov 28 22:10:13 a<134>Nov 28 b",
        "--framing pri",
    ),
    ("lines", b"{\"a\":1}{\"b\":2}", "--framing json"),
    ("lines", b"{}__LOG4JS__{}__LOG4JS__", "delimited:__LOG4JS__"),
    ("lines", b"\0\0\0\x05hello", "--framing len32"),
    ("lines", b"\0\x05hello\0\x02ok", "--framing len16"),
    ("lines", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "TLS"),
    ("lines", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"),
    ("lines", b"PROXY TCP4 192.0.2.1 192.0.2.2 4 5\r\n", "PROXY"),
    ("lines", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "PROXY"),
    ("lines", b"\xff\xfeh\0e\0l\0l\0o\0", "UTF-16"),
    ("lines", b"\xef\xbb\xbfhello\n", "byte order mark"),
    ("lines", b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
    ("lines", b"ZBXD\x01\x02\0\0\0\0\0\0\0{}", "Zabbix"),
    (
        "lines",
        b"\x93\xa3app\xce\x65\0\n\n\x80",
        "forward protocol",
    ),
    ("lines", b"\xff\xfb\x1fhello\r\n", "telnet"),
    ("nul", b"2W\0\0\x08\0", "Beats"),
    ("lines", b"no end", "no end of a message"),
    ("nul", b"alpha\nbeta\n", "--framing lines"),
    ("mllp", b"alpha\nbeta\n", "--framing lines"),
    ("len32", b"alpha\nbeta\n", "--framing lines"),
    ("octet", b"<13>alpha\n<13>beta\n", "--framing lines"),
    ("octet", b"<13>alpha\0<13>beta\0", "--framing nul"),
];

/// All at once: most of them show when their time is over.
#[test]
fn each_kind_is_named_in_time() {
    let running: Vec<_> = ODD
        .iter()
        .map(|(framing, bytes, says)| {
            let daemon = Daemon::recv(&["--framing", framing]);
            let client = client(&daemon, bytes);
            (daemon, client, says)
        })
        .collect();
    for (daemon, client, says) in running {
        eprintln!("{says}");
        let line = daemon.stderr.wait_line("a guess: ");
        assert!(line.contains(says), "{says}: {line}");
        let peer = client.local_addr().expect("connected").to_string();
        assert!(line.contains(&peer) && line.contains("sent="), "{line}");
    }
}

#[test]
fn a_client_that_leaves_at_once_is_named_too() {
    for (framing, bytes, says) in [
        ("lines", &b"alpha\0beta\0"[..], "--framing nul"),
        ("nul", b"alpha\nbeta\n", "--framing lines"),
        ("mllp", b"alpha\nbeta\n", "--framing lines"),
        ("mllp", b"\x0ba\x1c\r\n", "outside of messages"),
        ("octet", b"1 a12 ", "outside of messages"),
    ] {
        let daemon = Daemon::recv(&["--framing", framing]);
        let client = client(&daemon, bytes);
        end(&client);
        assert_eq!(take_to_end(&client), b"");
        let line = daemon.stderr.wait_line("a guess: ");
        assert!(line.contains(says), "{line}");
    }
}

/// A message may be longer than the beginning that is kept.
#[test]
fn an_end_is_found_however_late_it_comes() {
    let once = ["x".repeat(2000), "\0".into()].concat();
    for (bytes, ends) in [(once.clone(), true), (once.repeat(40), false)] {
        let daemon = Daemon::recv(&[]);
        let client = client(&daemon, bytes.as_bytes());
        if ends {
            end(&client);
        }
        let line = daemon.stderr.wait_line("a guess: ");
        assert!(line.contains("--framing nul"), "{line}");
    }
}

#[test]
fn what_came_before_the_first_message_is_told_with_it() {
    let watched = Watched::start(&["recv", "127.0.0.1:0", "--framing", "mllp"]);
    let client = client(&watched.daemon, b"noise");
    wait_until("it is counted", || {
        watched.metric("poold_stray_bytes_total") == 5.0
    });
    send(&client, b"\x0ba\x1c\r");
    let line = watched.daemon.stderr.wait_line("a guess: ");
    assert!(line.contains("outside of messages"), "{line}");
}

#[test]
fn a_message_that_was_cut_off_is_not_outside_of_messages() {
    let mut daemon = Daemon::recv(&["--framing", "mllp"]);
    let client = client(&daemon, b"\x0bMSH|^~&");
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    let exit = daemon.stop();
    assert!(exit.lines()[0].ends_with("(partial): MSH|^~&"), "{exit:?}");
    assert!(!exit.stderr.contains("a guess"), "{}", exit.stderr);
}

/// What its rate holds back may have the end of its message.
#[test]
fn a_client_that_is_read_slowly_is_waited_for() {
    let mut daemon = Daemon::recv(&["--rate", "100,1000:1000"]);
    let line = format!("{{\"text\":\"{}\"}}\n", "x".repeat(6000));
    let client = client(&daemon, line.as_bytes());
    daemon.stdout.wait_line("xxx");
    drop(client);
    let exit = daemon.stop();
    assert!(!exit.stderr.contains("a guess"), "{}", exit.stderr);
}

/// The log has no more than the first ten, and no word of a chat.
#[test]
fn lines_are_few_and_tell_nothing_of_a_chat() {
    in_time(EPISODE, fifty_send_the_same);
}

fn fifty_send_the_same(_: &Race) {
    let mut daemon = Daemon::recv(&["--framing", "octet"]);
    for _ in 0..50 {
        let client = client(&daemon, b"secret\n");
        assert_eq!(take_to_end(&client), b"");
    }
    let exit = daemon.stop();
    let lines = exit.stderr.matches("--framing lines").count();
    assert_eq!(lines, 1, "{}", exit.stderr);

    let mut daemon = Daemon::start(&["chat", "127.0.0.1:0"]);
    let client = client(&daemon, b"\x16\x03\x01secret");
    let line = daemon.stderr.wait_line("a guess: ");
    assert!(line.contains("TLS") && !line.contains("secret"), "{line}");
    drop(client);
    daemon.stop();
}

#[test]
fn it_stands_beside_the_client() {
    let watched = Watched::start(&["recv", "127.0.0.1:0"]);
    let _odd = client(&watched.daemon, b"\x16\x03\x01\x02\0\x01");
    let _good = client(&watched.daemon, b"hello\n");
    watched.daemon.stderr.wait_line("a guess: ");
    let expected = "no message in 6 bytes; this looks like TLS";
    let (done, clients, _) = watched.tool(&["clients"]);
    assert!(done && clients.matches(expected).count() == 1, "{clients}");
    wait_until("the status has it", || {
        let status = watched.status();
        let hint = status["hinted"][0]["hint"].as_str().unwrap_or_default();
        hint.starts_with(expected)
    });
    let (done, status, _) = watched.tool(&["status"]);
    assert!(done && status.contains(expected), "{status}");
    // The admin endpoint's own clients speak HTTP, and nothing is said of them.
    assert_eq!(watched.daemon.stderr.text().matches("a guess: ").count(), 1);
}

/// Valid input of every framing gets no hint, also from a client that then stays silent.
#[test]
fn valid_input_gets_no_hint() {
    const FINE: &[(&str, &[u8])] = &[
        (
            "lines",
            b"2026-11-28 alpha\n95 bottles\n\x02data\x03\r\n{\"a\":1}\n<13>x\n",
        ),
        ("lines", b"ends\nhalf a line"),
        ("lines", b"alone and at its end"),
        ("auto", b"5 <13>a<13>b\0<13>c\n"),
        ("octet", b"5 <13>a6 <13>b\n"),
        ("nul", b"one\ntwo\0"),
        ("mllp", b"\x0bMSH|\r\x1c\r"),
        ("len32", b"\0\0\0\x02{}\0\0\0\x01\n"),
        ("length:u16be,keepalive", b"\0\0\0\0"),
        ("gelf", b"{}\0{}\n\0{}\n"),
        ("json", b"{}{}\n\n"),
        ("pri", b"<13>a<13>b\n"),
        ("raw", b"\x16\x03\x01GET / HTTP/1.1"),
    ];
    let daemons: Vec<_> = FINE
        .iter()
        .map(|(framing, bytes)| {
            let daemon = Daemon::recv(&["--framing", framing]);
            let client = client(&daemon, bytes);
            if *bytes == b"alone and at its end" {
                end(&client);
            }
            (daemon, client, framing)
        })
        .collect();
    // Longer than it takes until a client is named.
    std::thread::sleep(Duration::from_millis(4500));
    for (mut daemon, client, framing) in daemons {
        drop(client);
        let exit = daemon.stop();
        assert!(
            !exit.stderr.contains("a guess"),
            "{framing}: {}",
            exit.stderr
        );
    }
}

#[test]
fn nothing_is_said_of_ten_thousand_good_clients() {
    const CLIENTS: usize = 10_000;
    let _turn = crowd_turn();
    let mut daemon = Daemon::recv(&["--format", "raw"]);
    let clients: Vec<_> = (0..CLIENTS).map(|_| connect(&daemon.address)).collect();
    for (at, client) in clients.iter().enumerate() {
        send(client, format!("<13>{at} is here\nand has more to s"));
    }
    daemon.stdout.wait_lines(CLIENTS);
    std::thread::sleep(Duration::from_millis(4500));
    for client in &clients {
        send(client, "ay\n");
    }
    daemon.stdout.wait_lines(2 * CLIENTS);
    drop(clients);
    let exit = daemon.stop();
    assert!(!exit.stderr.contains("a guess"), "{}", exit.stderr);
}
