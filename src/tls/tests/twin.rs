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
    /// The byte that is changed, and how, counted from the end of the handshake or from the last
    /// outcome.
    pub(crate) flip: Option<(usize, u8)>,
}

/// What has become of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) delivered: Vec<u8>,
    /// What the client got back.
    pub(crate) returned: Vec<u8>,
    pub(crate) has_failed: bool,
    /// The client was told so.
    pub(crate) is_refused: bool,
    pub(crate) ending: Option<Ending>,
}

/// A client and its session with the server.
pub(crate) struct Twin {
    client: ClientSession,
    session: Session,
    plain: Vec<u8>,
    cut: usize,
    /// Bytes so far of those that the way may change.
    seen: usize,
    is_open: bool,
    outcome: Outcome,
}

impl Twin {
    /// Makes the handshake.
    pub(crate) fn open(tls: &Tls, client: &ClientTls, way: &Way<'_>) -> Twin {
        let mut twin = Twin {
            client: client.session("localhost").expect("a name"),
            session: tls.session().expect("valid"),
            plain: vec![0; ROOM],
            cut: 0,
            seen: 0,
            is_open: false,
            outcome: Outcome::default(),
        };
        for _ in 0..CALLS_MAX {
            twin.take_all(way);
            twin.answer(&[]);
            if twin.is_open && !twin.client.is_handshaking() {
                break;
            }
        }
        assert!(twin.is_open, "{:?}", twin.outcome);
        // The end of the client's handshake may have waited for the server's.
        twin.take_all(way);
        twin
    }

    /// The client sends these pieces, and gets each back.
    pub(crate) fn send(&mut self, pieces: &[&[u8]], way: &Way<'_>) {
        for piece in pieces.iter().flat_map(|piece| piece.chunks(PIECE_MAX)) {
            if self.outcome.is_refused {
                break;
            }
            let before = self.outcome.delivered.len();
            assert_eq!(self.client.give(piece).expect("room"), piece.len());
            self.take_all(way);
            let come = self.outcome.delivered[before..].to_vec();
            self.answer(&come);
        }
    }

    /// What has become of all that was sent so far, the session going on.
    pub(crate) fn so_far(&mut self) -> Outcome {
        self.seen = 0;
        std::mem::take(&mut self.outcome)
    }

    /// The client ends the session.
    pub(crate) fn end(mut self, way: &Way<'_>) -> Outcome {
        self.client.close();
        self.take_all(way);
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

    /// Gives the session the client's bytes, as they are cut.
    fn take_all(&mut self, way: &Way<'_>) {
        let mut bytes = ciphertext(&mut self.client);
        if self.is_open {
            if let Some((at, change)) = way.flip
                && let Some(byte) = at.checked_sub(self.seen).and_then(|at| bytes.get_mut(at))
            {
                *byte ^= change;
            }
            self.seen += bytes.len();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() && !self.outcome.has_failed && self.outcome.ending.is_none() {
            let cut = way.cuts.get(self.cut % way.cuts.len().max(1));
            self.cut += 1;
            let length = match cut.copied().map_or(0, usize::from) {
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
    fn answer(&mut self, mut bytes: &[u8]) {
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
            if self.client.read_from(&mut rest).is_err() {
                self.outcome.is_refused = true;
                return;
            }
            while let Ok(length @ 1..) = self.client.take(&mut buffer) {
                self.outcome.returned.extend_from_slice(&buffer[..length]);
            }
        }
    }
}

fn ciphertext(client: &mut ClientSession) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_to(&mut bytes).expect("a Vec");
    }
    bytes
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

/// Asserts what must hold of a session that goes on, after so many inputs before.
pub(crate) fn check_so_far(outcome: &Outcome, pieces: &[&[u8]], before: u32) {
    let all = pieces.concat();
    let goes_on = !outcome.has_failed && !outcome.is_refused && outcome.ending.is_none();
    assert!(goes_on, "{outcome:?} after {before}");
    assert!(
        outcome.delivered == all && outcome.returned == all,
        "after {before}"
    );
}
