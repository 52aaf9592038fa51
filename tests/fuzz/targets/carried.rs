//! A connection's state from another process, with any bytes.
//!
//! What is checked: nothing panics, in the state or in the framing that goes on with it; a state
//! that is taken is the same when it is written down and read again; no decoder holds more than a
//! message.

#![no_main]

// The reader is no part of the library's interface: its files are compiled here once more.
#[allow(dead_code, unused_imports, reason = "the target needs a part of it")]
#[path = "../../../src"]
mod src {
    pub mod connection {
        pub mod carried;
    }
    pub mod error;
    pub mod framing;
    pub mod net {
        pub mod address;
    }
}

/// What the files above import.
mod limits {
    pub(crate) mod options {
        pub(crate) const TIME_MAX: std::time::Duration =
            std::time::Duration::from_secs(100 * 365 * 24 * 60 * 60);
    }
}

use src::{error, framing, net};

use libfuzzer_sys::fuzz_target;

use framing::{Decoder, Framing, Overlong};
use src::connection::carried::Carried;

const HEAD: &[u8] = b"poold client 1\n";
const MESSAGE_MAX: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    let Some(carried) = Carried::parse(&[HEAD, bytes].concat()) else {
        return;
    };
    assert_eq!(Carried::parse(&carried.to_bytes()).as_ref(), Some(&carried));
    let Ok(framing) = carried.framing.parse::<Framing>() else {
        return;
    };
    let mut decoder = Decoder::new(&framing, MESSAGE_MAX, Overlong::Truncate);
    if decoder.resume(carried.place.clone()).is_none() {
        return;
    }
    let mut rest = &carried.unread[..];
    while !rest.is_empty() && decoder.fault().is_none() {
        let (used, message) = decoder.next(rest);
        let goes_on = used > 0 || message.is_some();
        rest = &rest[used..];
        assert!(goes_on || decoder.fault().is_some(), "it goes on");
    }
    let _ = decoder.finish();
});
