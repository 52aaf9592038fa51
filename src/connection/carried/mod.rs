//! A connection's state, written down for the process that goes on with it.
//!
//! ```text
//! version 1: "poold client 1\n", then fields (see `fields.rs`), each at most once
//!
//! 8001 framing   text, as --framing takes it        0001 id         number
//! 8002 form      the name of the session's form     0002 counts     messages in, bytes in,
//! 8003 session   the service's own bytes                            messages out, bytes out
//! 8004 peer      text, `192.0.2.1:5140` or `unix:7` 0003 age        ms since it connected
//! 8005 announced text: the client, and the address  0004 heard      ms after that: its last byte
//!                that it connected to or nothing    0005 stalled    ms: it takes no output
//! 8006 unread    bytes, read and not cut yet        0006 paused     ms: the service wants nothing
//! 8007 begun     bytes of a message under way       0007 message    ms since it began, bytes then
//! 8008 place     numbers: where the framing is      0008 rate       messages, bytes left, × 1000
//! 8009 owed      bytes, not written yet             0009 hint       text: the guess at its bytes
//! 800a broken    nothing: it takes no output any more
//! ```
//!
//! A time is an age, because two processes have no clock in common that never jumps. A reader
//! checks everything: what it takes can't make a connection that panics, or that holds more than
//! its bounds.

#[cfg(all(test, feature = "cli"))]
pub(crate) mod changed;
pub(crate) mod fields;

use std::net::SocketAddr;
use std::time::Duration;

use fields::{FieldWriter, Fields, REQUIRED, numbers, several};

use crate::framing::Place;
use crate::framing::hint::{HINTS, Hint};
use crate::limits::options::TIME_MAX;
use crate::net::address::Peer;

/// What a state begins with.
const HEAD: &[u8] = b"poold client 1\n";
/// Maximum length of a state. A connection with more stays where it is.
pub(crate) const STATE_MAX: usize = 16 * 1024 * 1024;

const FRAMING: u16 = REQUIRED + 1;
const FORM: u16 = REQUIRED + 2;
const SESSION: u16 = REQUIRED + 3;
const PEER: u16 = REQUIRED + 4;
const ANNOUNCED: u16 = REQUIRED + 5;
const UNREAD: u16 = REQUIRED + 6;
const BEGUN: u16 = REQUIRED + 7;
const PLACE: u16 = REQUIRED + 8;
const OWED: u16 = REQUIRED + 9;
const BROKEN: u16 = REQUIRED + 10;
const ID: u16 = 1;
const COUNTS: u16 = 2;
const AGE: u16 = 3;
const HEARD: u16 = 4;
const STALLED: u16 = 5;
const PAUSED: u16 = 6;
const MESSAGE: u16 = 7;
const RATE: u16 = 8;
const HINT: u16 = 9;

/// See the head of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) framing: String,
    pub(crate) form: String,
    pub(crate) session: Vec<u8>,
    /// The other end of the connection.
    pub(crate) origin: Peer,
    pub(crate) announced: Option<(Peer, Option<SocketAddr>)>,
    pub(crate) unread: Vec<u8>,
    pub(crate) place: Place,
    pub(crate) owed: Vec<u8>,
    pub(crate) is_broken: bool,
    pub(crate) id: u64,
    /// Messages in, bytes in, messages out, bytes out.
    pub(crate) counts: [u64; 4],
    pub(crate) age: Duration,
    /// Of the last byte, after the begin.
    pub(crate) heard: Duration,
    pub(crate) stalled: Option<Duration>,
    pub(crate) paused: Option<Duration>,
    pub(crate) message: Option<(Duration, u64)>,
    /// Messages and bytes that the rate has left, in thousandths.
    pub(crate) rate: Option<(i64, i64)>,
    pub(crate) hint: Option<Hint>,
}

impl Carried {
    /// A client without a history.
    pub(crate) fn new(origin: Peer) -> Carried {
        Carried {
            framing: String::new(),
            form: String::new(),
            session: Vec::new(),
            origin,
            announced: None,
            unread: Vec::new(),
            place: Place::default(),
            owed: Vec::new(),
            is_broken: false,
            id: 0,
            counts: [0; 4],
            age: Duration::ZERO,
            heard: Duration::ZERO,
            stalled: None,
            paused: None,
            message: None,
            rate: None,
            hint: None,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = FieldWriter::after(HEAD);
        out.bytes(FRAMING, self.framing.as_bytes());
        out.bytes(FORM, self.form.as_bytes());
        out.some_bytes(SESSION, &self.session);
        out.bytes(PEER, self.origin.to_string().as_bytes());
        if let Some((client, local)) = self.announced {
            let local = local.map(|local| format!(" {local}")).unwrap_or_default();
            out.bytes(ANNOUNCED, format!("{client}{local}").as_bytes());
        }
        out.some_bytes(UNREAD, &self.unread);
        out.some_bytes(BEGUN, &self.place.begun);
        if !self.place.marks.is_empty() {
            out.numbers(PLACE, &self.place.marks);
        }
        out.some_bytes(OWED, &self.owed);
        if self.is_broken {
            out.bytes(BROKEN, &[]);
        }
        out.numbers(ID, &[self.id]);
        out.numbers(COUNTS, &self.counts);
        out.numbers(AGE, &[ms(self.age)]);
        out.numbers(HEARD, &[ms(self.heard)]);
        for (field, time) in [(STALLED, self.stalled), (PAUSED, self.paused)] {
            if let Some(time) = time {
                out.numbers(field, &[ms(time)]);
            }
        }
        if let Some((age, bytes)) = self.message {
            out.numbers(MESSAGE, &[ms(age), bytes]);
        }
        if let Some((messages, bytes)) = self.rate {
            out.numbers(RATE, &[messages.cast_unsigned(), bytes.cast_unsigned()]);
        }
        if let Some(hint) = self.hint {
            out.bytes(HINT, hint.describe().as_bytes());
        }
        out.finish()
    }

    /// Reads a state; `None` if it is of another version, or wrong.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Carried> {
        let bytes = bytes.strip_prefix(HEAD)?;
        let mut seen = Vec::new();
        let mut peer = None;
        // Of any address: the field that holds it is required.
        let mut carried = Carried::new(Peer::Unix(0));
        for field in Fields(bytes) {
            let (field, value) = field?;
            if seen.contains(&field) {
                return None;
            }
            seen.push(field);
            match field {
                PEER => peer = Some(parse_peer(str::from_utf8(value).ok()?)?),
                _ => carried.take(field, value)?,
            }
        }
        carried.origin = peer?;
        let is_whole = seen.contains(&FRAMING) && seen.contains(&FORM);
        (is_whole && carried.heard <= carried.age).then_some(carried)
    }

