//! What came of a message when its connection ends.

use super::edges::bytewise;
use super::{Between, feed, pieces};
use crate::framing::{Decoder, Extent, Framing, Overlong};

#[test]
fn a_message_that_never_came_is_not_counted_as_truncated() {
    for (framing, wire, extent, stray) in [
        ("octet", &b"99 abcd"[..], Some(Extent::Truncated), 0),
        ("octet", b"99 abc", Some(Extent::Partial), 0),
        ("octet", b"99 ", None, 3),
        ("length:u16be", b"\0\x63abc", Some(Extent::Partial), 0),
        ("auto", b"99 <1>a", Some(Extent::Truncated), 0),
        ("auto", b"99 <1>", Some(Extent::Partial), 0),
    ] {
        for size in 1..=wire.len() {
            let framing: Framing = framing.parse().expect(framing);
            let mut decoder = Decoder::new(&framing, 4, Overlong::Truncate);
            let found = feed(&mut decoder, 4, pieces(wire, &[size]), Between::Rest);
            let extents = found.messages.iter().map(|(_, extent)| *extent);
            assert!(extents.eq(extent), "{framing} in pieces of {size}");
            let is_cut = u64::from(extent == Some(Extent::Truncated));
            assert_eq!((found.truncated, found.stray), (is_cut, stray), "{framing}");
        }
    }
}

#[test]
fn text_at_the_end_is_the_messages_own() {
    for (framing, wire, expected) in [
        ("delimited:__END__", &b"a__END__snake_"[..], "snake_"),
        ("delimited:aab", b"kaa", "kaa"),
        ("between:<,/>", b"<a/", "a/"),
        ("delimited:\\r\\n", b"a\r", "a"),
        ("mllp", b"\x0ba\x1c", "a"),
        ("between:abcd,/", b"abcda\nbabc", "a\nbabc"),
    ] {
        let framing: Framing = framing.parse().expect(framing);
        let found = bytewise(&framing, 8, Overlong::Close, wire);
        let last = (expected.as_bytes().to_vec(), Extent::Partial);
        assert_eq!(found.last(), Some(&last), "{framing}");
    }
    // What may begin a message is longer than what ends one.
    let framing: Framing = "between:abcd,/".parse().expect("a framing");
    let found = bytewise(&framing, 8, Overlong::Close, b"abcdx/abc");
    assert_eq!(found, [(b"x".to_vec(), Extent::Whole)]);
}
