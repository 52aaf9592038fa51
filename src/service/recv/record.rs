//! Messages as records in the output's queue, for a sink that must know where each one ends.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | length of the words, little-endian |
//! | 1 | number of fields |
//! | … | the fields' names and values, as words of a command |
//!
//! The workers make the words, so that the one that writes has little to do.

use crate::redis::resp;

const HEADER: usize = 5;

/// A message in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) fields: u8,
    pub(super) words: &'a [u8],
}

impl Record<'_> {
    /// Bytes in the queue.
    pub(super) fn length(&self) -> usize {
        HEADER + self.words.len()
    }
}

/// Appends a record with the words of `label`, the message, and a mark, if it has one.
pub(super) fn write(label: &[u8], message: &[u8], mark: Option<&str>, out: &mut Vec<u8>) {
    let (fields, words) = label.split_first().unwrap_or((&0, &[]));
    let begin = out.len();
    out.extend_from_slice(&[0; HEADER]);
    out.extend_from_slice(words);
    resp::word(message, out);
    if let Some(mark) = mark {
        resp::word(mark.as_bytes(), out);
        resp::word(b"1", out);
    }
    // No message is longer than 1 GiB.
    let length = (out.len() - begin - HEADER) as u32;
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
    out[begin + 4] = fields + u8::from(mark.is_some());
}

/// Appends a record of a message alone.
pub(super) fn bare(message: &[u8], out: &mut Vec<u8>) {
    write(b"\x01$7\r\nmessage\r\n", message, None, out);
}

/// The record at the front of the bytes.
pub(super) fn first(bytes: &[u8]) -> Option<Record<'_>> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    Some(Record {
        fields: header[4],
        words: rest.get(..length)?,
    })
}

/// What the records of a client have in common: the number of fields, and all words before the
/// message.
pub(super) fn label(peer: &str, name: Option<&str>) -> Vec<u8> {
    let mut label = vec![0];
    let mut field = |of: &str, value: &str| {
        label[0] += 1;
        resp::word(of.as_bytes(), &mut label);
        resp::word(value.as_bytes(), &mut label);
    };
    field("peer", peer);
    name.into_iter().for_each(|name| field("name", name));
    label[0] += 1;
    resp::word(b"message", &mut label);
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back() {
        let mut bytes = Vec::new();
        let label = label("10.0.0.1:7", None);
        write(&label, b"one", None, &mut bytes);
        write(
            &super::label("unix:3", Some("n")),
            b"",
            Some("partial"),
            &mut bytes,
        );
        let one = first(&bytes).expect("it is there");
        let words = b"$4\r\npeer\r\n$10\r\n10.0.0.1:7\r\n$7\r\nmessage\r\n$3\r\none\r\n";
        assert_eq!((one.fields, one.words), (2, &words[..]));
        let rest = &bytes[one.length()..];
        let two = first(rest).expect("it is there");
        assert_eq!(two.fields, 4);
        assert!(
            two.words
                .ends_with(b"$0\r\n\r\n$7\r\npartial\r\n$1\r\n1\r\n")
        );
        assert_eq!(rest.len(), two.length());
        let mut alone = Vec::new();
        bare(b"one", &mut alone);
        let words = b"$7\r\nmessage\r\n$3\r\none\r\n";
        assert_eq!(first(&alone), Some(Record { fields: 1, words }));
        for cut in 0..one.length() {
            assert_eq!(first(&bytes[..cut]), None);
        }
    }
}
