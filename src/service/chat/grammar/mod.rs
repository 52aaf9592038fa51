//! The lines of a chat: the service writes them, `poold client` and `poold flood` parse them.
//!
//! The beginning of a line says what it is, and no client's text can forge it: the server puts
//! something before every text. May import: nothing.

mod help;
mod notice;

use std::fmt;

pub(crate) use help::{HELP, commands};
pub(crate) use notice::{Notice, PUT_OUT, crowd, listed};

/// The room that all clients enter first; only its lines have no tag.
pub(crate) const LOBBY: &str = "lobby";

/// A line of a chat server, without its line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Its time, for lines of the history: `08:51` or `2026-11-22 08:51`.
    pub(crate) time: Option<&'a str>,
    /// Its room; `None` for the lobby.
    pub(crate) room: Option<&'a str>,
    pub(crate) what: What<'a>,
}

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// `<ann> hello`
    Said { name: &'a str, text: &'a str },
    /// `* ann waves`
    Did { name: &'a str, text: &'a str },
    /// `[ann] hello`, to this client alone
    Told { name: &'a str, text: &'a str },
    /// `[to ann] hello`, from this client to ann alone
    Sent { name: &'a str, text: &'a str },
    /// `-- ann joined`
    Notice(&'a str),
    /// Not a chat's line
    Other(&'a str),
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(time) = self.time {
            write!(out, "{time} ")?;
        }
        if let Some(room) = self.room {
            write!(out, "#{room} ")?;
        }
        self.what.fmt(out)
    }
}

impl fmt::Display for What<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Said { name, text } => write!(out, "<{name}> {text}"),
            What::Did { name, text } => write!(out, "* {name} {text}"),
            What::Told { name, text } => write!(out, "[{name}] {text}"),
            What::Sent { name, text } => write!(out, "[to {name}] {text}"),
            What::Notice(text) => write!(out, "-- {text}"),
            What::Other(text) => out.write_str(text),
        }
    }
}

/// A line of the server's own.
pub(crate) fn notice(room: Option<&str>, text: impl fmt::Display) -> String {
    let text = &text.to_string();
    let what = What::Notice(text);
    let time = None;
    format!("{}\n", Line { time, room, what })
}

/// Parses a line.
pub(crate) fn parse(line: &str) -> Line<'_> {
    let (time, rest) = match time(line) {
        Some((time, rest)) => (Some(time), rest),
        None => (None, line),
    };
    let (room, rest) = match room(rest) {
        Some((room, rest)) => (Some(room), rest),
        None => (None, rest),
    };
    match what(rest) {
        Some(what) => Line { time, room, what },
        None => Line {
            time: None,
            room: None,
            what: What::Other(line),
        },
    }
}

fn what(line: &str) -> Option<What<'_>> {
    if let Some(text) = line.strip_prefix("-- ") {
        return Some(What::Notice(text));
    }
    if let Some(rest) = line.strip_prefix("* ") {
        let (name, text) = rest.split_once(' ').unwrap_or((rest, ""));
        return Some(What::Did { name, text });
    }
    if let Some(rest) = line.strip_prefix("[to ") {
        let (name, text) = named(rest, ']')?;
        return Some(What::Sent { name, text });
    }
    if let Some(rest) = line.strip_prefix('[') {
        let (name, text) = named(rest, ']')?;
        return Some(What::Told { name, text });
    }
    let (name, text) = named(line.strip_prefix('<')?, '>')?;
    Some(What::Said { name, text })
}

/// The name before the bracket, and the text after it.
fn named(rest: &str, bracket: char) -> Option<(&str, &str)> {
    let (name, text) = rest.split_once(bracket)?;
    let is_word = !name.is_empty() && !name.contains(' ');
    is_word.then(|| (name, text.strip_prefix(' ').unwrap_or(text)))
}

fn room(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix('#')?.split_once(' ')
}

/// `HH:MM ` or `YYYY-MM-DD HH:MM ` at the beginning.
fn time(line: &str) -> Option<(&str, &str)> {
    ["00:00", "0000-00-00 00:00"].into_iter().find_map(|shape| {
        let (time, rest) = line.split_at_checked(shape.len())?;
        let fits = |(have, want): (u8, u8)| match want {
            b'0' => have.is_ascii_digit(),
            mark => have == mark,
        };
        let rest = rest.strip_prefix(' ')?;
        time.bytes()
            .zip(shape.bytes())
            .all(fits)
            .then_some((time, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<'a>(name: &'a str, text: &'a str) -> What<'a> {
        What::Said { name, text }
    }

    #[test]
    fn every_kind_of_line() {
        let what = |line| parse(line).what;
        assert_eq!(what("<ann> hello"), said("ann", "hello"));
        let (name, text) = ("ann", "waves at bob");
        assert_eq!(what("* ann waves at bob"), What::Did { name, text });
        let text = "hi [there]";
        assert_eq!(what("[ann] hi [there]"), What::Told { name, text });
        assert_eq!(what("[to ann] hi [there]"), What::Sent { name, text });
        assert_eq!(what("-- ann joined"), What::Notice("ann joined"));
        for other in [
            "", "hello", "<a b> c", "<> c", "<ann", "[x", "08:51", "#ops",
        ] {
            assert_eq!(what(other), What::Other(other));
        }
    }

    #[test]
    fn rooms_and_times_come_first() {
        let line = Line {
            time: Some("08:51"),
            room: Some("ops"),
            what: said("\u{3b1}", "-- not a notice"),
        };
        assert_eq!(parse("08:51 #ops <\u{3b1}> -- not a notice"), line);
        let old = Line {
            time: Some("2026-11-22 08:51"),
            room: None,
            what: said("ann", "08:52 later"),
        };
        assert_eq!(parse("2026-11-22 08:51 <ann> 08:52 later"), old);
        assert_eq!(parse("8:51 x").what, What::Other("8:51 x"));
    }
}
