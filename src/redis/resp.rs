//! Commands and replies as bytes: RESP, version 2.

/// Longest text, by default of the servers as well.
const BULK_MAX: i64 = 512 << 20;
/// Most elements of an array.
const ARRAY_MAX: i64 = 1 << 20;
/// Deepest array: streams, stream, entries, entry, fields.
const DEPTH_MAX: u32 = 8;
/// Longest line: a number, a status, an error.
const LINE_MAX: usize = 64 << 10;

/// What a server answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    Status(&'a [u8]),
    Error(&'a [u8]),
    Number(i64),
    /// `None` for the reply that there is nothing.
    Text(Option<&'a [u8]>),
    Array(Vec<Reply<'a>>),
}

/// The bytes are no reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoReply;

impl<'a> Reply<'a> {
    /// Reads the reply at the front of the bytes: the reply and its length, or `None` while it is
    /// not all there.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Option<(Reply<'a>, usize)>, NoReply> {
        read(bytes, 0)
    }

    pub(crate) fn array(self) -> Option<Vec<Reply<'a>>> {
        match self {
            Reply::Array(all) => Some(all),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&'a [u8]> {
        match self {
            Reply::Text(text) => *text,
            Reply::Status(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<i64> {
        match self {
            Reply::Number(number) => Some(*number),
            _ => None,
        }
    }
}

fn read(bytes: &[u8], depth: u32) -> Result<Option<(Reply<'_>, usize)>, NoReply> {
    let Some((&kind, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if !b"+-:$*".contains(&kind) || depth > DEPTH_MAX {
        return Err(NoReply);
    }
    let Some(end) = memchr::memchr(b'\n', &rest[..rest.len().min(LINE_MAX)]) else {
        return if rest.len() < LINE_MAX {
            Ok(None)
        } else {
            Err(NoReply)
        };
    };
    let line = rest[..end].strip_suffix(b"\r").ok_or(NoReply)?;
    let used = end + 2;
    let reply = match kind {
        b'+' => Reply::Status(line),
        b'-' => Reply::Error(line),
        b':' => Reply::Number(number(line)?),
        b'$' => match number(line)? {
            -1 => Reply::Text(None),
            length @ 0..=BULK_MAX => {
                let length = length as usize;
                if bytes.len() < used + length + 2 {
                    return Ok(None);
                }
                let text = &bytes[used..used + length];
                return match &bytes[used + length..used + length + 2] {
                    b"\r\n" => Ok(Some((Reply::Text(Some(text)), used + length + 2))),
                    _ => Err(NoReply),
                };
            }
            _ => return Err(NoReply),
        },
        _ => return array(bytes, number(line)?, used, depth),
    };
    Ok(Some((reply, used)))
}

fn array(
    bytes: &[u8],
    count: i64,
    mut used: usize,
    depth: u32,
) -> Result<Option<(Reply<'_>, usize)>, NoReply> {
    match count {
        -1 => return Ok(Some((Reply::Text(None), used))),
        0..=ARRAY_MAX => {}
        _ => return Err(NoReply),
    }
    // What a server only claims takes no memory.
    let mut all = Vec::new();
    for _ in 0..count {
        match read(&bytes[used..], depth + 1)? {
            Some((reply, length)) => {
                all.push(reply);
                used += length;
            }
            None => return Ok(None),
        }
    }
    Ok(Some((Reply::Array(all), used)))
}

fn number(line: &[u8]) -> Result<i64, NoReply> {
    str::from_utf8(line)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(NoReply)
}

/// Appends a command.
pub(crate) fn command(words: &[&[u8]], out: &mut Vec<u8>) {
    begin(words.len() as u64, out);
    words.iter().for_each(|each| word(each, out));
}

/// Appends the begin of a command of so many words.
pub(crate) fn begin(words: u64, out: &mut Vec<u8>) {
    out.push(b'*');
    decimal(words, out);
    out.extend_from_slice(b"\r\n");
}

/// Appends a word of a command.
pub(crate) fn word(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'$');
    decimal(bytes.len() as u64, out);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Appends a number.
pub(crate) fn decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn replies_are_read_once_they_are_all_there() {
        let text = |bytes| Reply::Text(Some(bytes));
        for (bytes, expected) in [
            (&b"+OK\r\n"[..], Reply::Status(b"OK")),
            (b"-OOM no\r\n", Reply::Error(b"OOM no")),
            (b":-3\r\n", Reply::Number(-3)),
            (b"$-1\r\n", Reply::Text(None)),
            (b"*-1\r\n", Reply::Text(None)),
            (b"$0\r\n\r\n", text(b"")),
            (b"$4\r\na\r\nb\r\n", text(b"a\r\nb")),
            (b"*0\r\n", Reply::Array(vec![])),
            (
                b"*2\r\n$1\r\na\r\n*1\r\n:7\r\n",
                Reply::Array(vec![text(b"a"), Reply::Array(vec![Reply::Number(7)])]),
            ),
        ] {
            for cut in 0..bytes.len() {
                assert_eq!(Reply::read(&bytes[..cut]), Ok(None), "{cut}");
            }
            assert_eq!(Reply::read(bytes), Ok(Some((expected, bytes.len()))));
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [
            &b"HTTP/1.1 400\r\n"[..],
            b"\x15\x03\x01",
            b"+OK\n",
            b":x\r\n",
            b"$-2\r\n",
            b"$99999999999\r\n",
            b"$1\r\nabc",
            b"*-2\r\n",
            b"*99999999\r\n",
            &b"*1\r\n".repeat(20),
            &[b"+".as_slice(), &[b'a'; LINE_MAX]].concat(),
        ] {
            assert_eq!(Reply::read(bytes), Err(NoReply), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in "[-+:$*0-9a\r\n]{0,40}") {
            let read = Reply::read(bytes.as_bytes());
            if let Ok(Some((_, used))) = read {
                prop_assert!(used <= bytes.len());
            }
        }

        #[test]
        fn a_command_is_read_back(words in prop::collection::vec(any::<Vec<u8>>(), 0..4)) {
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let mut out = Vec::new();
            command(&words, &mut out);
            let expected = words.into_iter().map(|word| Reply::Text(Some(word))).collect();
            prop_assert_eq!(Reply::read(&out), Ok(Some((Reply::Array(expected), out.len()))));
        }
    }
}
