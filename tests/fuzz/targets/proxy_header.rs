//! The PROXY header, with any bytes in any pieces.
//!
//! What is checked: nothing panics; a verdict is never taken back by what follows; a header lies
//! within the bound and in what has come; a line that is taken says what it says when it is
//! written again.

#![no_main]

// The parser is no part of the library's interface: its files are compiled here once more.
#[allow(dead_code, reason = "the target needs a part of it")]
#[path = "../../../src"]
mod src {
    pub mod net {
        pub mod proxy;
    }
}

use libfuzzer_sys::fuzz_target;

use src::net::proxy::{Announced, HEADER_MAX, Seen, look};

fuzz_target!(|bytes: &[u8]| {
    let whole = look(bytes);
    for come in 0..=bytes.len() {
        match look(&bytes[..come]) {
            Ok(Seen::Begun) => {}
            earlier => {
                assert_eq!(earlier.is_err(), whole.is_err());
                if earlier.is_ok() {
                    assert_eq!(earlier, whole);
                }
                break;
            }
        }
    }
    if let Ok(Seen::Header { length, announced }) = whole {
        assert!(length <= bytes.len() && length <= HEADER_MAX);
        if let (Announced::Tcp { from, to }, b'P') = (announced, bytes[0]) {
            let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
            let (ports, to) = ((from.port(), to.port()), to.ip());
            let from = from.ip();
            let line = format!("PROXY {family} {from} {to} {} {}\r\n", ports.0, ports.1);
            let again = look(line.as_bytes());
            let length = line.len();
            assert_eq!(again, Ok(Seen::Header { length, announced }));
            assert_eq!(from.is_ipv4(), line.len() <= 56 && bytes[9] == b'4');
        }
    }
});
