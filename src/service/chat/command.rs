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

/// What `/help` says: with the time that a client puts before each line, no wider than a terminal.
pub(super) const HELP: &str = "\
-- what you type is said in the room that you joined last; commands are:
-- /nick NAME           be called so
-- /join ROOM           enter a room, or speak in one that you are in
-- /part [ROOM]         leave it
-- /rooms, /who [ROOM]  which rooms there are, and who is there
-- /msg NAME TEXT       say it to one person only
-- /me TEXT             * you do something
-- /topic [TEXT]        what the room is about
-- /away [TEXT]         answer who writes to you; alone: you are back
-- /ignore NAME         don't hear somebody; again: hear them
-- /quit [TEXT]         leave
-- //TEXT               say TEXT with one slash before it
-- /op PASSWORD         become an operator, for whom there are also
-- /kick NAME [WHY]     end somebody's connection
-- /ban NAME|ADDRESS    the same, and keep out the name or the address
-- /unban NAME|ADDRESS  a ban ends with the server, too
-- /mute NAME [TIME]    for 10m if not told; 0s ends it
-- /wall TEXT           say it to everybody on this server
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_a_terminal_with_the_time_before_it() {
        for line in HELP.lines() {
            assert!("09:30 ".len() + line.chars().count() <= 80, "{line}");
        }
    }
}
