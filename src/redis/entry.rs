//! An entry of a stream.

use std::fmt;

use super::failure::Failure;
use super::resp::Reply;

/// Names of the field with the message, ours and those of other programs.
const MESSAGE: [&[u8]; 3] = [b"message", b"msg", b"body"];
/// Numbers that are one: no run comes as far, and others may write what they like.
const NUMBERS: u64 = 1 << 62;

/// The id of an entry: the server's time in milliseconds, and a number within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) ms: u64,
    pub(crate) number: u64,
}

/// See the head of the file. Any program may have written it.
pub(crate) struct Entry<'a> {
    pub(crate) id: Id,
    /// Names and values; none if the entry was trimmed meanwhile.
    fields: Vec<Reply<'a>>,
}

impl Id {
    pub(crate) fn read(text: &str) -> Option<Id> {
        let (ms, number) = text.split_once('-').unwrap_or((text, "0"));
        Some(Id {
            ms: ms.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.ms, self.number)
    }
}

impl<'a> Entry<'a> {
    /// Those of a reply to XRANGE and its like.
    pub(crate) fn all(reply: Reply<'a>) -> Result<Vec<Entry<'a>>, Failure> {
        if let Reply::Error(text) = reply {
            return Err(Failure::refused(text));
        }
        let all = reply.array();
        let all = all.and_then(|all| all.into_iter().map(Entry::read).collect());
        all.ok_or_else(|| Failure::unfit("the server's reply has no entries"))
    }

    /// Those of a reply to XREAD and its like, for one stream.
    pub(crate) fn all_of_stream(reply: Reply<'a>) -> Result<Vec<Entry<'a>>, Failure> {
        let streams = match reply {
            Reply::Text(None) => return Ok(Vec::new()),
            Reply::Error(text) => return Err(Failure::refused(text)),
            reply => reply.array().unwrap_or_default(),
        };
        // Its name, and its entries.
        let stream = streams.into_iter().next().and_then(Reply::array);
        let entries = stream.and_then(|mut both| both.pop());
        Entry::all(entries.unwrap_or(Reply::Text(None)))
    }

    fn read(reply: Reply<'a>) -> Option<Entry<'a>> {
        let mut both = reply.array()?.into_iter();
        let id = Id::read(str::from_utf8(both.next()?.text()?).ok()?)?;
        let fields = both.next()?.array().unwrap_or_default();
        Some(Entry { id, fields })
    }

    pub(crate) fn field(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut pairs = self.fields.as_chunks::<2>().0.iter();
        pairs.find_map(|[key, value]| value.text().filter(|_| key.text() == Some(name)))
    }

    pub(crate) fn message(&self) -> Option<&'a [u8]> {
        MESSAGE.iter().find_map(|name| self.field(name))
    }

    /// All fields as `NAME=VALUE`, for an entry that has no message.
    pub(crate) fn described(&self) -> Vec<u8> {
        let pairs = self.fields.as_chunks::<2>().0.iter();
        let words = pairs.map(|pair| pair.each_ref().map(|one| one.text().unwrap_or_default()));
        let all: Vec<Vec<u8>> = words.map(|pair| pair.join(&b'=')).collect();
        all.join(&b' ')
    }

    /// The lines of a batch, without their ends; `None` if it is none.
    pub(crate) fn lines(&self) -> Option<impl Iterator<Item = &'a [u8]> + use<'a>> {
        let lines = self.field(b"lines")?;
        let lines = lines.split_inclusive(|byte| *byte == b'\n');
        Some(lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line)))
    }

    /// Whether it was trimmed meanwhile.
    pub(crate) fn is_gone(&self) -> bool {
        self.fields.is_empty()
    }

    /// Its bytes, about.
    pub(crate) fn size(&self) -> usize {
        let words = self.fields.iter().filter_map(Reply::text);
        words.map(<[u8]>::len).sum()
    }

    /// `RUN-NUMBER`
    pub(crate) fn name(&self) -> Option<&'a str> {
        self.field(b"n").and_then(|name| str::from_utf8(name).ok())
    }

    /// The run, and the number of its first message.
    pub(crate) fn number(&self) -> Option<(&'a str, u64)> {
        let (run, number) = self.name()?.rsplit_once('-')?;
        let number = number.parse().ok().filter(|number| *number < NUMBERS)?;
        Some((run, number))
    }
}
