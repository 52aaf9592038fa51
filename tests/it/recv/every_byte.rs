//! Every value that a byte can have, in every framing, as JSON and as it is.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, send, take_to_end};

/// A framing's name, what it can't carry within a message, and how a message is written in it.
type Framing = (&'static str, &'static [u8], fn(&[u8]) -> Vec<u8>);

const FRAMINGS: [Framing; 8] = [
    ("lines", b"\n", |message| [message, b"\n"].concat()),
    ("nul", b"\0", |message| [message, b"\0"].concat()),
    ("cr", b"\r", |message| [message, b"\r"].concat()),
    ("delimited:|", b"|", |message| [message, b"|"].concat()),
    ("mllp", b"\x1c", |message| {
        [b"\x0b", message, b"\x1c\r"].concat()
    }),
    // A line feed at a message's end would not be part of it: only there, which is not tested here.
    ("octet", b"\n", |message| {
        [message.len().to_string().as_bytes(), b" ", message].concat()
    }),
    ("len16", b"", |message| {
        [&(message.len() as u16).to_be_bytes()[..], message].concat()
    }),
    ("len32", b"", |message| {
        [&(message.len() as u32).to_be_bytes()[..], message].concat()
    }),
];

/// Messages in which every byte that may be there is first, in the middle, last and alone.
fn messages(without: &[u8]) -> Vec<Vec<u8>> {
    let all: Vec<u8> = (0..=255).filter(|byte| !without.contains(byte)).collect();
    let alone = all.iter().map(|byte| vec![*byte]);
    // A line's last CR is no part of it: that is what the framing says, not what is tested here.
    let alone = alone.filter(|message| without != b"\n" || message != b"\r");
    let mut backwards = all.clone();
    backwards.reverse();
    [all.clone(), backwards].into_iter().chain(alone).collect()
}

fn printed(format: &str, framing: &Framing) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (name, without, encode) = framing;
    let messages = messages(without);
    let mut daemon = Daemon::recv(&["--format", format, "--framing", name]);
    let client = connect(&daemon.address);
    let wire: Vec<u8> = messages
        .iter()
        .flat_map(|message| encode(message))
        .collect();
    // In pieces of a prime length, that end everywhere.
    wire.chunks(97).for_each(|piece| send(&client, piece));
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    (exit.stdout, messages)
}

#[test]
pub(crate) fn as_json_every_byte_comes_back() {
    for framing in &FRAMINGS {
        let (stdout, messages) = printed("json", framing);
        let text = String::from_utf8(stdout).expect("JSON is UTF-8");
        let found: Vec<Vec<u8>> = text
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).expect("one object a line");
                // The text is readable in any case; what is not UTF-8 comes whole as well.
                match line["bytes"].as_str() {
                    Some(bytes) => BASE64_STANDARD.decode(bytes).expect("base64"),
                    None => line["message"].as_str().expect("a text").into(),
                }
            })
            .collect();
        assert!(found == messages, "{}", framing.0);
    }
}

#[test]
pub(crate) fn as_they_are_every_byte_comes_through() {
    for framing in &FRAMINGS {
        let (stdout, messages) = printed("raw", framing);
        let expected: Vec<u8> = messages
            .iter()
            .flat_map(|message| [message, &b"\n"[..]].concat())
            .collect();
        assert!(stdout == expected, "{}", framing.0);
    }
}
