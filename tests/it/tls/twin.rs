//! The plain transport and that of TLS, given the same bytes in any pieces, serve the same
//! messages.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::ClientConnection;

use crate::support::daemon::Daemon;
use crate::support::net::{connect, take_all};
use crate::support::tls::{Pair, Secured};

const FRAMINGS: [&str; 9] = [
    "lines",
    "nul",
    "octet",
    "auto",
    "mllp",
    "len16",
    "json",
    "pri",
    "delimited:--",
];
const RUNS: u64 = 25;
/// Bytes that mean something in one of the framings, so that many messages come of them.
const ALPHABET: &[u8] = b"ab\n\n\0\0\r1 2-<13>{}\"\x0b\x1c\xff";

/// Marsaglia's xorshift: the same for the same seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// Pieces of a client's input: mostly short, one in eight longer than a record.
    fn pieces(&mut self) -> Vec<Vec<u8>> {
        let count = 1 + self.below(6);
        (0..count)
            .map(|_| {
                let length = match self.below(8) {
                    0 => 16_000 + self.below(20_000),
                    _ => self.below(20),
                };
                (0..length)
                    .map(|_| ALPHABET[self.below(ALPHABET.len())])
                    .collect()
            })
            .collect()
    }
}

/// Each piece in records of its own, which are cut anywhere on their way.
fn send_secured(client: &mut Secured, piece: &[u8], random: &mut Random) {
    let (session, socket) = (&mut client.0.conn, &client.0.sock);
    let cipher = encrypted(session, piece);
    send_cut(socket, &cipher, random);
}

fn encrypted(session: &mut ClientConnection, piece: &[u8]) -> Vec<u8> {
    let mut cipher = Vec::new();
    for part in piece.chunks(30_000) {
        session.writer().write_all(part).expect("room");
        while session.wants_write() {
            session.write_tls(&mut cipher).expect("a Vec");
        }
    }
    cipher
}

fn send_cut(mut socket: &TcpStream, mut bytes: &[u8], random: &mut Random) {
    while !bytes.is_empty() {
        let length = match random.below(3) {
            0 => 1 + random.below(bytes.len()),
            1 => (1 + random.below(7)).min(bytes.len()),
            _ => bytes.len(),
        };
        // The server ends clients whose framing is broken.
        if socket.write_all(&bytes[..length]).is_err() {
            return;
        }
        bytes = &bytes[length..];
    }
}

/// What the plain one answers, and how long the client took to say it all.
fn answer_plainly(daemon: &Daemon, pieces: &[Vec<u8>], random: &mut Random) -> (Vec<u8>, Duration) {
    let client = connect(&daemon.address);
    let begun = Instant::now();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        send_cut(&client, piece, random);
    }
    // It may have been ended already.
    let _ = client.shutdown(std::net::Shutdown::Write);
    let said = begun.elapsed();
    (take_all(&client).0, said)
}

/// The same of the one with TLS, and how that ended.
fn answer_secured(
    mut client: Secured,
    pieces: &[Vec<u8>],
    random: &mut Random,
) -> (Vec<u8>, Duration, io::Result<()>) {
    let begun = Instant::now();
    for piece in pieces {
        send_secured(&mut client, piece, random);
    }
    client.0.conn.send_close_notify();
    let _ = client.0.conn.write_tls(&mut client.0.sock);
    let said = begun.elapsed();
    let (bytes, end) = rest(&mut client);
    (bytes, said, end)
}

/// What comes until the end, or until the connection is lost; and why.
fn rest(client: &mut Secured) -> (Vec<u8>, io::Result<()>) {
    let (session, socket) = (&mut client.0.conn, &mut client.0.sock);
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = session.read_tls(socket);
        let processed = session.process_new_packets();
        while let Ok(length @ 1..) = session.reader().read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..length]);
        }
        match (read, processed) {
            (_, Err(error)) => return (bytes, Err(io::Error::other(error))),
            (Ok(0), _) => return (bytes, Ok(())),
            // A wait with a deadline is not begun again after a signal: signal(7).
            (Err(error), _) if error.kind() != ErrorKind::Interrupted => {
                return (bytes, Err(error));
            }
            _ => {}
        }
    }
}

/// Silence of this time ends a message of `pri`: a busy machine may make a client silent.
const SILENCE: Duration = Duration::from_millis(500);

#[test]
fn the_same_pieces_are_the_same_messages_with_and_without_tls() {
    let pair = Pair::new();
    for framing in FRAMINGS {
        let how = ["--framing", framing, "--message-max", "20k"];
        let (plain, secured) = (Daemon::echo(&how), pair.start("echo", &how));
        for seed in 0..RUNS {
            let pieces = Random::new(seed).pieces();
            loop {
                let random = &mut Random::new(seed + RUNS);
                let (expected, plainly) = answer_plainly(&plain, &pieces, random);
                let client = pair.connect(&secured.address);
                let (got, secretly, end) = answer_secured(client, &pieces, random);
                if got == expected {
                    break;
                }
                assert!(
                    framing == "pri" && plainly.max(secretly) > SILENCE,
                    "{framing}, seed {seed}: {got:?} {expected:?}, said in {plainly:?} and \
                     {secretly:?}, then {end:?}; {}",
                    secured.stderr.text()
                );
            }
        }
    }
}
