//! A TLS session, joined to a client's without a socket: any pieces, cut and changed anywhere.
//!
//! What is checked: nothing panics; what a client sends comes out as it was sent and goes back so,
//! the twin of plain bytes; of what was changed on its way only what came before is served, and the
//! change is noticed.
//!
//! A handshake takes longer than all else, so a session that an input has neither ended nor changed
//! serves the next one, too. What fails late in a session says how many inputs came before.

#![no_main]

// The session is no part of the library's interface: its files are compiled here once more.
#[allow(dead_code, unused_imports, reason = "the target needs a part of it")]
#[path = "../../../src"]
mod src {
    pub mod error;
    pub mod tls;
}

use src::{error, tls};

#[path = "../../../src/tls/tests/twin.rs"]
mod twin;

use std::cell::Cell;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

use tls::{ClientTls, Tls, Trust};
use twin::Twin;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    cuts: [u8; 5],
    /// Of sixteen inputs about one ends its session, and one changes a byte: either costs a
    /// handshake.
    then: u8,
    flip: (u16, u8),
    /// Each piece, again and again as often as it says: some are longer than a record.
    pieces: Vec<(u8, &'a [u8])>,
}

const TIMES_MAX: usize = 200;
const BYTES_MAX: usize = 100_000;
/// Most inputs of one session.
const INPUTS_MAX: u32 = 1_000;

thread_local! {
    static ENDS: (Tls, ClientTls) = ends();
    /// A session, and how many inputs it has served.
    static KEPT: Cell<Option<(Twin, u32)>> = const { Cell::new(None) };
}

fn ends() -> (Tls, ClientTls) {
    let key = rcgen::KeyPair::generate().expect("ring has it");
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let made = params.self_signed(&key).expect("a certificate");
    let folder = std::env::temp_dir();
    let files = ["pem", "key"].map(|end| folder.join(format!("fuzz-{}.{end}", std::process::id())));
    std::fs::write(&files[0], made.pem()).expect("our own");
    std::fs::write(&files[1], key.serialize_pem()).expect("our own");
    let server = Tls::from_files(&files[0], &files[1]).expect("our own");
    for file in files {
        std::fs::remove_file(file).expect("our own");
    }
    (server, ClientTls::new(Trust::Any, None).expect("valid"))
}

fuzz_target!(|input: Input<'_>| {
    let mut left = BYTES_MAX;
    let pieces = input.pieces.iter().map(|(times, bytes)| {
        let times = (usize::from(*times) % TIMES_MAX).min(left / bytes.len().max(1));
        left -= times * bytes.len();
        bytes.repeat(times)
    });
    let pieces: Vec<Vec<u8>> = pieces.collect();
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let sent: usize = pieces.iter().map(|piece| piece.len()).sum();
    // All ciphertext is longer than its plaintext.
    let (at, change) = (usize::from(input.flip.0), input.flip.1);
    let flip = (input.then % 16 == 1 && at < sent && change != 0).then_some((at, change));
    let way = twin::Way {
        cuts: &input.cuts,
        flip,
    };
    let open = || ENDS.with(|(server, client)| (Twin::open(server, client, &way), 0));
    let (mut session, inputs) = KEPT.take().unwrap_or_else(open);
    session.send(&pieces, &way);
    if flip.is_some() || input.then % 16 == 0 || inputs >= INPUTS_MAX {
        twin::check(&session.end(&way), &pieces, flip.is_some());
    } else {
        twin::check_so_far(&session.so_far(), &pieces, inputs);
        KEPT.set(Some((session, inputs + 1)));
    }
});
