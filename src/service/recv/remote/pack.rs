//! What is queued becomes commands.
//!
//! Cutting it again from a place where a command ended gives the same commands, so a message that
//! is sent again has the same number.

use std::hash::{BuildHasher, RandomState};

use memchr::{memchr, memchr_iter, memrchr};

use super::super::record;
use crate::redis::resp;
use crate::redis::url::{Entry, Keep, Key, Target};

/// Bytes of commands that are sent before their replies are read.
const PIPELINE: usize = 256 << 10;
/// Bytes of lines in one entry, or in one command for a list, unless a line alone is longer.
const BATCH: usize = 64 << 10;
/// Values of one command for a list.
const VALUES_MAX: u64 = 256;

/// See the head of the file.
pub(super) struct Packer {
    form: Form,
    /// The command, up to the entry's number.
    head: Vec<u8>,
    head_words: u64,
    run: String,
}

#[derive(Clone, Copy)]
enum Form {
    Line,
    Batch,
    List,
}

/// A command's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Bytes of the queue up to here.
    pub(super) at: usize,
    /// Messages up to here.
    pub(super) messages: u64,
}

impl Packer {
    pub(super) fn new(target: &Target) -> Packer {
        let mut words: Vec<&[u8]> = Vec::new();
        let most;
        let form = match (&target.key, target.entry) {
            (Key::List(name), _) => {
                words.extend([b"RPUSH", name.as_bytes()]);
                Form::List
            }
            (Key::Stream(name), entry) => {
                words.extend([b"XADD".as_slice(), name.as_bytes()]);
                if let Some(Keep::Entries(count)) = target.keep {
                    most = count.to_string();
                    words.extend([b"MAXLEN".as_slice(), b"~", most.as_bytes()]);
                }
                words.extend([b"*".as_slice(), b"n"]);
                match entry {
                    Entry::Line => Form::Line,
                    Entry::Batch => Form::Batch,
                }
            }
        };
        let mut head = Vec::new();
        words.iter().for_each(|word| resp::word(word, &mut head));
        Packer {
            form,
            head,
            head_words: words.len() as u64,
            run: run(),
        }
    }

    /// Commands for what is at the front of `bytes`; `first` is the number of its first message.
    pub(super) fn pack(&self, bytes: &[u8], first: u64, out: &mut Vec<u8>, ends: &mut Vec<End>) {
        out.clear();
        ends.clear();
        let mut end = End { at: 0, messages: 0 };
        while end.at < bytes.len() && out.len() < PIPELINE {
            let rest = &bytes[end.at..];
            let number = first + end.messages;
            let (length, messages) = match self.form {
                Form::Line => self.line(rest, number, out),
                Form::Batch => self.batch(rest, number, out),
                Form::List => self.list(rest, out),
            };
            end.at += length;
            end.messages += messages;
            ends.push(end);
        }
    }

    fn head(&self, words: u64, out: &mut Vec<u8>) {
        resp::begin(self.head_words + words, out);
        out.extend_from_slice(&self.head);
    }

    /// `RUN-NUMBER`
    fn number(&self, number: u64, out: &mut Vec<u8>) {
        // Its own length stands before it.
        let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
        out.push(b'$');
        resp::decimal((self.run.len() + 1 + digits) as u64, out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.run.as_bytes());
        out.push(b'-');
        resp::decimal(number, out);
        out.extend_from_slice(b"\r\n");
    }

    fn line(&self, bytes: &[u8], number: u64, out: &mut Vec<u8>) -> (usize, u64) {
        // The queue has whole records only.
        let Some(record) = record::first(bytes) else {
            return (bytes.len(), 0);
        };
        self.head(1 + 2 * u64::from(record.fields), out);
        self.number(number, out);
        out.extend_from_slice(record.words);
        (record.length(), 1)
    }

    fn batch(&self, bytes: &[u8], number: u64, out: &mut Vec<u8>) -> (usize, u64) {
        let near = &bytes[..bytes.len().min(BATCH)];
        let length = memrchr(b'\n', near).map_or_else(|| line_length(bytes), |end| end + 1);
        let lines = &bytes[..length];
        let count = memchr_iter(b'\n', lines).count() as u64;
        self.head(5, out);
        self.number(number, out);
        resp::word(b"count", out);
        resp::word(count.to_string().as_bytes(), out);
        resp::word(b"lines", out);
        resp::word(lines, out);
        (length, count)
    }

