//! Clients that do everything right, and look closely.

use std::net::TcpStream;
use std::time::Duration;

use super::{Clock, Dice};
use crate::support::net::{connect, end, send, take, take_line, take_to_end};

/// Sends `checker C message N` to a `recv --ack`, N from 0, in pieces of random length; waits for
/// its acknowledgements now and then, and connects anew now and then. Answers how many it sent:
/// all were acknowledged.
pub fn send_numbered(address: &str, checker: u64, clock: &Clock, mut dice: Dice) -> u64 {
    let mut number = 0;
    while clock.runs() {
        let client = connect(address);
        let (mut sent, mut acknowledged) = (0, 0);
        // Some stay for a line, some for many.
        let stay = [1, 40, 4000][dice.below(3)];
        while clock.runs() && sent < stay {
            let some = 1 + dice.below(30) as u64;
            let lines: Vec<_> = (number..number + some)
                .map(|number| line(checker, number))
                .collect();
            in_pieces(&client, lines.concat().as_bytes(), &mut dice);
            (number, sent) = (number + some, sent + some);
            while acknowledged < sent {
                acknowledged = acknowledgement(&client, acknowledged, sent);
            }
            // Or the file would grow by ten times as much a second.
            std::thread::sleep(Duration::from_millis(dice.below(8) as u64));
        }
        end(&client);
        assert_eq!(take_to_end(&client), b"", "nothing but acknowledgements");
    }
    number
}

/// As it is sent, its newline included.
pub fn line(checker: u64, number: u64) -> String {
    // Some are long enough to lie across several reads.
    let padding = if number.is_multiple_of(997) {
        30_000
    } else {
        number as usize % 60
    };
    format!("checker {checker} message {number} {:x<padding$}.\n", "")
}

/// The next `ack N`: it goes up, and never beyond what was sent.
fn acknowledgement(client: &TcpStream, before: u64, sent: u64) -> u64 {
    let line = take_line(client);
    let count = line
        .strip_prefix("ack ")
        .and_then(|count| count.parse().ok());
    let count = count.unwrap_or_else(|| panic!("no acknowledgement: {line:?}"));
    assert!(
        before < count && count <= sent,
        "{before}, then {count} of {sent}"
    );
    count
}

/// Sends random bytes to an `echo`, and takes them back.
pub fn ask_and_compare(address: &str, clock: &Clock, mut dice: Dice) {
    while clock.runs() {
        let client = connect(address);
        for _ in 0..1 + dice.below(50) {
            if !clock.runs() {
                break;
            }
            let most = [50, 5_000, 100_000][dice.below(3)];
            let length = 1 + dice.below(most);
            let bytes = dice.bytes(length);
            in_pieces(&client, &bytes, &mut dice);
            assert!(
                take(&client, length) == bytes,
                "{length} bytes came back changed"
            );
        }
        let last = dice.bytes(100);
        send(&client, &last);
        end(&client);
        assert!(take_to_end(&client) == last, "what came before the end");
    }
}

fn in_pieces(client: &TcpStream, mut bytes: &[u8], dice: &mut Dice) {
    while !bytes.is_empty() {
        let most = [3, 100, 20_000][dice.below(3)];
        let (piece, rest) = bytes.split_at((1 + dice.below(most)).min(bytes.len()));
        send(client, piece);
        bytes = rest;
    }
}
