//! Bounds, ends and costs, one by one.

use std::time::{Duration, Instant};

use super::{Between, FRAMINGS, OVERLONG, feed, pieces};
use crate::framing::{Decoder, Extent, Fault, Framing, Overlong};

/// All that comes of an input that arrives byte by byte.
fn bytewise(
    framing: Framing,
    max: usize,
    overlong: Overlong,
    input: &[u8],
) -> Vec<(Vec<u8>, Extent)> {
    let mut decoder = Decoder::new(framing, max, overlong);
    feed(&mut decoder, max, pieces(input, &[1]), Between::Nothing).messages
}

fn fault(framing: Framing, input: &[u8]) -> Option<Fault> {
    let mut decoder = Decoder::new(framing, 8, Overlong::Truncate);
    feed(&mut decoder, 8, [input], Between::Nothing).fault
}

#[test]
fn lines_about_as_long_as_the_bound() {
    for (line, bytes, extent) in [
        (&b"123\n"[..], &b"123"[..], Extent::Whole),
        (b"123\r\n", b"123", Extent::Whole),
        (b"1234\n", b"1234", Extent::Whole),
        (b"1234\r\n", b"1234", Extent::Whole),
        (b"12345\n", b"1234", Extent::Truncated),
        (b"12345\r\n", b"1234", Extent::Truncated),
        (b"1234\r5\n", b"1234", Extent::Truncated),
        (b"1234\r\r\n", b"1234", Extent::Truncated),
        (b"123\r\r\n", b"123\r", Extent::Whole),
        (b"\r\n", b"", Extent::Whole),
        (b"\n", b"", Extent::Whole),
        (b"1234\r", b"1234", Extent::Partial),
        (b"12\r", b"12", Extent::Partial),
    ] {
        for size in 1..=line.len() {
            let mut decoder = Decoder::new(Framing::Lines, 4, Overlong::Truncate);
            let found = feed(&mut decoder, 4, pieces(line, &[size]), Between::Rest);
            let expected = vec![(bytes.to_vec(), extent)];
            assert_eq!(found.messages, expected, "{line:?} in pieces of {size}");
            assert_eq!(found.truncated, u64::from(extent == Extent::Truncated));
        }
    }
}

#[test]
fn a_return_belongs_to_lines_alone() {
    let found = bytewise(Framing::Nul, 8, Overlong::Close, b"a\r\0\r\n\0");
    assert_eq!(found[0].0, b"a\r");
    assert_eq!(found[1].0, b"\r\n");
}

#[test]
fn every_key_that_ends_a_typed_line_ends_one() {
    for end in [&b"\n"[..], b"\r", b"\r\n", b"\r\0"] {
        let wire = [b"one", end, b"two", end, end].concat();
        let whole = |text: &str| (text.as_bytes().to_vec(), Extent::Whole);
        let expected = ["one", "two", ""].map(whole);
        for size in 1..=wire.len() {
            let mut decoder = Decoder::new(Framing::Typed, 4, Overlong::Close);
            let found = feed(&mut decoder, 4, pieces(&wire, &[size]), Between::Rest);
            assert_eq!(found.messages, expected, "{wire:?} in pieces of {size}");
            assert!(!found.is_inside, "{wire:?} in pieces of {size}");
        }
    }
}

#[test]
fn every_byte_comes_through() {
    for framing in FRAMINGS {
        for byte in 0..=u8::MAX {
            let delimiter = match framing {
                Framing::Lines => Some(b'\n'),
                Framing::Typed => Some(b'\n'),
                Framing::Nul => Some(0),
                _ => None,
            };
            if delimiter == Some(byte) || (framing, byte) == (Framing::Typed, b'\r') {
                continue;
            }
            let message = [b'<', byte, b'>'];
            let mut wire = Vec::new();
            framing.encode(&message, &mut wire);
            let mut decoder = Decoder::new(framing, 3, Overlong::Close);
            let found = feed(&mut decoder, 3, [&wire[..]], Between::Nothing);
            let expected = vec![(message.to_vec(), Extent::Whole)];
            assert_eq!(found.messages, expected, "{framing:?} {byte}");
        }
    }
}

#[test]
fn empty_messages_are_messages() {
    for (framing, wire) in [
        (Framing::Lines, &b"\n\n\n"[..]),
        (Framing::Nul, b"\0\0\0"),
        (Framing::Len16, &[0; 6]),
        (Framing::Len32, &[0; 12]),
    ] {
        let found = bytewise(framing, 1, Overlong::Close, wire);
        assert_eq!(found, vec![(Vec::new(), Extent::Whole); 3], "{framing:?}");
    }
}

