//! Bounds, ends and costs, one by one.

use std::time::{Duration, Instant};

use super::reference::{Cut, examples};
use super::{Between, OVERLONG, feed, fitting, pieces};
use crate::framing::{Decoder, Extent, Fault, Framing, Overlong};

fn framing(form: &str) -> Framing {
    form.parse().expect(form)
}

/// Checks what comes of an input in pieces of each size.
fn in_pieces(form: &str, max: usize, overlong: Overlong, input: &[u8], check: impl Fn(&Cut, &str)) {
    for size in 1..=input.len() {
        let mut decoder = Decoder::new(&framing(form), max, overlong);
        let found = feed(&mut decoder, max, pieces(input, &[size]), Between::Rest);
        check(&found, &format!("{form} {input:?} in pieces of {size}"));
    }
}

fn texts(found: &Cut) -> Vec<String> {
    let texts = found.messages.iter();
    texts
        .map(|(bytes, _)| String::from_utf8_lossy(bytes).into_owned())
        .collect()
}

fn fault(framing: &Framing, input: &[u8]) -> Option<Fault> {
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
        in_pieces("lines", 4, Overlong::Truncate, line, |found, how| {
            assert_eq!(found.messages, [(bytes.to_vec(), extent)], "{how}");
            assert_eq!(found.truncated, u64::from(extent == Extent::Truncated));
        });
    }
}

#[test]
fn every_key_that_ends_a_typed_line_ends_one() {
    for end in [&b"\n"[..], b"\r", b"\r\n", b"\r\0"] {
        let wire = [b"one", end, b"two", end, end].concat();
        let whole = |text: &str| (text.as_bytes().to_vec(), Extent::Whole);
        let expected = ["one", "two", ""].map(whole);
        in_pieces("typed", 4, Overlong::Close, &wire, |found, how| {
            assert_eq!(found.messages, expected, "{how}");
            assert!(!found.is_inside, "{how}");
        });
    }
}

#[test]
fn every_byte_comes_through() {
    for framing in examples() {
        for byte in 0..=u8::MAX {
            let Some(message) = fitting(&framing, vec![b'.', byte, b'.']) else {
                continue;
            };
            let mut wire = Vec::new();
            framing.encode(&message, &mut wire);
            let mut decoder = Decoder::new(&framing, message.len(), Overlong::Close);
            let found = feed(&mut decoder, message.len(), [&wire[..]], Between::Nothing);
            let expected = vec![(message, Extent::Whole)];
            assert_eq!(found.messages, expected, "{framing} {byte}");
        }
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
        (b"3 abc\n3 abc", None),
        (b"3 abc\r\n3 abc", None),
        (b"3 abc 3 abc", Some(Fault::BadCount)),
        (b"12345678901", Some(Fault::BadCount)),
        (b"1234567890", None),
        (b"1234567890 ", None),
        (b"9 ", None),
        (b"8 12345678", None),
        (b"8 1234567", None),
    ] {
        assert_eq!(fault(&Framing::Octet, input), why, "{input:?}");
    }
}

#[test]
fn nothing_comes_after_a_fault() {
    for (form, wire) in [
        ("lines", &b"12345\n1\n"[..]),
        ("nul", b"12345\x001\0"),
        ("octet", b"5 12345"),
        ("len16", b"\0\x0512345"),
        ("len32", b"\0\0\0\x0512345"),
    ] {
        for size in 1..=wire.len() {
            let mut decoder = Decoder::new(&framing(form), 4, Overlong::Close);
            let found = feed(&mut decoder, 4, pieces(wire, &[size]), Between::Nothing);
            assert_eq!(found.fault, Some(Fault::Overlong));
            assert_eq!(found.messages, [], "{form} in pieces of {size}");
            assert_eq!(decoder.next(b"1\n").1, None);
            assert_eq!(decoder.finish(), None);
        }
    }
}

