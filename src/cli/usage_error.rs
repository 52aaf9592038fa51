//! Usage errors: one line that says what is wrong and what to write instead.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Error};

use super::hints;
use super::spelling::nearest;

const COMMAND_FIRST: &str = "write the command first, then its addresses and options, as in \
     poold echo :8080 --workers 4";

/// clap's problem without its usage and tips, and a hint, or where to read on.
pub(super) fn describe(error: &Error, parser: &Command, typed: &[OsString]) -> String {
    let command = command_of(typed);
    let rendered = error.render().to_string();
    let problem = rendered.split("\n\n").next().unwrap_or(&rendered);
    let problem = problem.strip_prefix("error: ").unwrap_or(problem);
    let mut line = problem.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_conflict = error.kind() == ErrorKind::ArgumentConflict;
    if is_conflict && line.starts_with("the subcommand") {
        line = COMMAND_FIRST.to_owned();
    } else if command == " exec" && lacks_dashes(error, &line, typed) {
        line = "write the program after --, as in poold exec :8080 -- cat".to_owned();
    } else if let Some(hint) = no_option(error, &command, parser) {
        return hint;
    }
    for (theirs, ours) in [
        ("invalid digit found in string", "write a whole number"),
        (
            "cannot parse integer from empty string",
            "write a whole number",
        ),
        ("number too large to fit in target type", "too large"),
        ("value was not a boolean", "write yes or no"),
    ] {
        line = line.replace(theirs, ours);
    }
    if let Some((flag, variable)) = variable_of(error, &command, parser, typed) {
        line = line.replace(&format!("'{flag}'"), &variable);
    }
    format!("{line}; see poold{command} --help")
}

/// A first word that is neither a command nor an address; clap takes it for an address.
pub(super) fn no_command(parser: &Command, typed: &[OsString]) -> Option<String> {
    let word = typed.get(1)?.to_str()?;
    let is_known = word == "help" || parser.find_subcommand(word).is_some();
    (is_a_word(word) && !is_known).then(|| neither(word, parser))
}

/// A word among the addresses that is or should be a command.
pub(super) fn late_command(parser: &Command, matches: &ArgMatches) -> Option<String> {
    let (command, matches) = matches
        .subcommand()
        .map_or((None, matches), |(name, matches)| (Some(name), matches));
    let source = matches
        .try_contains_id("address")
        .ok()
        .and_then(|_| matches.value_source("address"));
    if source != Some(ValueSource::CommandLine) {
        return None;
    }
    let typed = matches.try_get_many::<String>("address").ok().flatten()?;
    let mut words = typed.filter(|word| is_a_word(word));
    words.find_map(|word| {
        if parser.find_subcommand(word).is_some() {
            return Some(format!("{COMMAND_FIRST}; see poold --help"));
        }
        // After a command only addresses follow, and the parser of addresses says what is wrong.
        command.is_none().then(|| neither(word, parser))
    })
}

/// Whether the text can't be an address: it has no port and no path.
fn is_a_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text != "systemd"
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn neither(word: &str, parser: &Command) -> String {
    if word == "manual" {
        return "'manual' is no command; man prints its page; see poold --help".into();
    }
    let commands = parser.get_subcommands().map(Command::get_name);
    match nearest(word, commands) {
        Some(near) => format!("'{word}' is no command; is {near} meant? see poold --help"),
        None => format!("'{word}' is no command, and no address without a port; see poold --help"),
    }
}

/// An option that the command does not have, if there is something to write instead.
fn no_option(error: &Error, command: &str, parser: &Command) -> Option<String> {
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let option = text(error, ContextKind::InvalidArg).filter(|_| is_unknown)?;
    let option = option.split('=').next()?;
    let hint = hints::instead(option, command, parser)?;
    Some(format!("poold{command} has no {option}: {hint}"))
}