#[test]
fn octet_counts_are_strict() {
    for (input, why) in [
        (&b"0 "[..], Some(Fault::BadCount)),
        (b"03 abc", Some(Fault::BadCount)),
        (b" abc", Some(Fault::BadCount)),
        (b"+3 abc", Some(Fault::BadCount)),
        (b"3\tabc", Some(Fault::BadCount)),
        (b"3abc", Some(Fault::BadCount)),
        (b"3 abc\n3 abc", Some(Fault::BadCount)),
        (b"12345678901", Some(Fault::BadCount)),
        (b"1234567890", None),
        (b"1234567890 ", Some(Fault::Overlong)),
        (b"9 ", Some(Fault::Overlong)),
        (b"8 12345678", None),
        (b"8 1234567", None),
    ] {
        assert_eq!(fault(Framing::Octet, input), why, "{input:?}");
    }
}

#[test]
fn nothing_comes_after_a_fault() {
    for (framing, wire) in [
        (Framing::Lines, &b"12345\n1\n"[..]),
        (Framing::Nul, b"12345\x001\0"),
        (Framing::Octet, b"5 12345"),
        (Framing::Len16, b"\0\x0512345"),
        (Framing::Len32, b"\0\0\0\x0512345"),
    ] {
        for size in 1..=wire.len() {
            let mut decoder = Decoder::new(framing, 4, Overlong::Close);
            let found = feed(&mut decoder, 4, pieces(wire, &[size]), Between::Nothing);
            assert_eq!(found.fault, Some(Fault::Overlong));
            assert_eq!(found.messages, [], "{framing:?} in pieces of {size}");
            assert_eq!(decoder.next(b"1\n").1, None);
            assert_eq!(decoder.finish(), None);
        }
    }
}

/// What was read is delivered, of a message that would have been cut as well.
#[test]
fn what_came_of_a_message_is_a_part() {
    for (framing, wire) in [
        (Framing::Lines, &b"123"[..]),
        (Framing::Nul, b"123"),
        (Framing::Octet, b"4 123"),
        (Framing::Len16, b"\0\x04123"),
        (Framing::Len32, b"\0\0\0\x04123"),
        (Framing::Len16, b"\0\x09123"),
        (Framing::Len32, b"\0\0\0\x09123"),
    ] {
        let found = bytewise(framing, 4, Overlong::Truncate, wire);
        let part = vec![(b"123".to_vec(), Extent::Partial)];
        assert_eq!(found, part, "{framing:?} {wire:?}");
    }
}

#[test]
fn an_endless_message_needs_no_more_memory_than_the_bound() {
    const MAX: usize = 1000;
    let piece = [b'1'; 777];
    for framing in FRAMINGS {
        for overlong in OVERLONG {
            let mut decoder = Decoder::new(framing, MAX, overlong);
            let header = u32::MAX.to_be_bytes();
            let endless = std::iter::repeat_n(&piece[..], 5000);
            let found = feed(
                &mut decoder,
                MAX,
                std::iter::once(&header[..]).chain(endless),
                Between::Nothing,
            );
            assert!(found.messages.iter().all(|(bytes, _)| bytes.len() <= MAX));
        }
    }
}

#[test]
fn memory_is_given_back_at_rest() {
    let mut decoder = Decoder::new(Framing::Lines, 100, Overlong::Truncate);
    assert_eq!(decoder.next(b"begun"), (5, None));
    decoder.rest();
    assert_eq!(decoder.held(), 5, "it is still needed");
    assert!(decoder.next(b" and ended\n").1.is_some());
    decoder.rest();
    assert_eq!(decoder.held(), 0);
}

/// If every piece made the decoder look again at what it has gathered, this would take hours.
#[test]
fn a_long_message_byte_by_byte_costs_no_more_than_its_bytes() {
    const LENGTH: usize = 4 << 20;
    let until = Instant::now() + Duration::from_secs(60);
    for framing in [Framing::Lines, Framing::Octet] {
        let mut wire = Vec::new();
        framing.encode(&vec![b'x'; LENGTH], &mut wire);
        let mut decoder = Decoder::new(framing, LENGTH, Overlong::Close);
        let mut length = 0;
        for (number, piece) in wire.chunks(1).enumerate() {
            if let (_, Some(message)) = decoder.next(piece) {
                length = message.bytes.len();
            }
            if number % 4096 == 0 {
                assert!(
                    Instant::now() < until,
                    "{framing:?}: only {number} bytes so far"
                );
            }
        }
        assert_eq!(length, LENGTH);
    }
}
