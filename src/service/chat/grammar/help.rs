//! The chat's commands, as `/help` lists them; `poold client` completes them from the same list.

/// The text of `/help`: with the time that a client puts before each line, no wider than a
/// terminal.
pub(crate) const HELP: &str = "\
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
-- /unban NAME|ADDRESS  end a ban
-- /mute NAME [TIME]    hide a person's lines for TIME (10m); 0s ends it
-- /wall TEXT           send a line to all on this server
";

/// Each command and its arguments, such as `/nick` and `NAME`.
pub(crate) fn commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = HELP.lines().filter_map(|line| line.strip_prefix("-- "));
    let rows = rows.filter(|row| row.starts_with('/') && !row.starts_with("//"));
    let forms = rows.flat_map(|row| row.split("  ").next().unwrap_or(row).split(", "));
    let split = |form: &'static str| form.split_once(' ').unwrap_or((form, ""));
    std::iter::once("/help").chain(forms).map(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_a_terminal_with_the_time_before_it() {
        for line in HELP.lines() {
            assert!("09:30 ".len() + line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn each_command_of_the_help_is_listed_with_its_arguments() {
        let all: Vec<_> = commands().collect();
        assert_eq!(all.len(), 18);
        for known in [("/rooms", ""), ("/who", "[ROOM]"), ("/mute", "NAME [TIME]")] {
            assert!(all.contains(&known), "{known:?}");
        }
    }
}
