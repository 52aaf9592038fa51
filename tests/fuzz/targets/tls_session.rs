//! A TLS session, joined to a client's without a socket: any pieces, cut and changed anywhere.
//!
//! What is checked: nothing panics; what a client sends comes out as it was sent and goes back so,
//! the twin of plain bytes; of what was changed on its way only what came before is served, and the
//! change is noticed.
//!
//! Each input makes a handshake, so this is a thousand times slower than the others.

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

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

use tls::{ClientTls, Tls, Trust};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    cuts: [u8; 5],
    flip: Option<(u16, u8)>,
    /// Each piece, again and again as often as it says: some are longer than a record.
    pieces: Vec<(u8, &'a [u8])>,
}

const TIMES_MAX: usize = 200;
const BYTES_MAX: usize = 100_000;

thread_local! {
    static ENDS: (Tls, ClientTls) = ends();
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
    let flip = input.flip.map(|(at, change)| (usize::from(at), change));
    let flip = flip.filter(|(at, change)| *at < sent && *change != 0);
    let way = twin::Way {
        cuts: &input.cuts,
        flip,
    };
    let outcome = ENDS.with(|(server, client)| twin::run(server, client, &pieces, way));
    twin::check(&outcome, &pieces, flip.is_some());
});
