//! A client and a session joined without a socket, for tests and for the fuzzer: what a client
//! sends in any pieces, cut anywhere on its way, comes out as it was sent, and goes back so.

use std::cell::RefCell;
use std::io::{self, IoSlice};

use crate::tls::{ClientSession, ClientTls, Ending, Heard, Session, Shaken, Tls};

/// Room for the largest read.
const ROOM: usize = 96 * 1024;
/// Most plaintext that the client encrypts at once.
const PIECE_MAX: usize = 30_000;
/// Most calls of a handshake: each takes a message on.
const CALLS_MAX: usize = 10_000;

/// What is done to the client's bytes on their way.
pub(crate) struct Way<'a> {
    /// Lengths of the reads, again from the first when they are used up; 0: all that is left.
    pub(crate) cuts: &'a [u8],
    /// The byte that is changed, and how, counted from the end of the handshake.
    pub(crate) flip: Option<(usize, u8)>,
}

/// What has become of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) delivered: Vec<u8>,
    /// What the client got back.
    pub(crate) returned: Vec<u8>,
    pub(crate) has_failed: bool,
    /// The client was told so.
    pub(crate) is_refused: bool,
    pub(crate) ending: Option<Ending>,
}

struct Server<'a> {
    session: Session,
    plain: Vec<u8>,
    way: Way<'a>,
    cut: usize,
    /// Bytes after the handshake so far.
    seen: usize,
    is_open: bool,
    outcome: Outcome,
}

/// Sends these pieces and the end of the session.
pub(crate) fn run(tls: &Tls, client: &ClientTls, pieces: &[&[u8]], way: Way<'_>) -> Outcome {
    let mut client = client.session("localhost").expect("a name");
    let mut server = Server {
        session: tls.session().expect("valid"),
        plain: vec![0; ROOM],
        way,
        cut: 0,
        seen: 0,
        is_open: false,
        outcome: Outcome {
            delivered: Vec::new(),
            returned: Vec::new(),
            has_failed: false,
            is_refused: false,
            ending: None,
        },
    };
    for _ in 0..CALLS_MAX {
        server.take(&ciphertext(&mut client));
        server.answer(&mut client, &[]);
        if server.is_open && !client.is_handshaking() {
            break;
        }
    }
    assert!(server.is_open, "{:?}", server.outcome);
    // The end of the client's handshake may have waited for the server's.
    server.take(&ciphertext(&mut client));
    for piece in pieces.iter().flat_map(|piece| piece.chunks(PIECE_MAX)) {
        if server.outcome.is_refused {
            break;
        }
        let before = server.outcome.delivered.len();
        assert_eq!(client.give(piece).expect("room"), piece.len());
        server.take(&ciphertext(&mut client));
        let come = server.outcome.delivered[before..].to_vec();
        server.answer(&mut client, &come);
    }
    client.close();
    server.take(&ciphertext(&mut client));
    server.finish()
}

fn ciphertext(client: &mut ClientSession) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_to(&mut bytes).expect("a Vec");
    }
    bytes
}

impl Server<'_> {
    /// Gives the session the client's bytes, as they are cut.
    fn take(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        if self.is_open {
            if let Some((at, change)) = self.way.flip
                && let Some(byte) = at.checked_sub(self.seen).and_then(|at| bytes.get_mut(at))
            {
                *byte ^= change;
            }
            self.seen += bytes.len();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() && !self.outcome.has_failed && self.outcome.ending.is_none() {
            let cuts = self.way.cuts;
            let cut = cuts.get(self.cut % cuts.len().max(1)).copied().unwrap_or(0);
            self.cut += 1;
            let length = match usize::from(cut) {
                0 => rest.len(),
                length => length.min(rest.len()),
            };
            let used = self.take_piece(&rest[..length]);
            rest = &rest[used..];
        }
    }

    /// Answers the bytes that were read.
    fn take_piece(&mut self, piece: &[u8]) -> usize {
        let mut used = 0;
        let read = |room: &mut [u8]| {
            used = piece.len().min(room.len());
            room[..used].copy_from_slice(&piece[..used]);
            Ok(used)
        };
        if !self.is_open {
            self.session.receive(read).expect("it is in memory");
            while self.session.has_record() && !self.is_open {
                match self.session.shake(&mut self.plain) {
                    Ok(Shaken::Begun) => {}
                    Ok(Shaken::Done { length }) => {
                        self.is_open = true;
                        self.outcome
                            .delivered
                            .extend_from_slice(&self.plain[..length]);
                    }
                    Err(failure) => panic!("the handshake fails: {failure:?}"),
                }
            }
            return used;
        }
        match self.session.take(&mut self.plain, ROOM, read) {
            Ok(Heard::Bytes { length, .. }) => {
                self.outcome
                    .delivered
                    .extend_from_slice(&self.plain[..length]);
            }
            Ok(Heard::End(ending)) => self.outcome.ending = Some(ending),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                self.outcome.has_failed = true;
            }
        }
        used
    }

    /// Sends this and what the session has to say.
    fn answer(&mut self, client: &mut ClientSession, mut bytes: &[u8]) {
        let sent = RefCell::new(Vec::new());
        let send = |bytes: &[u8]| {
            sent.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        };
        self.session.push_out(send).expect("it is in memory");
        while !bytes.is_empty() && !self.outcome.has_failed {
            match self.session.give(&[IoSlice::new(bytes)], send) {
                Ok(length) => bytes = &bytes[length..],
                // It has failed, and the caller learns of it with the next read.
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
                    return;
                }
            }
        }
        let sent = sent.into_inner();
        let mut rest = &sent[..];
        let mut buffer = [0; 4096];
        while !rest.is_empty() {
            if client.read_from(&mut rest).is_err() {
                self.outcome.is_refused = true;
                return;
            }
            while let Ok(length @ 1..) = client.take(&mut buffer) {
                self.outcome.returned.extend_from_slice(&buffer[..length]);
            }
        }
    }

    fn finish(mut self) -> Outcome {
        // The end was read with what came before it, or the failure is told now.
        while !self.outcome.has_failed && self.outcome.ending.is_none() {
            match self.session.take(&mut self.plain, ROOM, |_| Ok(0)) {
                Ok(Heard::Bytes { .. }) => {}
                Ok(Heard::End(ending)) => self.outcome.ending = Some(ending),
                Err(_) => self.outcome.has_failed = true,
            }
        }
        self.outcome
    }
}

/// Asserts what must hold of an outcome.
pub(crate) fn check(outcome: &Outcome, pieces: &[&[u8]], is_flipped: bool) {
    let all = pieces.concat();
    assert!(all.starts_with(&outcome.delivered), "what was not sent");
    assert!(
        outcome.delivered.starts_with(&outcome.returned),
        "what was not returned"
    );
    if is_flipped {
        // It may wait for the rest of a record whose length was changed; and two bytes of a record
        // mean nothing.
        let is_noticed = outcome.has_failed || outcome.ending == Some(Ending::Truncated);
        assert!(is_noticed || outcome.delivered == all, "{outcome:?}");
    } else {
        assert_eq!(
            (outcome.has_failed, outcome.is_refused, outcome.ending),
            (false, false, Some(Ending::Said))
        );
        assert!(outcome.delivered == all && outcome.returned == all);
    }
}
