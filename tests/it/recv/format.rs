//! How `recv` prints, and how it cuts what arrives, over real sockets.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, send, take_to_end};

/// What is printed of these bytes by `recv ARGS…`, and the sender's address.
fn printed(args: &[&str], bytes: &[u8]) -> (Vec<u8>, String) {
    let mut daemon = Daemon::recv(args);
    let client = connect(&daemon.address);
    let peer = client.local_addr().expect("connected").to_string();
    // In two pieces that end in the middle of something.
    let (first, second) = bytes.split_at(bytes.len() / 2);
    send(&client, first);
    send(&client, second);
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    (exit.stdout, peer)
}

/// As raw lines, for the framings.
fn raw(args: &[&str], bytes: &[u8]) -> String {
    let (stdout, _) = printed(&[&["--format", "raw"], args].concat(), bytes);
    String::from_utf8(stdout).expect("the test sends text")
}

#[test]
pub(crate) fn text_names_the_sender() {
    let (stdout, peer) = printed(&[], "hello\r\nGr\u{fc}\u{df}e\n\nrest".as_bytes());
    let expected = format!(
        "Message from {peer}: hello\nMessage from {peer}: Gr\u{fc}\u{df}e\n\
         Message from {peer}: \nMessage from {peer} (partial): rest\n"
    );
    assert_eq!(String::from_utf8(stdout).expect("UTF-8"), expected);
}

#[test]
pub(crate) fn json_loses_nothing() {
    let long = "x".repeat(40);
    let sent = [
        b"plain\n\"q\"\\\t\n\xff\xfe\0\n",
        long.as_bytes(),
        b"\nrest",
    ]
    .concat();
    let (stdout, peer) = printed(&["--format", "json", "--message-max", "30"], &sent);
    let lines: Vec<Value> = str::from_utf8(&stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        assert_eq!(
            (line["peer"].as_str(), line["id"].as_u64()),
            (Some(&*peer), Some(1))
        );
        let time = line["time"].as_str().expect("a time");
        assert!(
            time.len() == 24 && time.ends_with('Z') && &time[10..11] == "T",
            "{time}"
        );
    }
    assert_eq!(lines[0]["message"], "plain");
    assert_eq!(lines[1]["message"], "\"q\"\\\t");
    let bytes = BASE64_STANDARD.decode(lines[2]["bytes"].as_str().expect("not UTF-8"));
    assert_eq!(bytes.expect("base64"), b"\xff\xfe\0");
    assert_eq!(lines[3]["message"].as_str(), Some(&long[..30]));
    assert_eq!(lines[4]["message"], "rest");
    let flags = |name: &str| lines.iter().map(|l| l[name] == true).collect::<Vec<_>>();
    assert_eq!(flags("truncated"), [false, false, false, true, false]);
    assert_eq!(flags("partial"), [false, false, false, false, true]);
    assert!(
        lines
            .iter()
            .enumerate()
            .all(|(at, line)| line["bytes"].is_null() == (at != 2))
    );
}

#[test]
pub(crate) fn raw_is_the_bytes_and_a_newline() {
    let (stdout, _) = printed(&["-f", "raw"], b"a\0b\xff\n\x1b[1m\n");
    assert_eq!(stdout, b"a\0b\xff\n\x1b[1m\n");
}

#[test]
pub(crate) fn lines_and_zeros() {
    assert_eq!(raw(&[], b"a\r\nb\n\nc\rd\n"), "a\nb\n\nc\rd\n");
    assert_eq!(raw(&["--framing", "nul"], b"a\r\0b\nc\0"), "a\r\nb\nc\n");
}

#[test]
pub(crate) fn counted_octets() {
    assert_eq!(
        raw(&["--framing", "octet"], b"5 hello3 a\nb11 hello world"),
        "hello\na\nb\nhello world\n"
    );
    // A newline at a message's end, or behind it, is not part of it.
    assert_eq!(
        raw(&["--framing", "octet"], b"6 hello\n3 a\nb\n5 hello\r\n2 ok"),
        "hello\na\nb\nhello\nok\n"
    );
    // A malformed count ends the connection; what came before it is kept.
    for wrong in ["0 ", "007 x", "x", "-1 a", "99999999999 a"] {
        let sent = format!("2 ok{wrong}");
        assert_eq!(
            raw(&["--framing", "octet"], sent.as_bytes()),
            "ok\n",
            "{wrong}"
        );
    }
}