#[test]
fn an_endless_message_needs_no_more_memory_than_the_bound() {
    const MAX: usize = 1000;
    let piece = [b'1'; 777];
    for framing in examples() {
        for overlong in OVERLONG {
            let mut decoder = Decoder::new(&framing, MAX, overlong);
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
    let mut decoder = Decoder::new(&Framing::Lines, 100, Overlong::Truncate);
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
    for form in [
        "lines",
        "octet",
        "delimited:xxxxxxxxxxxxxxxxy",
        "mllp",
        "len32",
        "gelf",
        "json",
        "pri",
    ] {
        let framing = framing(form);
        let mut message = vec![b'x'; LENGTH];
        if form == "json" {
            (message[0], message[LENGTH - 1]) = (b'"', b'"');
        }
        let mut wire = Vec::new();
        framing.encode(&message, &mut wire);
        if form == "pri" {
            wire.extend(b"<13>");
        }
        let mut decoder = Decoder::new(&framing, LENGTH, Overlong::Close);
        let mut length = 0;
        for (number, piece) in wire.chunks(1).enumerate() {
            if let (_, Some(message)) = decoder.next(piece) {
                length = message.bytes.len();
            }
            if number % 4096 == 0 {
                assert!(Instant::now() < until, "{form}: only {number} bytes so far");
            }
        }
        assert_eq!(length, LENGTH, "{form}");
    }
}

/// A framing, what senders put on the wire, and the messages.
const SENT: &[(&str, &str, &[&str])] = &[
    ("lines", "\n\n\n", &["", "", ""]),
    ("nul", "\0\0\0", &["", "", ""]),
    ("nul", "a\r\0\r\n\0", &["a\r", "\r\n"]),
    ("len16", "\0\0\0\0\0\0", &["", "", ""]),
    ("len32", "\0\0\0\0\0\0\0\0\0\0\0\0", &["", "", ""]),
    ("auto", "<14>a\0<14>b\0", &["<14>a", "<14>b"]),
    (
        "auto",
        "2026-11-28 alpha\n99999999 x\n",
        &["2026-11-28 alpha", "99999999 x"],
    ),
    (
        "auto",
        "6 <14>a\n5 <14>bline\r\n\n7 <14>c\r\n\n",
        &["<14>a", "<14>b", "line", "<14>c"],
    ),
    ("auto", "<14>a\n\0<14>b\n\0", &["<14>a", "<14>b"]),
    ("auto", "9 <14>one\ntwo\n", &["<14>one\nt", "wo"]),
    (
        "octet",
        "6 <14>a\n6 <14>b\n5 <14>c\n5 <14>d",
        &["<14>a", "<14>b", "<14>c", "<14>d"],
    ),
    (
        "gelf",
        "{1}\0{2}\n\0{3}\n{4}\0\n",
        &["{1}", "{2}", "{3}", "{4}"],
    ),
    (
        "json",
        "{\"a\":\"}\\\"{\"}{} [1] \"s\"12 {",
        &["{\"a\":\"}\\\"{\"}", "{}", "[1]", "\"s\"", "12", "{"],
    ),
    (
        "pri",
        "<14>a<14>one\ntwo\n<13>see <b> <999> <19<1>x\n\0",
        &["<14>a", "<14>one\ntwo", "<13>see <b> <999> <19", "<1>x"],
    ),
    (
        "mllp",
        "\x0bMSH|a\rPID\x1c\r\x0bMSH|b\x1c\r",
        &["MSH|a\rPID", "MSH|b"],
    ),
    (r"between:\n,\r", "\n12AB\r\n34CD\r", &["12AB", "34CD"]),
    // What may begin a message is longer than what ends one.
    ("between:abcd,/", "abcdx/abc", &["x"]),
    (
        "delimited:__LOG4JS__",
        "{1}__LOG4JS__{_}__LOG4JS__",
        &["{1}", "{_}"],
    ),
    ("length:ascii4", "0003abc0000", &["abc", ""]),
    (
        "length:u16be+2,inclusive",
        "\0\x06abcd\0\x04ef",
        &["abcd", "ef"],
    ),
    (
        "length:u16be+2,keepalive",
        "\0\x02abcd\0\0ef\0\x01ghi",
        &["abcd", "ghi"],
    ),
];

#[test]
fn what_senders_send() {
    for (form, wire, expected) in SENT {
        in_pieces(form, 100, Overlong::Close, wire.as_bytes(), |found, how| {
            assert_eq!(texts(found), *expected, "{how}");
            assert_eq!(found.fault, None, "{how}");
        });
    }
}

/// What comes outside of messages is counted.
#[test]
fn what_belongs_to_no_message_is_counted() {
    for (form, wire, stray) in [
        ("mllp", "x\x0ba\x1c\r\n\n\x0bb\x1c\r\x0b", 4),
        ("stx-etx", "noise", 5),
        ("octet", "1 a12", 2),
        ("octet", "1 a12 ", 3),
        ("len16", "\0\x01a\0", 1),
        ("len16", "\0\x01a\0\x05", 2),
        ("len32", "\0\0\0\x05a", 0),
        ("length:ascii4", "0001a0005", 4),
    ] {
        in_pieces(form, 100, Overlong::Close, wire.as_bytes(), |found, how| {
            assert_eq!(found.stray, stray, "{how}");
        });
    }
}

/// A count that includes a newline is not over the bound because of that.
#[test]
fn octet_counts_over_the_bound_are_cut_as_lines_are() {
    for (overlong, wire, expected) in [
        (
            Overlong::Truncate,
            &b"5 1234\n4 abcd"[..],
            vec!["1234", "abcd"],
        ),
        (
            Overlong::Truncate,
            b"6 1234\r\n4 abcd",
            vec!["1234", "abcd"],
        ),
        (Overlong::Truncate, b"5 123454 abcd", vec!["1234", "abcd"]),
        (
            Overlong::Truncate,
            b"9 1234567894 abcd",
            vec!["1234", "abcd"],
        ),
        (Overlong::Drop, b"5 12345\n9 1234567894 abcd", vec!["abcd"]),
        (Overlong::Close, b"4 abcd5 12345", vec!["abcd"]),
        (Overlong::Close, b"4 abcd9 12345", vec!["abcd"]),
    ] {
        in_pieces("octet", 4, overlong, wire, |found, how| {
            assert_eq!(texts(found), expected, "{how}");
            assert_eq!(found.fault.is_some(), overlong == Overlong::Close);
        });
    }
}

#[test]
fn text_at_the_end_is_the_messages_own() {
    for (form, wire, expected) in [
        ("delimited:__END__", &b"a__END__snake_"[..], "snake_"),
        ("delimited:aab", b"kaa", "kaa"),
        ("between:<,/>", b"<a/", "a/"),
        ("delimited:\\r\\n", b"a\r", "a"),
        ("mllp", b"\x0ba\x1c", "a"),
        ("between:abcd,/", b"abcda\nbabc", "a\nbabc"),
    ] {
        let last = (expected.as_bytes().to_vec(), Extent::Partial);
        in_pieces(form, 8, Overlong::Close, wire, |found, how| {
            assert_eq!(found.messages.last(), Some(&last), "{how}");
        });
    }
}

/// What was read of a message is delivered, also of one that would have been cut. It counts as
/// truncated only if more came than the bound.
#[test]
fn what_came_of_a_message_is_a_part() {
    let partial = |text| Some((text, Extent::Partial));
    let truncated = |text| Some((text, Extent::Truncated));
    for (form, wire, last, stray) in [
        ("lines", "123", partial("123"), 0),
        ("nul", "123", partial("123"), 0),
        ("octet", "4 123", partial("123"), 0),
        ("octet", "99 abc", partial("abc"), 0),
        ("octet", "99 abcd", truncated("abcd"), 0),
        ("octet", "99 ", None, 3),
        ("len16", "\0\x04123", partial("123"), 0),
        ("len16", "\0\x63abc", partial("abc"), 0),
        ("len32", "\0\0\0\x04123", partial("123"), 0),
        ("len32", "\0\0\0\x09123", partial("123"), 0),
        ("auto", "99 <1>a", truncated("<1>a"), 0),
        ("auto", "99 <1>", partial("<1>"), 0),
    ] {
        in_pieces(
            form,
            4,
            Overlong::Truncate,
            wire.as_bytes(),
            |found, how| {
                let expected = last.map(|(text, extent)| (text.as_bytes().to_vec(), extent));
                assert_eq!(
                    found.messages,
                    expected.into_iter().collect::<Vec<_>>(),
                    "{how}"
                );
                let is_cut = u64::from(last.is_some_and(|(_, extent)| extent == Extent::Truncated));
                assert_eq!((found.truncated, found.stray), (is_cut, stray), "{how}");
            },
        );
    }
}
