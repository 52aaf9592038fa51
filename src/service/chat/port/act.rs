//! What the daemons tell each other: acts, and the entries of the stream that hold them.
//!
//! An entry has the fields `n`, RUN-NUMBER, and `acts`, a JSON list. Any program with
//! access to the stream can have written it: what can't be parsed is no entry, and names and texts
//! are checked where they are applied.

use serde::{Deserialize, Serialize};

use super::snapshot::{HouseState, KeptState};
use crate::redis::resp::{self, Reply};

/// Longest list of acts. Only a state is longer than what people say.
pub(super) const ACTS_BYTES_MAX: usize = 64 << 20;
/// Longest list with acts that this version does not know.
const UNKNOWN_BYTES_MAX: usize = 4 << 20;
/// Most acts of an entry.
const ACTS_MAX: usize = 100_000;
/// Longest name of a run.
const RUN_MAX: usize = 32;
/// No run comes as far.
const NUMBER_MAX: u64 = 1 << 62;

/// A person anywhere: the run of its daemon, and its number there.
pub(crate) type Whom = (String, u64);

/// What one person does, or one daemon. `who` is the person's number on the daemon that says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Act {
    /// A daemon comes, and asks for the state. `was`: its run before, whose people are no more.
    Hello {
        was: Option<String>,
    },
    /// The state of all as it was right after the entry `of`, a hello.
    State {
        of: String,
        state: Box<HouseState>,
    },
    /// What outlives all daemons, for one that finds none.
    Kept(Box<KeptState>),
    /// A topic of what outlives them, as it is since the last [`Kept`](Act::Kept).
    KeptTopic {
        room: String,
        text: String,
    },
    /// The daemon has nothing else to say.
    Alive,
    /// The daemon ends, and its people with it.
    Bye,
    /// A person comes into rooms, under this name if it is free.
    Come {
        who: u64,
        name: Option<String>,
        rooms: Vec<String>,
        away: Option<String>,
        muted: u64,
    },
    /// A person's connection has ended.
    Gone {
        who: u64,
    },
    /// A person says lines, or acts. The name is for those who only read the past.
    Say {
        who: u64,
        name: String,
        room: String,
        text: String,
        me: bool,
    },
    Join {
        who: u64,
        room: String,
    },
    Part {
        who: u64,
        room: String,
    },
    Name {
        who: u64,
        name: String,
    },
    Topic {
        who: u64,
        room: String,
        text: String,
    },
    /// To one person.
    Tell {
        who: u64,
        to: Whom,
        text: String,
    },
    Away {
        who: u64,
        text: String,
    },
    Kick {
        who: u64,
        whom: Whom,
        why: String,
    },
    /// A name or an address.
    Ban {
        who: u64,
        whom: String,
    },
    Unban {
        who: u64,
        whom: String,
    },
    /// For so many milliseconds.
    Mute {
        who: u64,
        whom: Whom,
        time: u64,
    },
    Wall {
        who: u64,
        text: String,
    },
    /// One of a later version.
    #[serde(skip)]
    Unknown,
}

/// An id of the stream: milliseconds, and a number among those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) ms: u64,
    number: u64,
}

impl Id {
    #[cfg(test)]
    pub(crate) fn at(ms: u64) -> Id {
        Id { ms, number: 0 }
    }

    pub(crate) fn read(text: &[u8]) -> Option<Id> {
        let (ms, number) = str::from_utf8(text).ok()?.split_once('-')?;
        Some(Id {
            ms: ms.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}-{}", self.ms, self.number)
    }
}

/// An entry that is one of ours.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) run: String,
    pub(crate) number: u64,
    pub(crate) acts: Vec<Act>,
}

/// The entries of a reply with their ids; `None` in place of one that is none of ours.
pub(crate) type Entries = Vec<(Id, Option<Entry>)>;

/// Reads entries: a reply to XREVRANGE, or those of one stream in a reply to XREAD.
pub(crate) fn entries(reply: Reply<'_>) -> Option<Entries> {
    reply.array()?.into_iter().map(entry).collect()
}

fn entry(reply: Reply<'_>) -> Option<(Id, Option<Entry>)> {
    let mut both = reply.array()?.into_iter();
    let id = Id::read(both.next()?.text()?)?;
    // An entry that was trimmed meanwhile has none.
    let fields = both.next()?.array().unwrap_or_default();
    Some((id, ours(&fields)))
}