#[test]
pub(crate) fn lengths_in_front() {
    assert_eq!(
        raw(&["--framing", "len16"], b"\0\x05hello\0\0\0\x02ok"),
        "hello\n\nok\n"
    );
    assert_eq!(
        raw(&["--framing", "len32"], b"\0\0\0\x05hello\0\0\0\x02ok"),
        "hello\nok\n"
    );
    // A header alone is no message; a body that was begun is the beginning of one.
    assert_eq!(raw(&["--framing", "len16"], b"\0\x02ok\0"), "ok\n");
    assert_eq!(
        raw(&["--framing", "len16"], b"\0\x02ok\0\x05hel"),
        "ok\nhel\n"
    );
}

#[test]
pub(crate) fn whatever_arrives() {
    let all = raw(&["--framing", "raw"], b"no delimiter at all").replace('\n', "");
    assert_eq!(all, "no delimiter at all");
}

#[test]
pub(crate) fn what_is_too_long() {
    let sent = b"short\ntoo long by far\nlast\n";
    let with = |what| raw(&["--message-max", "5", "--overlong", what], sent);
    assert_eq!(with("truncate"), "short\ntoo l\nlast\n");
    assert_eq!(with("drop"), "short\nlast\n");
    assert_eq!(with("close"), "short\n");
    for (framing, sent) in [
        ("len16", &b"\0\x05short\0\x08too long\0\x04last"[..]),
        ("octet", b"5 short8 too long4 last"),
        ("octet", b"6 short\n9 too long\n5 last\n"),
        ("auto", b"short\ntoo long\0last\n"),
        ("delimited:--", b"short--too long--last--"),
        ("stx-etx", b"\x02short\x03\x02too long\x03\x02last\x03"),
    ] {
        let with = |what| {
            let args = [
                "--framing",
                framing,
                "--message-max",
                "5",
                "--overlong",
                what,
            ];
            raw(&args, sent)
        };
        assert_eq!(with("truncate"), "short\ntoo l\nlast\n", "{framing}");
        assert_eq!(with("drop"), "short\nlast\n", "{framing}");
        assert_eq!(with("close"), "short\n", "{framing}");
    }
}

/// One byte over the bound, which is the default.
#[test]
pub(crate) fn exactly_one_byte_too_long() {
    const MAX: usize = 64 * 1024;
    let long = "x".repeat(MAX + 1);
    for (framing, sent) in [
        ("lines", format!("{long}\nok\n")),
        ("octet", format!("{} {long}2 ok", MAX + 1)),
        ("nul", format!("{long}\0ok\0")),
        ("delimited:\\r\\n", format!("{long}\r\nok\r\n")),
    ] {
        let printed = raw(&["--framing", framing], sent.as_bytes());
        assert!(printed == format!("{}\nok\n", &long[..MAX]), "{framing}");
    }
    // With its newline in the count it is no longer than it may be.
    let whole = format!("{} {}\n2 ok", MAX + 1, &long[..MAX]);
    let args = ["--framing", "octet", "--overlong", "close"];
    let printed = raw(&args, whole.as_bytes());
    assert!(printed == format!("{}\nok\n", &long[..MAX]));
}

#[test]
pub(crate) fn raw_of_raw_is_every_byte_and_none_besides() {
    let (stdout, _) = printed(&["-f", "raw", "--framing", "raw"], b"\0\r\na\xff\n\nb");
    assert_eq!(stdout, b"\0\r\na\xff\n\nb");
}

#[test]
pub(crate) fn a_dash_is_the_standard_output() {
    assert_eq!(raw(&["--output", "-"], b"x\n"), "x\n");
}

#[test]
pub(crate) fn truncated_text_says_so() {
    let (stdout, peer) = printed(&["--message-max", "5"], b"too long by far\n");
    let expected = format!("Message from {peer} (truncated): too l\n");
    assert_eq!(String::from_utf8(stdout).expect("UTF-8"), expected);
}
