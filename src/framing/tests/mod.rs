//! The decoder, fed in any pieces, against a naive one that sees the whole input at once.

mod edges;
mod ends;
mod place;
mod reference;

use proptest::prelude::*;

use self::reference::{Cut, comes_back, cut, examples};
use super::{Decoder, Extent, Framing, Overlong};

const OVERLONG: [Overlong; 3] = [Overlong::Truncate, Overlong::Drop, Overlong::Close];

/// What is done between two pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    Nothing,
    /// The connection comes to rest, as it does when the socket is empty.
    Rest,
}

/// Bytes over the bound that may be held: the longest that can turn out to be no part of the
/// message, here the head of one that may be a count.
const SLACK: usize = 16;

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
            assert!(
                decoder.held() <= max + SLACK,
                "{} bytes held",
                decoder.held()
            );
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
    if found.fault.is_none() {
        found.fault = decoder.fault();
        found.is_inside &= found.fault.is_none();
    }
    assert!(!decoder.is_inside() || found.fault.is_some());
    (found.truncated, found.dropped, found.stray) = decoder.take_counts();
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
    proptest::sample::select(examples())
}

fn overlong() -> impl Strategy<Value = Overlong> {
    proptest::sample::select(&OVERLONG[..])
}

/// Bytes that mean something to one framing or another, and every other byte now and then.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        8 => proptest::sample::select(&b"\n\r\0 0123ab\x02\x03\x05"[..]),
        4 => proptest::sample::select(&b"<>|{}[]\"\\\x0b\x1c19"[..]),
        1 => any::<u8>(),
    ]
}

