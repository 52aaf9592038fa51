//! The decoder, fed in any pieces, against a naive one that sees the whole input at once.

mod edges;
mod reference;

use proptest::prelude::*;

use self::reference::{Cut, cut};
use super::{Decoder, Extent, Framing, Overlong};

const FRAMINGS: [Framing; 7] = [
    Framing::Lines,
    Framing::Typed,
    Framing::Nul,
    Framing::Octet,
    Framing::Len16,
    Framing::Len32,
    Framing::Raw,
];
const OVERLONG: [Overlong; 3] = [Overlong::Truncate, Overlong::Drop, Overlong::Close];

/// What is done between two pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    Nothing,
    /// The connection comes to rest, as it does when the socket is empty.
    Rest,
}

/// Feeds a decoder to the end, and checks on the way what must hold after every step.
fn feed<'a>(
    decoder: &mut Decoder,
    max: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    between: Between,
) -> Cut {
    let mut found = Cut::default();
    for piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() && decoder.fault().is_none() {
            let (used, message) = decoder.next(rest);
            let is_message = message.is_some();
            found
                .messages
                .extend(message.map(|message| (message.bytes.to_vec(), message.extent)));
            rest = &rest[used..];
            assert!(is_message || rest.is_empty() || decoder.fault().is_some());
            assert!(decoder.held() <= max + 1, "{} bytes held", decoder.held());
        }
        if between == Between::Rest {
            decoder.rest();
        }
    }
    found.fault = decoder.fault();
    found.is_inside = found.fault.is_none() && decoder.is_inside();
    let begun = decoder.finish();
    found
        .messages
        .extend(begun.map(|message| (message.bytes.to_vec(), message.extent)));
    assert!(!decoder.is_inside() || found.fault.is_some());
    (found.truncated, found.dropped) = decoder.take_overlong();
    found
}

/// The input in pieces of these sizes, again and again.
fn pieces<'a>(input: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = input;
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let size = *sizes.next().expect("not empty");
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn framing() -> impl Strategy<Value = Framing> {
    proptest::sample::select(&FRAMINGS[..])
}

fn overlong() -> impl Strategy<Value = Overlong> {
    proptest::sample::select(&OVERLONG[..])
}

/// Bytes that mean something to one framing or another, and every other byte now and then.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        8 => proptest::sample::select(&b"\n\r\0 0123a\x05"[..]),
        1 => any::<u8>(),
    ]
}

/// What a client of this framing sends: messages about as long as the bound, then perhaps an
/// end in the middle of one, or something that is no message at all.
fn well_meant(framing: Framing, max: usize) -> impl Strategy<Value = Vec<u8>> {
    let message = proptest::collection::vec(byte(), 0..max + 4);
    let messages = proptest::collection::vec(message, 0..6);
    let tail = proptest::collection::vec(byte(), 0..4);
    (messages, tail, 0..8_usize).prop_map(move |(messages, tail, missing)| {
        let mut wire = Vec::new();
        for message in &messages {
            framing.encode(message, &mut wire);
        }
        if missing % 2 == 0 {
            wire.extend(tail);
        }
        wire.truncate(wire.len().saturating_sub(missing));
        wire
    })
}

fn input(framing: Framing, max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => well_meant(framing, max),
        1 => proptest::collection::vec(byte(), 0..60),
        1 => proptest::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn pieces_make_no_difference(
        (framing, max, input) in (framing(), 1..20_usize).prop_flat_map(|(framing, max)| {
            (Just(framing), Just(max), input(framing, max))
        }),
        overlong in overlong(),
        sizes in proptest::collection::vec(1..9_usize, 1..6),
        between in prop_oneof![Just(Between::Nothing), Just(Between::Rest)],
    ) {
        let mut decoder = Decoder::new(framing, max, overlong);
        if framing == Framing::Raw {
            // What arrived is the message: here the pieces are the difference.
            let found = feed(&mut decoder, max, pieces(&input, &sizes), between);
            let expected: Vec<_> = pieces(&input, &sizes)
                .flat_map(|piece| piece.chunks(max))
                .map(|chunk| (chunk.to_vec(), Extent::Whole))
                .collect();
            prop_assert_eq!(found.messages, expected);
        } else {
            let found = feed(&mut decoder, max, pieces(&input, &sizes), between);
            prop_assert_eq!(&found, &cut(framing, max, overlong, &input));
            let at_once = feed(
                &mut Decoder::new(framing, max, overlong),
                max,
                [&input[..]],
                between,
            );
            prop_assert_eq!(&found, &at_once);
        }
    }

    #[test]
    fn what_is_encoded_is_decoded(
        framing in framing(),
        overlong in overlong(),
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8),
        sizes in proptest::collection::vec(1..50_usize, 1..6),
    ) {
        let fits = |message: &Vec<u8>| match framing {
            Framing::Lines => !message.contains(&b'\n') && message.last() != Some(&b'\r'),
            Framing::Typed => !message.contains(&b'\n') && !message.contains(&b'\r'),
            Framing::Nul => !message.contains(&0),
            // A count of zero is not allowed.
            Framing::Octet => !message.is_empty(),
            Framing::Len16 | Framing::Len32 => true,
            Framing::Raw => false,
        };
        let messages: Vec<_> = messages.into_iter().filter(fits).collect();
        let mut wire = Vec::new();
        for message in &messages {
            framing.encode(message, &mut wire);
        }
        let mut decoder = Decoder::new(framing, 40, overlong);
        let found = feed(&mut decoder, 40, pieces(&wire, &sizes), Between::Nothing);
        let whole: Vec<_> = messages.into_iter().map(|message| (message, Extent::Whole)).collect();
        prop_assert_eq!(found, Cut { messages: whole, ..Cut::default() });
    }
}
