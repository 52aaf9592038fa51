//! Removes telnet's negotiation (RFC 854) from lines.
//!
//! A line may end in the middle of a negotiation, since an option's number can be that of a line
//! feed: then the next line continues it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;
const DO: u8 = 253;
const TIMING_MARK: u8 = 6;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;
/// The answer to DO TIMING-MARK (RFC 860). After Ctrl-C a telnet client shows nothing until it
/// comes.
pub(super) const WONT_TIMING_MARK: &[u8] = &[IAC, 252, TIMING_MARK];
/// Maximum bytes of a subnegotiation; a longer one is taken for text.
const SUB_MAX: u16 = 256;
/// Maximum bytes that are gathered of a line.
const KEPT_MAX: usize = 16 * 1024;

/// See the head of the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Telnet {
    state: State,
    kept: Vec<u8>,
    /// `kept` is the beginning of a line that goes on.
    goes_on: bool,
    /// A timing mark was asked for and is not answered yet.
    awaits_mark: bool,
    negotiates: bool,
}

/// A line without its negotiation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stripped<'a> {
    /// The text; `None` if the line goes on.
    pub(super) text: Option<Cow<'a, [u8]>>,
    /// [`WONT_TIMING_MARK`] has to be sent before anything else.
    pub(super) awaits_mark: bool,
    /// The line contained telnet commands.
    pub(super) negotiates: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    #[default]
    Text,
    /// After IAC.
    Command,
    /// After WILL, WONT, DO or DONT: which of them.
    Option(u8),
    /// In a subnegotiation of this length so far, and after IAC in it.
    Sub(u16),
    SubCommand(u16),
}

/// Whether a line begins with telnet's commands.
pub(super) fn begins(line: &[u8]) -> bool {
    matches!(line, [IAC, SE..=254, ..])
}

/// Whether the last thing in a line that goes on is a request for a timing mark.
pub(super) fn awaits_mark(line: &[u8]) -> bool {
    line.ends_with(&[IAC, DO, TIMING_MARK])
}

impl Telnet {
    /// Removes the negotiation from a line.
    pub(super) fn strip<'a>(&mut self, line: &'a [u8]) -> Stripped<'a> {
        if !self.goes_on && memchr::memchr(IAC, line).is_none() {
            return Stripped {
                text: Some(line.into()),
                awaits_mark: false,
                negotiates: false,
            };
        }
        for &byte in line {
            self.take(byte);
        }
        // The line feed at which the line was cut.
        self.take(b'\n');
        self.goes_on = self.kept.pop_if(|last| *last == b'\n').is_none();
        let awaits_mark = std::mem::take(&mut self.awaits_mark);
        let negotiates = std::mem::take(&mut self.negotiates);
        if self.goes_on && self.kept.len() < KEPT_MAX {
            return Stripped {
                text: None,
                awaits_mark,
                negotiates,
            };
        }
        self.goes_on = false;
        self.state = State::Text;
        // A client at rest keeps no buffer.
        Stripped {
            text: Some(std::mem::take(&mut self.kept).into()),
            awaits_mark,
            negotiates,
        }
    }

    fn take(&mut self, byte: u8) {
        self.negotiates |= self.state == State::Command && (SE..IAC).contains(&byte);
        self.state = match (self.state, byte) {
            (State::Text, IAC) => State::Command,
            (State::Text, _) => {
                self.kept.push(byte);
                State::Text
            }
            (State::Command, SB) => State::Sub(0),
            (State::Command, 251..=254) => State::Option(byte),
            (State::Command, SE..=249) => State::Text,
            (State::Command, _) => {
                // IAC twice stands for the byte 255; before any other byte IAC is ignored.
                self.kept.push(byte);
                State::Text
            }
            (State::Option(verb), _) => {
                self.awaits_mark |= (verb, byte) == (DO, TIMING_MARK);
                State::Text
            }
            (State::Sub(length), IAC) => State::SubCommand(length),
            (State::SubCommand(_), SE) => State::Text,
            (State::Sub(length) | State::SubCommand(length), _) if length < SUB_MAX => {
                State::Sub(length + 1)
            }
            (State::Sub(_) | State::SubCommand(_), _) => State::Text,
        };
    }
}

/// A line after its editing keys: if no terminal edits the line, it contains Backspace and Delete,
/// and each removes a character.
pub(super) fn edited(line: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if memchr::memchr2(BACKSPACE, DELETE, &line).is_none() {
        return line;
    }
    let mut kept = Vec::new();
    for &byte in &*line {
        if !matches!(byte, BACKSPACE | DELETE) {
            kept.push(byte);
            continue;
        }
        // The continuation bytes of a UTF-8 character, and its first byte.
        while kept.pop().is_some_and(|last| last & 0xc0 == 0x80) {}
    }
    kept.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut telnet = Telnet::default();
        let lines = bytes.split(|byte| *byte == b'\n');
        lines
            .filter_map(|line| telnet.strip(line).text.map(Cow::into_owned))
            .collect()
    }

    #[test]
    fn negotiation_leaves_no_trace() {
        let will = b"\xff\xfb\x18hello\xff\xfd\x01 there\xff\xf1";
        assert_eq!(lines(will), [b"hello there"]);
        assert_eq!(lines(b"a\xff\xffb"), [b"a\xffb"], "that byte itself");
        let window = b"x\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0y";
        assert_eq!(lines(window), [b"xy"]);
    }

    #[test]
    fn a_line_feed_within_it_ends_no_line() {
        // Option 10, and a window of ten lines.
        let option = b"a\xff\xfb\nb\nc";
        assert_eq!(lines(option), [&b"ab"[..], b"c"]);
        let window = b"a\xff\xfa\x1f\x00\x50\x00\n\xff\xf0b\nc";
        assert_eq!(lines(window), [&b"ab"[..], b"c"]);
    }

    #[test]
    fn what_never_ends_swallows_no_more_than_its_bound() {
        for junk in [&b"junk\n"[..], b"\xff\xffjunk\n", b"\xff\xf1junk\n"] {
            let mut bytes = b"\xff\xfa".to_vec();
            bytes.extend(junk.repeat(100));
            bytes.extend(b"heard");
            assert_eq!(lines(&bytes).last().expect("a line"), b"heard");
        }
    }

    #[test]
    fn backspace_takes_a_character_back() {
        for (typed, expected) in [
            ("helo\u{7f}lo", "hello"),
            ("na\u{efe}\u{8}", "na"),
            ("\u{8}\u{8}x", "x"),
            ("B\u{8}Bo\u{8}old", "Bold"),
            ("", ""),
        ] {
            assert_eq!(&*edited(typed.as_bytes().into()), expected.as_bytes());
        }
    }

    #[test]
    fn between_lines_it_keeps_nothing() {
        let mut telnet = Telnet::default();
        let line = [&b"\xff\xf1"[..], &[b'x'; 8000]].concat();
        assert_eq!(telnet.strip(&line).text.expect("a line"), &line[2..]);
        assert_eq!(telnet.kept.capacity(), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>) {
            lines(&bytes);
        }

        #[test]
        fn text_stays_as_it_is(text in "\\PC{0,40}(\n\\PC{0,40}){0,3}") {
            prop_assert_eq!(lines(text.as_bytes()).join(&b'\n'), text.into_bytes());
        }
    }
}