    fn take(&mut self, field: u16, value: &[u8]) -> Option<()> {
        match field {
            FRAMING => self.framing = str::from_utf8(value).ok()?.to_owned(),
            FORM => self.form = str::from_utf8(value).ok()?.to_owned(),
            SESSION => self.session = value.to_vec(),
            ANNOUNCED => self.announced = Some(parse_announced(str::from_utf8(value).ok()?)?),
            UNREAD => self.unread = value.to_vec(),
            BEGUN => self.place.begun = value.to_vec(),
            PLACE => self.place.marks = several(value)?,
            OWED => self.owed = value.to_vec(),
            BROKEN => self.is_broken = value.is_empty().then_some(true)?,
            ID => [self.id] = numbers(value)?,
            COUNTS => self.counts = numbers(value)?,
            AGE => self.age = time(value)?,
            HEARD => self.heard = time(value)?,
            STALLED => self.stalled = Some(time(value)?),
            PAUSED => self.paused = Some(time(value)?),
            MESSAGE => {
                let [age, bytes] = numbers(value)?;
                self.message = Some((of_ms(age)?, bytes));
            }
            RATE => {
                let [messages, bytes] = numbers(value)?;
                self.rate = Some((messages.cast_signed(), bytes.cast_signed()));
            }
            // `None` for a guess that another version makes.
            HINT => {
                self.hint = HINTS
                    .into_iter()
                    .find(|one| one.describe().as_bytes() == value)
            }
            REQUIRED.. => return None,
            _ => {}
        }
        Some(())
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn time(value: &[u8]) -> Option<Duration> {
    let [ms] = numbers(value)?;
    of_ms(ms)
}

fn of_ms(ms: u64) -> Option<Duration> {
    let time = Duration::from_millis(ms);
    (time <= TIME_MAX).then_some(time)
}

fn parse_peer(text: &str) -> Option<Peer> {
    match text.strip_prefix("unix:") {
        Some(process) => process.parse().ok().map(Peer::Unix),
        None => text.parse().ok().map(Peer::Tcp),
    }
}

fn parse_announced(text: &str) -> Option<(Peer, Option<SocketAddr>)> {
    match text.split_once(' ') {
        Some((client, local)) => Some((parse_peer(client)?, Some(local.parse().ok()?))),
        None => Some((parse_peer(text)?, None)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn full() -> Carried {
        let peer = |text: &str| Peer::Tcp(text.parse().expect("an address"));
        Carried {
            framing: "octet".into(),
            form: "recv 1".into(),
            session: b"session".into(),
            announced: Some((peer("[2001:db8::1]:7"), Some(([192, 0, 2, 1], 514).into()))),
            unread: b"unread".into(),
            place: Place {
                begun: b"begun".into(),
                marks: vec![1, u64::MAX],
            },
            owed: b"owed".into(),
            is_broken: true,
            id: 7,
            counts: [1, 2, 3, 4],
            age: Duration::from_secs(60),
            heard: Duration::from_millis(59_999),
            stalled: Some(Duration::from_millis(1)),
            paused: Some(Duration::ZERO),
            message: Some((Duration::from_secs(2), 9)),
            rate: Some((-1500, 7)),
            hint: Some(Hint::Stray),
            ..Carried::new(peer("127.0.0.1:1"))
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bare = Carried {
            framing: "lines".into(),
            ..Carried::new(Peer::Unix(4711))
        };
        for carried in [full(), bare] {
            assert_eq!(Carried::parse(&carried.to_bytes()), Some(carried));
        }
    }

    #[test]
    fn what_is_cut_or_has_an_unknown_required_field_is_refused() {
        let bytes = full().to_bytes();
        // Whole fields are whole states, as far as their required ones are there.
        for length in 0..HEAD.len() + 40 {
            assert_eq!(Carried::parse(&bytes[..length]), None, "{length}");
        }
        let with = |field: u16| {
            let mut out = FieldWriter::after(&bytes);
            out.bytes(field, b"later");
            Carried::parse(&out.finish())
        };
        assert_eq!(with(REQUIRED - 1), Some(full()), "passed over");
        assert_eq!(with(u16::MAX), None);
        assert_eq!(with(SESSION), None, "twice");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, at: u16, to: u8) {
            let _ = Carried::parse(&[HEAD, &bytes].concat());
            let mut changed = full().to_bytes();
            let at = usize::from(at) % changed.len();
            changed[at] = to;
            if let Some(carried) = Carried::parse(&changed) {
                prop_assert_eq!(Carried::parse(&carried.to_bytes()), Some(carried));
            }
        }
    }
}
