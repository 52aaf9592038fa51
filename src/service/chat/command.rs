//! What a line means: text, or a command.

/// A line that begins with a slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// To be said in the room.
    Text(&'a str),
    Help,
    Nick(&'a str),
    Join(&'a str),
    Part(&'a str),
    Rooms,
    Who(&'a str),
    Msg(&'a str, &'a str),
    Me(&'a str),
    Topic(&'a str),
    Away(&'a str),
    Ignore(&'a str),
    Quit(&'a str),
    Op(&'a str),
    Kick(&'a str, &'a str),
    Ban(&'a str),
    Unban(&'a str),
    Mute(&'a str, &'a str),
    Wall(&'a str),
    Unknown(&'a str),
}

/// Reads a line. Two slashes stand for one that is meant.
pub(super) fn read(line: &str) -> Line<'_> {
    let Some(command) = line.strip_prefix('/') else {
        return Line::Text(line);
    };
    if command.starts_with('/') {
        return Line::Text(command);
    }
    let (word, rest) = halves(command);
    let (first, second) = halves(rest);
    match word.to_ascii_lowercase().as_str() {
        "help" | "h" | "?" => Line::Help,
        "nick" | "name" => Line::Nick(rest),
        "join" | "j" => Line::Join(rest),
        "part" | "leave" => Line::Part(rest),
        "rooms" | "list" => Line::Rooms,
        "who" | "names" => Line::Who(rest),
        "msg" | "m" | "tell" => Line::Msg(first, second),
        "me" => Line::Me(rest),
        "topic" => Line::Topic(rest),
        "away" => Line::Away(rest),
        "ignore" => Line::Ignore(rest),
        "quit" | "exit" | "bye" => Line::Quit(rest),
        "op" => Line::Op(rest),
        "kick" => Line::Kick(first, second),
        "ban" => Line::Ban(rest),
        "unban" => Line::Unban(rest),
        "mute" => Line::Mute(first, second),
        "wall" => Line::Wall(rest),
        _ => Line::Unknown(word),
    }
}

/// The first word, and what follows it.
fn halves(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    (first, rest.trim())
}

/// What `/help` says.
pub(super) const HELP: &str = "\
-- what you type is said in the room that you joined last; lines that begin with / are commands:
-- /nick NAME          be called so
-- /join ROOM          enter a room, or turn to one that you are in
-- /part [ROOM]        leave it
-- /rooms, /who [ROOM] which rooms there are, and who is there
-- /msg NAME TEXT      say it to one person only
-- /me TEXT            * you do something
-- /topic [TEXT]       what the room is about
-- /away [TEXT]        tell those who write to you that you are away; /away alone: you are back
-- /ignore NAME        don't hear somebody; again: hear them
-- /quit [TEXT]        leave
-- /op PASSWORD        become an operator: /kick NAME [WHY], /ban NAME|ADDRESS, /unban NAME|ADDRESS,
--                     /mute NAME [TIME], /wall TEXT; a ban is of the name or of the address, and
--                     ends with the server
-- a line that begins with // is said with one slash
";
