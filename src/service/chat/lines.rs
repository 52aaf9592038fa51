//! Events as lines.

use std::fmt::Write;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tracing::info;

use super::screen::Screen;

use crate::connection::Unsent;
use crate::connection::client::Client;
use crate::service::chat::grammar::{self, LOBBY, Line, Notice, What};
use crate::service::chat::rooms;
use crate::service::chat::rooms::{
    Arrival, Crowd, Entry, Event, Frontend, Given, Kind, Name, Text,
};

/// Maximum bytes of a list of names; further names are only counted.
const LIST_MAX: usize = 8 * 1024;

/// The front end that speaks lines.
pub(super) struct LineFrontend;

pub(super) type Directory = rooms::Directory<LineFrontend>;
pub(super) type Person = rooms::Person<LineFrontend>;
pub(super) type Room = rooms::Room<LineFrontend>;

/// Whole lines for a member.
#[derive(Clone)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    count: u64,
}

impl From<String> for Chunk {
    fn from(lines: String) -> Chunk {
        let count = memchr::memchr_iter(b'\n', lines.as_bytes()).count() as u64;
        let bytes = lines.into();
        Chunk { bytes, count }
    }
}

/// Bytes that are not lines.
impl From<&'static [u8]> for Chunk {
    fn from(bytes: &'static [u8]) -> Chunk {
        let bytes = Bytes::from_static(bytes);
        Chunk { bytes, count: 0 }
    }
}

/// Where a member gets its lines.
#[derive(Clone)]
pub(super) enum Recipient {
    Client(Arc<Wire>),
    Console(Arc<Screen>),
    /// Another daemon has its connection.
    Elsewhere(Arc<Elsewhere>),
}

/// A person on another daemon.
pub(super) struct Elsewhere {
    /// The daemon's run.
    pub(super) run: Arc<str>,
    /// The person's number there.
    pub(super) who: u64,
}

/// A client's connection.
pub(super) struct Wire {
    client: Client,
    /// It has negotiated telnet options: its terminal needs CR LF.
    is_telnet: AtomicBool,
}

impl Wire {
    /// Notes that the client negotiates telnet options.
    pub(super) fn note_telnet(&self) {
        self.is_telnet.store(true, Ordering::Relaxed);
    }
}

impl Deref for Wire {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Recipient {
    pub(super) fn of(client: &Client) -> Recipient {
        Recipient::Client(Arc::new(Wire {
            client: client.clone(),
            is_telnet: AtomicBool::new(false),
        }))
    }

    /// The name in the client's certificate.
    pub(super) fn certified_name(&self) -> Option<String> {
        match self {
            Recipient::Client(client) => client.client.certified_name(),
            Recipient::Console(_) | Recipient::Elsewhere(_) => None,
        }
    }

    /// Whether it needs CR LF.
    pub(super) fn is_telnet(&self) -> bool {
        match self {
            Recipient::Client(wire) => wire.is_telnet.load(Ordering::Relaxed),
            Recipient::Console(_) | Recipient::Elsewhere(_) => false,
        }
    }

    /// Lines as the recipient gets them.
    pub(super) fn on_wire(&self, lines: Bytes) -> Bytes {
        match self.is_telnet() {
            true => with_returns(&lines),
            false => lines,
        }
    }

    /// The recipient's address, for people.
    pub(super) fn place(&self) -> String {
        match self {
            Recipient::Client(client) => client.peer().to_string(),
            Recipient::Console(_) => "the server's terminal".to_owned(),
            Recipient::Elsewhere(_) => "another machine".to_owned(),
        }
    }
}

impl Frontend for LineFrontend {
    type Chunk = Chunk;
    type Outlet = Recipient;

    fn encode(&self, room: &Name, event: &Event) -> Chunk {
        let room = tag(room);
        let line = |what| Line {
            time: None,
            room,
            what,
        };
        let name;
        let text;
        let notice = match event {
            Event::Said { by, lines } => {
                return said(
                    &line(What::Said {
                        name: by.as_str(),
                        text: "",
                    }),
                    lines,
                )
                .into();
            }
            Event::Acted { by, text } => {
                let what = What::Did {
                    name: by.as_str(),
                    text: text.as_str(),
                };
                return format!("{}\n", line(what)).into();
            }
            Event::Came(crowd) => {
                name = names(crowd);
                Notice::Came(&name)
            }
            Event::Left(crowd) => {
                name = names(crowd);
                Notice::Left(&name)
            }
            Event::Renamed { from, to } => {
                let (from, to) = (from.as_str(), to.as_str());
                Notice::Renamed { from, to }
            }
            Event::Topic { by, text } if text.is_empty() => {
                name = format!("{by} cleared the topic");
                Notice::Text(&name)
            }
            Event::Topic { text: topic, .. } => {
                text = topic_line(topic);
                Notice::Text(&text)
            }
            Event::Told(text) => Notice::Text(text.as_str()),
        };
        grammar::notice(room, notice).into()
    }