/// What a client of this framing sends: messages about as long as the bound, then perhaps an
/// end in the middle of one, or something that is no message at all.
fn well_meant(framing: &Framing, max: usize) -> impl Strategy<Value = Vec<u8>> + use<> {
    let message = proptest::collection::vec(byte(), 0..max + 4);
    let messages = proptest::collection::vec(message, 0..6);
    let tail = proptest::collection::vec(byte(), 0..4);
    let framing = framing.clone();
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

/// Syslog messages, some of them with a count.
fn syslog() -> impl Strategy<Value = Vec<u8>> {
    let one = (0..220_u16, "[a<>0-9 \n]{0,9}", 0..4_usize, any::<bool>());
    let one = one.prop_map(|(priority, text, off, has_count)| {
        let message = format!("<{priority}>{text}");
        match has_count {
            true => format!("{} {message}", message.len() + off).into_bytes(),
            false => message.into_bytes(),
        }
    });
    proptest::collection::vec(one, 0..6).prop_map(|all| all.concat())
}

fn input(framing: &Framing, max: usize) -> impl Strategy<Value = Vec<u8>> + use<> {
    prop_oneof![
        3 => well_meant(framing, max),
        1 => syslog(),
        1 => proptest::collection::vec(byte(), 0..60),
        1 => proptest::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn pieces_make_no_difference(
        (framing, max, input) in (framing(), 1..20_usize).prop_flat_map(|(framing, max)| {
            let input = input(&framing, max);
            (Just(framing), Just(max), input)
        }),
        overlong in overlong(),
        sizes in proptest::collection::vec(1..9_usize, 1..6),
        between in prop_oneof![Just(Between::Nothing), Just(Between::Rest)],
    ) {
        let mut decoder = Decoder::new(&framing, max, overlong);
        let found = feed(&mut decoder, max, pieces(&input, &sizes), between);
        if framing == Framing::Raw {
            // What arrived is the message: here the pieces are the difference.
            let expected: Vec<_> = pieces(&input, &sizes)
                .flat_map(|piece| piece.chunks(max))
                .map(|chunk| (chunk.to_vec(), Extent::Whole))
                .collect();
            prop_assert_eq!(found.messages, expected);
        } else {
            let at_once = feed(
                &mut Decoder::new(&framing, max, overlong),
                max,
                [&input[..]],
                between,
            );
            prop_assert_eq!(&at_once, &cut(&framing, max, overlong, &input));
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
        let messages: Vec<_> = messages
            .into_iter()
            .filter_map(|message| fitting(&framing, message))
            .collect();
        let mut wire = Vec::new();
        for message in &messages {
            framing.encode(message, &mut wire);
        }
        let mut decoder = Decoder::new(&framing, 60, overlong);
        let found = feed(&mut decoder, 60, pieces(&wire, &sizes), Between::Nothing);
        let whole: Vec<_> = messages.into_iter().map(|message| (message, Extent::Whole)).collect();
        let is_inside = framing == Framing::Pri && !whole.is_empty();
        prop_assert_eq!(found, Cut { messages: whole, is_inside, ..Cut::default() });
    }

    #[test]
    fn what_is_written_is_parsed(bytes in proptest::collection::vec(any::<u8>(), 1..9)) {
        let end = super::Delimiter::new(&bytes).expect("short enough");
        for framing in [
            Framing::Delimited(end.clone()),
            Framing::Between { start: end.clone(), end },
        ] {
            let written = framing.to_string();
            prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
            prop_assert_eq!(written.parse(), Ok(framing));
        }
    }
}

/// This message, made one that the framing can carry; `None` if it can't be.
fn fitting(framing: &Framing, message: Vec<u8>) -> Option<Vec<u8>> {
    let message = match framing {
        Framing::Json => format!("{{\"bytes\":{message:?}}}").into_bytes(),
        Framing::Pri => [&b"<13>"[..], &message].concat(),
        _ => message,
    };
    (message.len() <= 60 && comes_back(framing, &message)).then_some(message)
}

#[test]
fn each_framing_has_messages_that_come_back() {
    for framing in examples()
        .into_iter()
        .filter(|framing| *framing != Framing::Raw)
    {
        for message in ["dogs", "d\tg", ".."] {
            let message = fitting(&framing, message.into());
            assert!(message.is_some(), "{framing} {message:?}");
        }
    }
}

#[test]
fn framings_are_written_as_they_are_typed() {
    for form in reference::EXAMPLES {
        let framing: Framing = form.parse().expect(form);
        assert_eq!(framing.to_string(), *form);
        assert_eq!(framing, framing.clone());
        let kind = form.split(':').next().expect("the first word");
        assert!(super::FORMS.contains(kind), "{form} is not among the forms");
    }
    for (typed, written) in [
        ("length:u16be", "len16"),
        ("length:u32be+0", "len32"),
        ("length:u16be+2 inclusive", "length:u16be+2,inclusive"),
        (r"between:\x0b,\x1c\r", "mllp"),
        (r"between:\x02,\x03", "stx-etx"),
        (r"between:\,,\\,", r"between:\,,\\\,"),
        (r"delimited:\x0d\x0A", r"delimited:\r\n"),
        (r"delimited:é:", r"delimited:\xc3\xa9:"),
    ] {
        let framing: Framing = typed.parse().expect(typed);
        assert_eq!(framing.to_string(), written);
    }
}

#[test]
fn what_is_no_framing_says_what_to_write() {
    for (typed, says) in [
        ("morse", "write lines, typed"),
        ("", "write lines"),
        ("Lines", "write lines"),
        ("lines:", "write lines"),
        ("delimited", "write lines"),
        ("delimited:", "1 to 64"),
        (r"delimited:\q", r"\x0b"),
        (r"delimited:\x1", r"\x0b"),
        (r"delimited:\", r"\x0b"),
        ("between:a", "START,END"),
        ("between:a,", "1 to 64"),
        (r"between:a\,b", "START,END"),
        ("length:", "u16be"),
        ("length:u8", "u16be"),
        ("length:ascii", "u16be"),
        ("length:ascii0", "ascii10"),
        ("length:ascii11", "ascii10"),
        ("length:u16be+", "u16be"),
        ("length:u16be+2000", "1024"),
        ("length:u16be,exclusive", "inclusive"),
    ] {
        let error = typed.parse::<Framing>().expect_err(typed).to_string();
        assert!(
            error.contains(says) && !error.contains('\n'),
            "{typed}: {error}"
        );
    }
    let long = format!("delimited:{}", "x".repeat(65));
    assert!(long.parse::<Framing>().is_err());
}
