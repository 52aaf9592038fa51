//! Ends of messages that are not handed out.

use super::pieces;
use crate::framing::{Decoder, Framing, Overlong};

/// A message that is dropped, or that is none, has ended all the same.
#[test]
fn an_end_without_a_message_is_told() {
    for (form, wire) in [
        ("lines", &b"12345\n1"[..]),
        ("nul", b"12345\x001"),
        ("octet", b"5 123451 "),
        ("len16", b"\0\x0512345\0"),
        ("length:u16be,keepalive", b"\0\0\0"),
        ("auto", b"\r\n1"),
        ("json", b"[1,2,3][1"),
        ("pri", b"<1>ab<2>"),
        ("mllp", b"\x0b12345\x1c\r\x0b"),
    ] {
        let framing: Framing = form.parse().expect(form);
        for size in 1..=wire.len() {
            let mut decoder = Decoder::new(&framing, 4, Overlong::Drop);
            for piece in pieces(wire, &[size]) {
                assert_eq!(decoder.next(piece), (piece.len(), None), "{form}");
            }
            assert!(decoder.is_inside(), "the next one has begun: {form}");
            assert!(decoder.take_ended(), "{form} in pieces of {size}");
            assert!(!decoder.take_ended());
        }
    }
}