    fn give(&self, recipient: &Recipient, chunk: Chunk) -> Given {
        let client = match recipient {
            Recipient::Client(client) => client,
            Recipient::Console(screen) => {
                screen.show(&chunk.bytes);
                return Given::Taken;
            }
            Recipient::Elsewhere(_) => return Given::Taken,
        };
        let bytes = recipient.on_wire(chunk.bytes);
        match client.send_several(bytes, chunk.count) {
            Ok(()) => Given::Taken,
            Err(Unsent::Full(_)) => Given::Full,
            Err(Unsent::Gone(_)) => Given::Gone,
        }
    }

    fn stalled_for(&self, recipient: &Recipient) -> Duration {
        match recipient {
            Recipient::Client(client) => client.stalled_for().unwrap_or_default(),
            Recipient::Console(_) | Recipient::Elsewhere(_) => Duration::ZERO,
        }
    }

    fn record(&self, recipient: &Recipient, who: &Name, why: &str) {
        info!(peer = %recipient.place(), "{who} is disconnected: {why}");
    }

    fn dismiss(&self, recipient: &Recipient, why: &str) {
        if let Recipient::Client(client) = recipient {
            client.close(why);
        }
    }
}

/// Ends lines with CR LF (RFC 854).
fn with_returns(lines: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(lines.len() + lines.len() / 32 + 1);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n");
        out.extend_from_slice(text.unwrap_or(line));
        out.extend_from_slice(text.map_or(b"", |_| b"\r\n"));
    }
    out.into()
}

/// The room of a line, as far as it is named.
pub(super) fn tag(room: &Name) -> Option<&str> {
    (room.key() != LOBBY).then(|| room.as_str())
}

/// One line for each that was said, after this beginning.
fn said(beginning: &Line<'_>, lines: &Text) -> String {
    let (prefix, text) = (beginning.to_string(), lines.as_str());
    let mut out = String::with_capacity(text.len() + (prefix.len() + 1) * (text.len() / 32 + 1));
    for line in text.split_terminator('\n') {
        out.push_str(&prefix);
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn topic_line(topic: &Text) -> String {
    format!("topic: {}", topic.as_str())
}

/// `ann, bob and 17 more`.
fn names(crowd: &Crowd) -> String {
    let names: Vec<&str> = crowd.named.iter().map(|name| name.as_str()).collect();
    match (&names[..], crowd.more) {
        ([], more) => others(more),
        ([one], 0) => (*one).to_owned(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (all, more) => format!("{} and {more} more", all.join(", ")),
    }
}

/// `ann, bob, …`, with a bound.
pub(super) fn list(names: impl Iterator<Item = String>) -> String {
    let mut out = String::new();
    let mut left_out = 0;
    for name in names {
        if out.len() > LIST_MAX {
            left_out += 1;
            continue;
        }
        let comma = if out.is_empty() { "" } else { ", " };
        let _ = write!(out, "{comma}{name}");
    }
    if left_out > 0 {
        let _ = write!(out, " and {left_out} more");
    }
    out
}

/// `3 others`.
pub(super) fn others(count: usize) -> String {
    match count {
        0 => "no others".to_owned(),
        1 => "1 other".to_owned(),
        _ => format!("{count} others"),
    }
}

/// The topic and the last lines, for a new member.
pub(super) fn history(arrival: &Arrival<'_>, out: &mut String) {
    let room = tag(arrival.room);
    if !arrival.topic.is_empty() {
        out.push_str(&grammar::notice(room, topic_line(arrival.topic)));
    }
    let now = SystemTime::now();
    let mut entries = arrival.history.entries().peekable();
    if entries.peek().is_some() {
        let text = "the last lines, with their times (UTC):";
        out.push_str(&grammar::notice(room, text));
    }
    for entry in entries {
        past(entry, room, now, out);
    }
}

fn past(entry: &Entry, room: Option<&str>, now: SystemTime, out: &mut String) {
    // 2026-11-22T08:51:10Z
    let stamp = humantime::format_rfc3339_seconds(entry.at).to_string();
    let old = now
        .duration_since(entry.at)
        .is_ok_and(|age| age.as_secs() > 24 * 60 * 60);
    let (day, time) = (&stamp[..10], &stamp[11..16]);
    let long = format!("{day} {time}");
    let time = Some(if old { &long } else { time });
    let (name, text) = (entry.by.as_str(), &*entry.text);
    let what = match entry.kind {
        Kind::Said => What::Said { name, text },
        Kind::Acted => What::Did { name, text },
    };
    let _ = writeln!(out, "{}", Line { time, room, what });
}