    fn list(&self, bytes: &[u8], out: &mut Vec<u8>) -> (usize, u64) {
        let mut length = 0;
        let mut count = 0;
        let mut values = Vec::new();
        while length < bytes.len() && count < VALUES_MAX && values.len() < BATCH {
            let line = line_length(&bytes[length..]);
            let text = &bytes[length..length + line];
            resp::word(text.strip_suffix(b"\n").unwrap_or(text), &mut values);
            length += line;
            count += 1;
        }
        self.head(count, out);
        out.extend_from_slice(&values);
        (length, count)
    }
}

/// The length of the first line, with its end.
fn line_length(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1)
}

/// A name for this run of the daemon, in eight characters: among a thousand runs, two have the same
/// with a probability of one in two million.
fn run() -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    // The standard library's hasher is seeded by the system.
    let random = RandomState::new().hash_one(std::process::id());
    let digits = (0..8).map(|at| DIGITS[(random >> (5 * at)) as usize % 32]);
    digits.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::resp::Reply;

    fn packed(url: &str, bytes: &[u8], first: u64) -> (Vec<Vec<String>>, Vec<End>) {
        let packer = Packer::new(&Target::parse(url).expect(url));
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        packer.pack(bytes, first, &mut out, &mut ends);
        let mut commands = Vec::new();
        let mut rest = &out[..];
        while let Some((reply, length)) = Reply::read(rest).expect("valid") {
            let words = reply.array().expect("a command").into_iter();
            let words = words.map(|word| String::from_utf8_lossy(word.text().unwrap()).into());
            let words: Vec<String> = words.collect();
            commands.push(
                words
                    .into_iter()
                    .map(|w| w.replace(&packer.run, "RUN"))
                    .collect(),
            );
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
        (commands, ends)
    }

    #[test]
    fn a_message_is_an_entry_or_many_are() {
        let label = record::label("p", None);
        let mut bytes = Vec::new();
        record::write(&label, b"a", None, &mut bytes);
        let one = bytes.len();
        record::write(&label, b"b", Some("truncated"), &mut bytes);
        let (commands, ends) = packed("redis://h?stream=s&keep=7", &bytes, 99);
        let head = "XADD s MAXLEN ~ 7 * n";
        let lines = [
            format!("{head} RUN-99 peer p message a"),
            format!("{head} RUN-100 peer p message b truncated 1"),
        ];
        assert_eq!(commands.map_words(), lines);
        let end = |at, messages| End { at, messages };
        assert_eq!(ends, [end(one, 1), end(bytes.len(), 2)]);

        let (commands, ends) = packed("redis://h?stream=s&entry=batch", b"a\nb\n", 8);
        assert_eq!(
            commands.map_words(),
            ["XADD s * n RUN-8 count 2 lines a\nb\n"]
        );
        assert_eq!(ends, [end(4, 2)]);

        let (commands, ends) = packed("redis://h?list=l", b"{1}\n{2}\n", 8);
        assert_eq!(commands.map_words(), ["RPUSH l {1} {2}"]);
        assert_eq!(ends, [end(8, 2)]);
    }

    trait Words {
        fn map_words(&self) -> Vec<String>;
    }

    impl Words for Vec<Vec<String>> {
        fn map_words(&self) -> Vec<String> {
            self.iter().map(|words| words.join(" ")).collect()
        }
    }

    #[test]
    fn what_is_packed_again_from_an_end_has_the_same_numbers_and_bounds() {
        let lines: String = (0..40_000).map(|n| format!("line {n}\n")).collect();
        let long = format!("{lines}{}\n{lines}", "x".repeat(2 * BATCH));
        for url in ["redis://h?stream=s&entry=batch", "redis://h?list=l"] {
            let (all, ends) = packed(url, long.as_bytes(), 1);
            assert!(ends.len() > 3 && ends.last().unwrap().at < long.len());
            for (n, end) in ends.iter().enumerate() {
                let again = packed(url, &long.as_bytes()[end.at..], 1 + end.messages);
                let common = all.len() - n - 1;
                assert_eq!(all[n + 1..], again.0[..common], "{url} {n}");
            }
        }
    }
}
