//! The framing, with any bytes in any pieces.
//!
//! What is checked: the messages are those of a slow reference, wherever the pieces are cut; no
//! message is longer than the bound; every message lies in what was sent, in order; the decoder
//! takes all that it is given, or says why not; it holds no more than one message; what is encoded
//! comes back. The reference's table has every framing.

#![no_main]

// The decoder is no part of the library's interface: its files are compiled here once more.
#[allow(dead_code, unused_imports, reason = "the target needs a part of it")]
#[path = "../../../src"]
mod src {
    pub mod framing;
}

use src::framing;

#[path = "../../../src/framing/tests/reference.rs"]
mod reference;

use std::alloc::System;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use framing::{Decoder, Extent, Framing, Overlong};
use reference::{Cut, comes_back};

/// Counts bytes, so that what a decoder holds can be seen.
#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    framing: u8,
    overlong: u8,
    max: u8,
    /// Lengths of the pieces, again from the first when they are used up.
    pieces: [u8; 6],
    bytes: &'a [u8],
}

thread_local! {
    static FRAMINGS: Vec<Framing> = reference::examples();
}

fuzz_target!(|input: Input<'_>| {
    let framing = FRAMINGS.with(|all| all[usize::from(input.framing) % all.len()].clone());
    let overlong =
        [Overlong::Truncate, Overlong::Drop, Overlong::Close][usize::from(input.overlong) % 3];
    let max = small(input.max).max(1);

    let whole = cut(&framing, max, overlong, &mut std::iter::once(input.bytes));
    let pieces = cut(&framing, max, overlong, &mut in_pieces(&input));
    assert_eq!(whole, reference::cut(&framing, max, overlong, input.bytes));
    if framing == Framing::Raw {
        // A raw message is what one read returned: only the bytes are the same.
        assert_eq!(bytes(&whole), input.bytes);
        assert_eq!(bytes(&pieces), input.bytes);
    } else {
        assert_eq!(whole, pieces);
        lie_in_order(&whole, input.bytes);
        come_back(&framing, &whole);
    }
});

/// Mostly below ten: what goes wrong does so at edges, and many edges are found sooner.
fn small(byte: u8) -> usize {
    usize::from(if byte < 200 { byte % 10 } else { byte })
}

/// The bytes in the pieces that the input asks for; some are empty.
fn in_pieces<'a>(input: &Input<'a>) -> impl Iterator<Item = &'a [u8]> {
    let mut lengths = input.pieces.into_iter().cycle();
    let mut left = input.bytes;
    // If all are empty, the rest comes at once.
    let is_stuck = input.pieces.iter().all(|length| small(*length) == 0);
    std::iter::from_fn(move || {
        let length = small(lengths.next().unwrap_or(0)).min(left.len());
        let length = if is_stuck { left.len() } else { length };
        let (piece, rest) = left.split_at(length);
        let is_over = left.is_empty();
        left = rest;
        (!is_over).then_some(piece)
    })
}

/// A count and a priority at most: what is gathered until it shows that they are none.
const SLACK: usize = 16;

fn cut(
    framing: &Framing,
    max: usize,
    overlong: Overlong,
    pieces: &mut dyn Iterator<Item = &[u8]>,
) -> Cut {
    let mut decoder = Decoder::new(framing, max, overlong);
    let mut messages = Vec::new();
    let mut held = 0;
    for mut piece in pieces {
        loop {
            let before = Region::new(MEMORY);
            let (used, message) = decoder.next(piece);
            held += grown(&before);
            // What may end a message is gathered, too, and a vector grows by doubling.
            assert!(
                held <= 2 * ((max + SLACK) as isize).max(8),
                "holds {held} of {max}"
            );
            assert!(used <= piece.len(), "used what was not there");
            let was_message = message.is_some();
            messages.extend(message.map(|message| (message.bytes.to_vec(), message.extent)));
            piece = &piece[used..];
            if !was_message {
                break;
            }
        }
        assert!(piece.is_empty() || decoder.fault().is_some(), "left some");
        // A connection at rest gives memory back; what has begun has to stay.
        let was_inside = decoder.is_inside();
        let before = Region::new(MEMORY);
        decoder.rest();
        held += grown(&before);
        assert_eq!(decoder.is_inside(), was_inside);
        assert!(was_inside || held == 0, "holds {held} at rest");
    }
    let is_inside = decoder.is_inside();
    let rest = decoder.finish();
    messages.extend(rest.map(|message| (message.bytes.to_vec(), message.extent)));
    for (bytes, extent) in &messages {
        assert!(bytes.len() <= max, "{} bytes of {max}", bytes.len());
        let is_last = messages
            .last()
            .is_some_and(|last| std::ptr::eq(&last.0, bytes));
        assert!(
            *extent != Extent::Partial || is_last,
            "partial in the middle"
        );
    }
    let (truncated, dropped, stray) = decoder.take_counts();
    let fault = decoder.fault();
    Cut {
        messages,
        truncated,
        dropped,
        stray,
        fault,
        is_inside: is_inside && fault.is_none(),
    }
}

/// Bytes that were allocated and not given back since then.
fn grown(since: &Region<'_, System>) -> isize {
    let change = since.change();
    change.bytes_allocated as isize - change.bytes_deallocated as isize
}

fn bytes(cut: &Cut) -> Vec<u8> {
    let parts = cut.messages.iter().map(|(bytes, _)| &bytes[..]);
    parts.collect::<Vec<_>>().concat()
}

/// Each message's bytes are found in what was sent, behind those of the one before.
fn lie_in_order(cut: &Cut, mut sent: &[u8]) {
    for (bytes, _) in &cut.messages {
        let at = memchr::memmem::find(sent, bytes).expect("a message that was sent");
        sent = &sent[at + bytes.len()..];
    }
}

/// Whole messages, encoded again, are cut into the same messages.
fn come_back(framing: &Framing, cut_once: &Cut) {
    let whole = cut_once
        .messages
        .iter()
        .filter(|(bytes, extent)| *extent == Extent::Whole && comes_back(framing, bytes));
    let whole: Vec<_> = whole.cloned().collect();
    let mut wire = Vec::new();
    for (bytes, _) in &whole {
        framing.encode(bytes, &mut wire);
    }
    let again = cut(
        framing,
        512,
        Overlong::Close,
        &mut std::iter::once(&wire[..]),
    );
    assert_eq!((again.messages, again.fault), (whole, None));
}
