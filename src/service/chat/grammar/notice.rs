//! The server's own lines, as far as a program acts on them.

use std::fmt;

const WELCOME: &str = "welcome; you are ";
const NAMED: &str = "you are now ";
const NOT_NAMED: &str = "you are still ";
const JOINED: &str = "you joined ";
const SPEAKS: (&str, &str) = ("you speak in ", " now");
const PARTED: &str = "you left ";
const MEMBERS: &str = "here: ";
const ROOMS: &str = "rooms: ";
const RENAMED: &str = " is now called ";
const CAME: &str = " joined";
const LEFT: &str = " left";
/// What the line to a client that is disconnected begins with.
pub(crate) const PUT_OUT: &str = "you are disconnected: ";

/// The text of a notice, after `-- `.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice<'a> {
    /// The client has entered under this name; with more for its person.
    Welcome { name: &'a str, more: &'a str },
    /// The client has this name now.
    Named(&'a str),
    /// The client keeps its name.
    NotNamed { name: &'a str, why: &'a str },
    /// The client has entered a room.
    Joined(&'a str),
    /// What the client says goes to this room now.
    Speaks(&'a str),
    /// The client has left a room.
    Parted(&'a str),
    /// The members of a room, as [`listed`] parses them.
    Members(&'a str),
    /// The rooms, as [`listed`] parses them.
    Rooms(&'a str),
    /// Another member has another name.
    Renamed { from: &'a str, to: &'a str },
    /// These members have come, as [`crowd`] parses them.
    Came(&'a str),
    /// These have left.
    Left(&'a str),
    /// The server closes the connection.
    PutOut(&'a str),
    /// For people only.
    Text(&'a str),
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Notice::Welcome { name, more } => write!(out, "{WELCOME}{name}, {more}"),
            Notice::Named(name) => write!(out, "{NAMED}{name}"),
            Notice::NotNamed { name, why } => write!(out, "{NOT_NAMED}{name}: {why}"),
            Notice::Joined(room) => write!(out, "{JOINED}{room}"),
            Notice::Speaks(room) => write!(out, "{}{room}{}", SPEAKS.0, SPEAKS.1),
            Notice::Parted(room) => write!(out, "{PARTED}{room}"),
            Notice::Members(list) => write!(out, "{MEMBERS}{list}"),
            Notice::Rooms(list) => write!(out, "{ROOMS}{list}"),
            Notice::Renamed { from, to } => write!(out, "{from}{RENAMED}{to}"),
            Notice::Came(names) => write!(out, "{names}{CAME}"),
            Notice::Left(names) => write!(out, "{names}{LEFT}"),
            Notice::PutOut(why) => write!(out, "{PUT_OUT}{why}"),
            Notice::Text(text) => out.write_str(text),
        }
    }
}

impl<'a> Notice<'a> {
    pub(crate) fn parse(text: &'a str) -> Notice<'a> {
        let after = |begin| text.strip_prefix(begin);
        let before = |end| text.strip_suffix(end);
        if let Some((name, more)) = after(WELCOME).and_then(|rest| rest.split_once(", ")) {
            Notice::Welcome { name, more }
        } else if let Some(name) = after(NAMED) {
            Notice::Named(name)
        } else if let Some((name, why)) = after(NOT_NAMED).and_then(|rest| rest.split_once(": ")) {
            Notice::NotNamed { name, why }
        } else if let Some(room) = after(JOINED) {
            Notice::Joined(room)
        } else if let Some(room) = after(SPEAKS.0).and_then(|rest| rest.strip_suffix(SPEAKS.1)) {
            Notice::Speaks(room)
        } else if let Some(room) = after(PARTED) {
            Notice::Parted(room)
        } else if let Some(list) = after(MEMBERS) {
            Notice::Members(list)
        } else if let Some(list) = after(ROOMS) {
            Notice::Rooms(list)
        } else if let Some(why) = after(PUT_OUT) {
            Notice::PutOut(why)
        } else if let Some((from, to)) = text.split_once(RENAMED) {
            Notice::Renamed { from, to }
        } else if let Some(names) = before(CAME) {
            Notice::Came(names)
        } else if let Some(names) = before(LEFT) {
            Notice::Left(names)
        } else {
            Notice::Text(text)
        }
    }
}

/// The names in `ann`, `ann and bob`, `ann, bob and 17 more`.
pub(crate) fn crowd(list: &str) -> impl Iterator<Item = &str> {
    list.split(", ")
        .flat_map(|part| part.split(" and "))
        .filter(|name| !name.is_empty() && !name.contains(' '))
}

/// The names in `ann, bob (away), eve`.
pub(crate) fn listed(list: &str) -> impl Iterator<Item = &str> {
    let first_word = |one: &'_ str| one.split(' ').next().unwrap_or_default().len();
    list.split(", ").map(move |one| &one[..first_word(one)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_is_parsed_as_it_was_written() {
        let (name, more) = ("ann", "in lobby with no others; /help lists commands");
        let (from, to) = ("guest-3", "bob");
        for notice in [
            Notice::Welcome { name, more },
            Notice::Named("ann"),
            Notice::NotNamed {
                name,
                why: "a name has 1 to 24 characters",
            },
            Notice::Joined("ops"),
            Notice::Speaks("ops"),
            Notice::Parted("ops"),
            Notice::Members("ann, bob (away)"),
            Notice::Rooms("ops (3), lobby (1)"),
            Notice::Renamed { from, to },
            Notice::Came("ann, bob and 17 more"),
            Notice::Left("ann and bob"),
            Notice::PutOut("too slow"),
            Notice::Text("topic: lunch"),
        ] {
            assert_eq!(Notice::parse(&notice.to_string()), notice);
        }
    }

    #[test]
    fn names_in_lists() {
        let all = |names: &str| crowd(names).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(all("ann, bob and 17 more"), ["ann", "bob"]);
        assert_eq!(all("ann and bob"), ["ann", "bob"]);
        let all: Vec<_> = listed("ann, bob (away), eve").collect();
        assert_eq!(all, ["ann", "bob", "eve"]);
    }
}
