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
