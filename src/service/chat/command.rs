//! Parses a line: text or a command.

/// A parsed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
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

/// Parses a line. Two slashes stand for a literal one.
pub(super) fn read(line: &str) -> Command<'_> {
    let Some(command) = line.strip_prefix('/') else {
        return Command::Text(line);
    };
    if command.starts_with('/') {
        return Command::Text(command);
    }
    let (word, rest) = halves(command);
    let (first, second) = halves(rest);
    match word.to_ascii_lowercase().as_str() {
        "help" | "h" | "?" => Command::Help,
        "nick" | "name" => Command::Nick(rest),
        "join" | "j" => Command::Join(rest),
        "part" | "leave" => Command::Part(rest),
        "rooms" | "list" => Command::Rooms,
        "who" | "names" => Command::Who(rest),
        "msg" | "m" | "tell" => Command::Msg(first, second),
        "me" => Command::Me(rest),
        "topic" => Command::Topic(rest),
        "away" => Command::Away(rest),
        "ignore" => Command::Ignore(rest),
        "quit" | "exit" | "bye" => Command::Quit(rest),
        "op" => Command::Op(rest),
        "kick" => Command::Kick(first, second),
        "ban" => Command::Ban(rest),
        "unban" => Command::Unban(rest),
        "mute" => Command::Mute(first, second),
        "wall" => Command::Wall(rest),
        _ => Command::Unknown(word),
    }
}

/// The first word, and what follows it.
fn halves(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    (first, rest.trim())
}

/// The text of `/help`: with the time that a client puts before each line, no wider than a
/// terminal.
pub(super) const HELP: &str = "\
-- what you type is said in the room that you joined last; commands are:
-- /nick NAME           change your name
-- /join ROOM           enter a room, or speak in one that you are in
-- /part [ROOM]         leave a room
-- /rooms, /who [ROOM]  list the rooms, or the members of one
-- /msg NAME TEXT       send a line to one person only
-- /me TEXT             say what you do: * you TEXT
-- /topic [TEXT]        show or set the room's topic
-- /away [TEXT]         answer each /msg with TEXT; alone: you are back
-- /ignore NAME         hide a person's lines; again: show them
-- /quit [TEXT]         leave
-- //TEXT               say TEXT with one slash before it
-- /op PASSWORD         become an operator; operators also have:
-- /kick NAME [WHY]     disconnect a person
-- /ban NAME|ADDRESS    disconnect, and refuse the name or the address
-- /unban NAME|ADDRESS  end a ban; the server's end does so, too
-- /mute NAME [TIME]    hide a person's lines for TIME (10m); 0s ends it
-- /wall TEXT           send a line to all on this server
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
