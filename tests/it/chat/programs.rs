//! Chat with what people have at hand: nc, ncat, telnet, and the clients of MUDs.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::chat::{Talker, chat};
use crate::support::daemon::Guard;
use crate::support::net::take_line;
use crate::support::passed::lacks;
use crate::support::spool::Spool;
use crate::support::terminal::Terminal;

/// Starts a program that talks to the chat; `None` if it is not installed.
fn start(program: &str, args: &[&str]) -> Option<Guard> {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    match command.stderr(Stdio::null()).spawn() {
        Ok(child) => Some(Guard(child)),
        Err(_) => {
            lacks(program);
            None
        }
    }
}

// (The telnet of Debian drops the byte 0x80, so the words here do without it.)
/// A person at a terminal talks with another, and leaves.
fn talks_both_ways(program: &str) {
    let daemon = chat(&[]);
    let (host, port) = daemon.address.rsplit_once(':').expect("a port");
    let ann = Talker::named(&daemon, "ann");
    let Some(mut guard) = start(program, &[host, port]) else {
        return;
    };
    let shown = Spool::of(guard.0.stdout.take().expect("piped"));
    let mut stdin = guard.0.stdin.take().expect("piped");
    shown.wait_line("-- welcome; you are guest-2, in lobby with 1 other; /help");
    stdin
        .write_all("/nick Jürgen\nhello 世界\n".as_bytes())
        .expect("it reads");
    ann.wait("<Jürgen> hello 世界");
    ann.say("welcome, Jürgen");
    shown.wait_line("<ann> welcome, Jürgen");
    stdin.write_all(b"/quit\n").expect("it reads");
    shown.wait_line("-- goodbye");
    ann.wait("-- Jürgen left");
    drop(stdin);
    guard.wait_exit();
}

#[test]
fn nc_talks_both_ways() {
    talks_both_ways("nc");
}

#[test]
fn ncat_talks_both_ways() {
    talks_both_ways("ncat");
}

#[test]
fn telnet_talks_both_ways() {
    talks_both_ways("telnet");
}

#[test]
fn a_line_piped_into_nc_is_heard_and_comes_back() {
    let daemon = chat(&[]);
    let (host, port) = daemon.address.rsplit_once(':').expect("a port");
    let ann = Talker::named(&daemon, "ann");
    let Some(mut guard) = start("nc", &["-N", host, port]) else {
        return;
    };
    let shown = Spool::of(guard.0.stdout.take().expect("piped"));
    let mut stdin = guard.0.stdin.take().expect("piped");
    stdin.write_all(b"hello").expect("it reads");
    drop(stdin);
    guard.wait_exit();
    assert!(shown.wait_end().ends_with(b"<guest-2> hello\n"));
    ann.wait("<guest-2> hello");
    assert_eq!(take_line(&ann.stream), "-- guest-2 left");
}

/// A program that a person starts in a terminal, and what is typed into it.
struct Program {
    name: &'static str,
    /// Where it may be, if not on the path.
    path: &'static str,
    /// What stands before its address.
    before: &'static str,
    /// Between host and port, and at the end.
    between: &'static str,
    after: &'static str,
    /// How a line that begins with a slash is sent.
    slash: &'static str,
}

const USUAL: Program = Program {
    name: "",
    path: "",
    before: "",
    between: " ",
    after: "",
    slash: "/",
};
const PROGRAMS: [Program; 6] = [
    Program {
        name: "nc",
        ..USUAL
    },
    Program {
        name: "ncat",
        ..USUAL
    },
    Program {
        name: "telnet",
        ..USUAL
    },
    // The same again, in character mode.
    Program {
        name: "telnet",
        ..USUAL
    },
    Program {
        name: "tt++",
        path: "/usr/games/",
        before: "-e '#session {chat} {",
        between: "} {",
        after: "}'",
        ..USUAL
    },
    // What begins with a slash is its own.
    Program {
        name: "tf",
        path: "/usr/games/",
        slash: "/send /",
        ..USUAL
    },
];
/// Which of them is the telnet in character mode.
const BY_CHARACTER: usize = 3;

impl Program {
    /// Starts it in a terminal; nothing if one of them is not installed.
    fn start(&self, address: &str) -> Option<Terminal> {
        let Program { name, path, .. } = self;
        let found = [name.to_string(), format!("{path}{name}")];
        let is_there = |program: &&String| {
            let mut which = Command::new("sh");
            which.args(["-c", &format!("command -v {program}")]);
            which
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|found| found.success())
        };
        let Some(program) = found.iter().find(is_there) else {
            let must = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!must, "{name} is missing, and this is CI");
            eprintln!("passed over: {name} is not installed");
            return None;
        };
        let (host, port) = address.rsplit_once(':').expect("a port");
        let Program {
            before,
            between,
            after,
            ..
        } = self;
        Terminal::shell(&format!("{program} {before}{host}{between}{port}{after}"))
    }
}

#[test]
fn people_with_all_these_programs_talk_in_one_room() {
    let daemon = chat(&["--history", "0"]);
    let ann = Talker::named(&daemon, "ann");
    let mut people = Vec::new();
    for (number, program) in PROGRAMS.iter().enumerate() {
        let Some(terminal) = program.start(&daemon.address) else {
            continue;
        };
        terminal.wait_text("-- welcome; you are guest-");
        if number == BY_CHARACTER {
            terminal.press(&["C-]"]);
            terminal.wait_text("telnet>");
            terminal.enter("mode character");
        }
        let name = format!("user{number}");
        terminal.enter(&format!("{}nick {name}", program.slash));
        terminal.wait_text(&format!("-- you are now {name}"));
        people.push((name, terminal));
    }
    for (name, terminal) in &people {
        terminal.enter(&format!("hello from {name}"));
        let heard = format!("<{name}> hello from {name}");
        ann.wait(&heard);
        for (_, other) in &people {
            // At the beginning of a line: a line feed alone is not enough for every terminal.
            let screen = other.wait_text(&heard);
            let is_whole = |line: &String| line.trim_end() == heard;
            assert!(screen.iter().any(is_whole), "{screen:#?}");
        }
    }
    for (name, terminal) in people {
        terminal.enter("/quit");
        drop(terminal);
        ann.wait(&format!("-- {name} left"));
    }
}