fn ours(fields: &[Reply<'_>]) -> Option<Entry> {
    let field = |name: &[u8]| {
        let mut pairs = fields.as_chunks::<2>().0.iter();
        pairs.find_map(|[key, value]| value.text().filter(|_| key.text() == Some(name)))
    };
    let (run, number) = str::from_utf8(field(b"n")?).ok()?.rsplit_once('-')?;
    let number = number.parse().ok().filter(|number| *number < NUMBER_MAX)?;
    let is_run =
        !run.is_empty() && run.len() <= RUN_MAX && run.bytes().all(|b| b.is_ascii_graphic());
    let acts = field(b"acts").filter(|acts| acts.len() <= ACTS_BYTES_MAX && is_run)?;
    let acts = acts_of(acts)?;
    (acts.len() <= ACTS_MAX).then(|| Entry {
        run: run.to_owned(),
        number,
        acts,
    })
}

/// An act of a later version does not take the others of its entry with it, nor the entry's number.
fn acts_of(list: &[u8]) -> Option<Vec<Act>> {
    match serde_json::from_slice(list) {
        Ok(acts) => Some(acts),
        Err(_) if list.len() > UNKNOWN_BYTES_MAX => None,
        Err(_) => {
            let all: Vec<serde_json::Value> = serde_json::from_slice(list).ok()?;
            let act = |value| serde_json::from_value(value).unwrap_or(Act::Unknown);
            Some(all.into_iter().map(act).collect())
        }
    }
}

/// The command that adds an entry; the stream is kept at about so many.
pub(crate) fn add(stream: &str, keep: u64, run: &str, number: u64, acts: &[u8]) -> Vec<u8> {
    let mut command = Vec::with_capacity(acts.len() + 200);
    let (keep, number) = (keep.to_string(), format!("{run}-{number}"));
    let words: [&[u8]; 10] = [
        b"XADD",
        stream.as_bytes(),
        b"MAXLEN",
        b"~",
        keep.as_bytes(),
        b"*",
        b"n",
        number.as_bytes(),
        b"acts",
        acts,
    ];
    resp::command(&words, &mut command);
    command
}

/// Appends an act to a list that `]` will end.
pub(crate) fn append(act: &Act, list: &mut Vec<u8>) {
    list.push(if list.is_empty() { b'[' } else { b',' });
    // It writes to memory, and has no map with other keys than texts.
    let _ = serde_json::to_writer(list, act);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(run: &str, acts: &str) -> Option<Entry> {
        let text = |text: &'static str| Reply::Text(Some(text.as_bytes()));
        let fields = [
            text("n"),
            Reply::Text(Some(run.as_bytes())),
            text("acts"),
            Reply::Text(Some(acts.as_bytes())),
        ];
        ours(&fields)
    }

    #[test]
    fn acts_are_read_as_they_were_written() {
        let mut list = Vec::new();
        append(&Act::Alive, &mut list);
        let (room, text) = ("lobby".to_owned(), "a\nb\n".to_owned());
        let name = "ann".to_owned();
        let say = Act::Say {
            who: 7,
            name,
            room,
            text,
            me: false,
        };
        append(&say, &mut list);
        list.push(b']');
        let list = String::from_utf8(list).expect("JSON");
        let entry = read("k3xy-12", &list).expect("ours");
        assert_eq!((entry.run.as_str(), entry.number), ("k3xy", 12));
        let again = format!("{:?}", entry.acts);
        assert_eq!(again, format!("{:?}", [Act::Alive, say]));
    }

    #[test]
    fn what_others_write_is_no_entry() {
        for (run, acts) in [
            ("k3", "[]"),
            ("-1", "[]"),
            ("k3-x", "[]"),
            ("k3-99999999999999999999", "[]"),
            ("k 3-1", "[]"),
            ("k3-1", ""),
            ("k3-1", "{}"),
            ("k3-1", &"[".repeat(10_000)),
        ] {
            assert!(read(run, acts).is_none(), "{run} {acts}");
        }
        assert!(read("k3-1", "[]").is_some());
        assert!(entries(Reply::Number(3)).is_none());
    }

    #[test]
    fn acts_of_a_later_version_are_passed_over() {
        let entry = read("k3-12", r#"["jump",{"gone":{"who":1}},{"say":{"how":2}}]"#);
        let acts = format!("{:?}", entry.expect("ours").acts);
        assert_eq!(acts, "[Unknown, Gone { who: 1 }, Unknown]");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(run in "\\PC{0,12}", acts in "\\PC{0,60}") {
            let _ = read(&run, &acts);
        }
    }
}