/// The admin address as an argument and as an option, which may differ.
pub(super) fn two_addresses(matches: &ArgMatches) -> Option<String> {
    let (name, matches) = matches.subcommand()?;
    let is_typed = |id: &str| {
        let known = matches.try_contains_id(id).is_ok();
        known && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    (is_typed("admin") && is_typed("admin_option"))
        .then(|| format!("write the admin address once; see poold {name} --help"))
}

/// The command, after a space; nothing without a command.
fn command_of(typed: &[OsString]) -> String {
    let word = typed.get(1).and_then(|word| word.to_str());
    let is_command =
        |word: &&str| *word != "systemd" && word.chars().all(|c| c.is_ascii_lowercase());
    let word = word.filter(is_command);
    word.map_or(String::new(), |word| format!(" {word}"))
}

/// Whether the words of a program have no `--` before them.
fn lacks_dashes(error: &Error, line: &str, typed: &[OsString]) -> bool {
    match error.kind() {
        ErrorKind::MissingRequiredArgument => line.contains("<PROGRAM>"),
        ErrorKind::UnknownArgument => {
            // clap takes the program for an address, and its option for one of poold.
            let mut words = typed.iter().skip(2).filter_map(|word| word.to_str());
            !typed.iter().any(|word| word == "--" || word == "--shell") && words.any(is_a_word)
        }
        _ => false,
    }
}

/// The option whose value is wrong, and the variable that has the value.
fn variable_of(
    error: &Error,
    command: &str,
    parser: &Command,
    typed: &[OsString],
) -> Option<(String, String)> {
    let flag = text(error, ContextKind::InvalidArg)?;
    let value = text(error, ContextKind::InvalidValue)?;
    let name = flag.strip_prefix("--")?.split([' ', '=']).next()?;
    // Those of `poold` itself are read as well.
    let commands = [parser.find_subcommand(command.trim_start()), Some(parser)];
    let mut arguments = commands
        .into_iter()
        .flatten()
        .flat_map(Command::get_arguments);
    let argument = arguments.find(|argument| argument.get_long() == Some(name))?;
    let variable = argument.get_env()?.to_str()?.to_owned();
    let is_typed = |word: &OsString| {
        let word = word.to_string_lossy();
        let rest = word.strip_prefix("--").and_then(|w| w.strip_prefix(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    let is_set = std::env::var_os(&variable).is_some_and(|set| set == OsStr::new(value));
    (is_set && !typed.iter().any(is_typed)).then(|| (flag.to_owned(), variable))
}

fn text(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::parser;

    fn problem(line: &str) -> String {
        let typed: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        if let Some(unknown) = no_command(&parser(), &typed) {
            return unknown;
        }
        match parser().try_get_matches_from(&typed) {
            Ok(matches) => late_command(&parser(), &matches)
                .or_else(|| two_addresses(&matches))
                .expect(line),
            Err(error) => describe(&error, &parser(), &typed),
        }
    }

    #[test]
    fn each_is_one_line_that_says_what_to_do() {
        for (line, says) in [
            ("poold --nonsense", "; see poold --help"),
            ("poold receive 8080", "'receive' is no command"),
            ("poold --drain soon", "'--drain <TIME>'"),
            ("poold unix:a --nonsense", "; see poold --help"),
            (
                "poold echo --workers x",
                "write a whole number; see poold echo --help",
            ),
            ("poold echo --workers 99999999999999999999", "too large"),
            ("poold recv --sync", "--ack"),
            ("poold client 1 2", "unexpected argument '2'"),
            ("poold flood :0 2", "unexpected argument '2'"),
            ("poold --workers 4 echo :0", "the command first"),
            ("poold :0 echo", "the command first"),
            ("poold :0 --workers 4 echo", "the command first"),
            ("poold echo :0 recv", "the command first"),
            ("poold 8080 receive", "'receive' is no command"),
            ("poold manual", "man prints its page"),
            ("poold --control /s --keep-clients maybe", "write yes or no"),
            ("poold exec :0 cat", "the program after --"),
            ("poold exec :0 unix:a cat -v", "the program after --"),
            ("poold exec :0", "the program after --"),
            ("poold exec --workers", "a value is required"),
            (
                "poold exec --shell cat --port 1",
                "poold exec has no --port: ",
            ),
            ("poold stauts", "is status meant?"),
            ("poold 8080 clinets", "is clients meant?"),
            ("poold localhost", "no address without a port"),
            ("poold --port=80", "poold has no --port: "),
            ("poold -p80", "poold has no -p: "),
            ("poold -lk 80", "poold has no -l: "),
            ("poold recv --tls", "required, optional"),
            ("poold client --user me", "an option of poold exec"),
            ("poold recv --lines", "an option of poold exec"),
            ("poold recv --workres 4", "is --workers meant?"),
            ("poold status --timeout 1s", "after 5 s"),
            ("poold status unix:/a --admin unix:/b", "admin address once"),
            (
                "poold set workers 4 unix:/a --admin unix:/a",
                "admin address once",
            ),
        ] {
            let told = problem(line);
            assert!(told.contains(says), "{line}: {told}");
            assert!(!told.contains('\n') && told.len() < 200, "{line}: {told}");
            assert!(!told.contains("Usage"), "{line}: {told}");
        }
    }

    #[test]
    fn a_program_comes_after_the_dashes() {
        let line = ["poold", "exec", ":0", "--", "cat", "-v"];
        assert!(parser().try_get_matches_from(line).is_ok());
    }

    #[test]
    fn an_address_is_no_command() {
        for line in [
            "poold",
            "poold 8080",
            "poold systemd",
            "poold unix:a",
            "poold a:80",
            "poold 8080 systemd unix:echo echo:80",
            "poold recv 8080 systemd:echo",
            "poold client echo:80",
            "poold flood :0",
            "poold status",
        ] {
            let typed: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(no_command(&parser(), &typed), None);
            let matches = parser().try_get_matches_from(&typed).expect(line);
            assert_eq!(late_command(&parser(), &matches), None, "{line}");
        }
    }
}
