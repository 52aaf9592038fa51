//! A decoder that goes on in another process.

use proptest::prelude::*;

use super::*;
use crate::framing::Place;

/// Feeds without an end; answers the messages, and stops at a fault.
fn messages(decoder: &mut Decoder, mut rest: &[u8]) -> Vec<(Vec<u8>, Extent)> {
    let mut found = Vec::new();
    while !rest.is_empty() && decoder.fault().is_none() {
        let (used, message) = decoder.next(rest);
        found.extend(message.map(|message| (message.bytes.to_vec(), message.extent)));
        rest = &rest[used..];
    }
    found
}

proptest! {
    #[test]
    fn a_decoder_that_moves_after_any_byte_finds_the_same(
        (framing, input) in framing().prop_flat_map(|framing| {
            let input = well_meant(&framing, 8);
            (Just(framing), input)
        }),
        max in 1..9_usize,
        overlong in overlong(),
        sizes in proptest::collection::vec(1..9_usize, 1..9),
    ) {
        let fresh = || Decoder::new(&framing, max, overlong);
        let (mut stays, mut moves) = (fresh(), fresh());
        let mut counts = (0, 0, 0);
        for piece in pieces(&input, &sizes) {
            prop_assert_eq!(messages(&mut stays, piece), messages(&mut moves, piece));
            prop_assert_eq!(stays.fault(), moves.fault());
            if stays.fault().is_some() {
                return Ok(());
            }
            moves.rest();
            let more = moves.take_counts();
            counts = (counts.0 + more.0, counts.1 + more.1, counts.2 + more.2);
            let place = moves.place();
            moves = fresh();
            prop_assert_eq!(moves.resume(place.clone()), Some(()), "{:?}", place);
            prop_assert_eq!(moves.is_inside(), stays.is_inside());
            prop_assert_eq!(moves.begun(), stays.begun());
        }
        let end = |decoder: &mut Decoder| {
            decoder.finish().map(|message| (message.bytes.to_vec(), message.extent))
        };
        prop_assert_eq!(end(&mut stays), end(&mut moves));
        let more = moves.take_counts();
        counts = (counts.0 + more.0, counts.1 + more.1, counts.2 + more.2);
        prop_assert_eq!(stays.take_counts(), counts);
    }

    #[test]
    fn a_place_that_no_stream_leads_to_is_refused_or_does_no_harm(
        framing in framing(),
        overlong in overlong(),
        skipping in 0..2_u64,
        marks in proptest::collection::vec(
            prop_oneof![0..4_u64, 0..12_u64, any::<u64>(), Just(u64::MAX)], 0..6),
        begun in proptest::collection::vec(byte(), 0..12),
        input in proptest::collection::vec(byte(), 0..64),
        sizes in proptest::collection::vec(1..9_usize, 1..9),
    ) {
        let max = 8;
        let marks = [&[skipping, max as u64][..], &marks].concat();
        let mut decoder = Decoder::new(&framing, max, overlong);
        if decoder.resume(Place { begun, marks }).is_some() {
            for piece in pieces(&input, &sizes) {
                let _ = messages(&mut decoder, piece);
                decoder.rest();
                let _ = decoder.place();
            }
            let _ = decoder.finish();
        }
    }
}
