//! `poold client` at a real terminal, looked at as a person would.

use std::net::{TcpListener, TcpStream};

use crate::support::chat::Talker;
use crate::support::daemon::Daemon;
use crate::support::net::{end, send, take, take_line};
use crate::support::spool::{PATIENCE, wait_until};
use crate::support::terminal::Terminal;

/// A server that says what a test wants it to say.
pub(super) struct Stage {
    listener: TcpListener,
    pub(super) address: String,
}

impl Stage {
    pub(super) fn new() -> Stage {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        Stage { listener, address }
    }

    pub(super) fn accept(&self) -> TcpStream {
        let (stream, _) = self.listener.accept().expect("it connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
    }
}

/// The colour in which a name is painted.
fn colour(terminal: &Terminal, name: &str) -> String {
    let painted = terminal.colours();
    let at = painted.find(&format!("<{name}>")).expect("it is shown");
    let before = &painted[..at];
    before[before.rfind('\u{1b}').expect("a colour")..].to_owned()
}

/// Waits until the client has its name. The server greets a client that sends nothing for 100 ms
/// as a guest; one that is that late is renamed afterwards.
fn wait_name(terminal: &Terminal, name: &str) {
    let (greeted, renamed) = (
        format!("you are {name}, in "),
        format!("you are now {name}"),
    );
    wait_until(&format!("the client is {name}"), || {
        let history = terminal.history();
        history.contains(&greeted) || history.contains(&renamed)
    });
}

#[test]
fn people_talk_and_nothing_breaks_what_they_type() {
    let daemon = Daemon::start(&["chat", "127.0.0.1:0"]);
    let Some(ann) = Terminal::client(&[], &[&daemon.address, "--name", "ann"]) else {
        return;
    };
    wait_name(&ann, "ann");
    let bob = Terminal::client(&[], &[&daemon.address, "-n", "bob"]).expect("as before");
    wait_name(&bob, "bob");
    bob.type_text("half a sent");
    bob.wait_prompt("> half a sent");
    ann.type_text("hello bob, \u{e4}\u{1f600}");
    ann.press(&["Enter"]);
    bob.wait_line("<ann> hello bob, \u{e4}\u{1f600}");
    bob.wait_prompt("> half a sent");
    bob.type_text("ence");
    bob.press(&["Enter"]);
    ann.wait_line("<bob> half a sentence");
    bob.wait_line("<bob> half a sentence");
    // What was typed is shown once, as all members see it.
    let screen = bob.wait_prompt(">");
    let seen = |line: &&String| line.contains("half a sent");
    assert_eq!(screen.iter().filter(seen).count(), 1, "{screen:?}");
    for name in ["ann", "bob"] {
        assert_eq!(colour(&ann, name), colour(&bob, name), "{name}");
    }
    assert_ne!(colour(&ann, "ann"), colour(&ann, "bob"));
    // A member's own name is marked for that member only.
    assert!(bob.colours().contains("7mbob"), "{}", bob.colours());
    assert!(!ann.colours().contains("7mbob"), "{}", ann.colours());
}

#[test]
fn a_paste_arrives_whole_and_in_order() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&[], &[&stage.address]) else {
        return;
    };
    let server = stage.accept();
    send(
        &server,
        "-- welcome; you are guest-1, in lobby with 0 others; /help\n",
    );
    terminal.wait_line("; /help");
    let line = |number| format!("/line {number}\t{}", "x".repeat(99));
    let lines: Vec<String> = (0..100).map(line).collect();
    terminal.paste(&(lines.join("\n") + "\n"));
    terminal.wait_line("[paste 1: 100 lines, /line 0 xxxxxxxxxxxxxxxx\u{2026}]");
    terminal.press(&["Enter"]);
    for line in &lines {
        // In a chat, pasted text is no command.
        assert_eq!(take_line(&server), format!("/{line}"));
    }
    terminal.wait_prompt(">");
}

#[test]
fn nothing_but_text_reaches_the_terminal() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&["NO_COLOR=1"], &[&stage.address]) else {
        return;
    };
    let server = stage.accept();
    send(
        &server,
        "<eve> \u{1b}[2J\u{1b}[31mred\u{9b}5m\u{202e} \u{7}\r\nunfinished",
    );
    terminal.wait_line("<eve> \\u{1b}[2J\\u{1b}[31mred\\u{9b}5m\\u{202e} \\u{7}");
    assert!(
        !terminal.colours().contains('\u{1b}'),
        "{:?}",
        terminal.colours()
    );
    // A server that is no chat does not say again what is typed: the client does.
    terminal.type_text("to recv");
    terminal.press(&["Enter"]);
    assert_eq!(take_line(&server), "to recv");
    terminal.wait_line(" > to recv");
}

#[test]
fn a_lost_connection_is_found_again_with_name_and_rooms() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&[], &[&stage.address, "--name", "ann"]) else {
        return;
    };
    let server = stage.accept();
    assert_eq!(take_line(&server), "/nick ann");
    send(
        &server,
        "-- welcome; you are guest-1, in lobby with 0 others\n-- you are now ann\n",
    );
    send(&server, "#ops -- you joined ops\n");
    terminal.wait_line("#ops -- you joined ops");
    drop(server);
    terminal.wait_line("trying again in 1 s");
    terminal.type_text("meanwhile");
    terminal.press(&["Enter"]);
    let server = stage.accept();
    for line in ["/nick ann", "/join lobby", "/join ops", "meanwhile"] {
        assert_eq!(take_line(&server), line);
    }
    // A disconnected client does not reconnect by itself.
    send(&server, "-- you are disconnected: kicked by bob: enough\n");
    drop(server);
    let screen = terminal.wait_line("exit code 1");
    let why = "-- you are disconnected: kicked by bob: enough";
    assert!(screen.iter().any(|line| line.ends_with(why)), "{screen:?}");
    // The terminal is what it was before.
    assert!(
        !screen.iter().any(|line| line.contains("-icanon")),
        "{screen:?}"
    );
}

#[test]
fn keys_do_what_people_expect() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&[], &[&stage.address]) else {
        return;
    };
    let server = stage.accept();
    send(
        &server,
        "-- welcome; you are guest-1, in lobby with 1 other\n-- here: alice, guest-1\n",
    );
    terminal.wait_line("-- here: alice, guest-1");
    terminal.type_text("al");
    terminal.press(&["Tab"]);
    terminal.type_text("hi");
    terminal.press(&["Enter"]);
    assert_eq!(take_line(&server), "alice: hi");
    terminal.type_text("/jo");
    terminal.press(&["Tab"]);
    terminal.type_text("ops");
    terminal.press(&["Enter"]);
    assert_eq!(take_line(&server), "/join ops");
    terminal.type_text("/op secret");
    terminal.wait_prompt("> /op ******");
    terminal.press(&["Enter"]);
    assert_eq!(take_line(&server), "/op secret");
    terminal.press(&["Up"]);
    terminal.wait_prompt("> /join ops");
    terminal.press(&["Up"]);
    terminal.wait_prompt("> alice: hi");
    terminal.press(&["Down", "Down"]);
    terminal.wait_prompt(">");
    terminal.type_text("thrown away");
    terminal.wait_prompt("> thrown away");
    terminal.press(&["C-c"]);
    terminal.wait_prompt(">");
    terminal.type_text("bye");
    terminal.press(&["Enter", "C-d"]);
    assert_eq!(take_line(&server), "bye");
    // The client has ended its side, and waits for ours.
    assert_eq!(crate::support::net::take_to_end(&server), b"");
    end(&server);
    drop(server);
    terminal.wait_line("exit code 0");
}

#[test]
fn leaving_by_quit_or_by_interrupt() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&[], &[&stage.address]) else {
        return;
    };
    let server = stage.accept();
    terminal.wait_prompt(">");
    terminal.type_text("/quit so long");
    terminal.press(&["Enter"]);
    assert_eq!(take(&server, 14), b"/quit so long\n");
    drop(server);
    terminal.wait_line("exit code 0");
    let terminal = Terminal::client(&[], &[&stage.address]).expect("as before");
    let _server = stage.accept();
    terminal.wait_prompt(">");
    terminal.press(&["C-c"]);
    terminal.wait_line("exit code 130");
}

#[test]
fn what_was_sent_is_gone_from_the_prompt_for_good() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&[], &[&stage.address]) else {
        return;
    };
    let server = stage.accept();
    terminal.type_text("/op secret");
    terminal.press(&["Enter"]);
    assert_eq!(take_line(&server), "/op secret");
    // All that the editor can do to a line, and then the undoing of what was sent.
    terminal.type_text("one two\u{e4} three");
    terminal.press(&["C-w", "C-a", "C-k", "C-y", "M-u", "C-t"]);
    terminal.paste("pasted");
    terminal.wait_line("pasted");
    terminal.press(&["Enter"]);
    let sent = take_line(&server);
    terminal.press(&["Up"]);
    terminal.wait_prompt(&format!("> {sent}"));
    terminal.press(&["BSpace", "Enter"]);
    assert!(sent.starts_with(&take_line(&server)));
    terminal.wait_prompt(">");
    terminal.press(&["C-_"]);
    terminal.type_text("next");
    terminal.wait_prompt("> next");
    terminal.press(&["C-_"]);
    terminal.wait_prompt(">");
    terminal.type_text("last");
    terminal.press(&["Enter"]);
    assert_eq!(take_line(&server), "last");
}

/// What one writes with emoji and accents that are several characters each.
const CLUSTERS: [&str; 6] = [
    // A family, a person with a profession, a rainbow flag: joined by U+200D.
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1f469}\u{1f3fd}\u{200d}\u{1f680}",
    "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
    // A dark hand, a flag of two letters, an accent.
    "\u{1f44b}\u{1f3ff}",
    "\u{1f1e9}\u{1f1ea}",
    "e\u{301}",
];

#[test]
fn what_is_typed_with_emoji_takes_no_line_away() {
    for cluster in CLUSTERS {
        let stage = Stage::new();
        let Some(terminal) = Terminal::client(&["NO_COLOR=1"], &[&stage.address]) else {
            return;
        };
        let server = stage.accept();
        send(&server, "<bob> one\n<bob> two\n");
        terminal.wait_line("<bob> two");
        // More or less than a line, as one counts.
        let typed = cluster.repeat(13) + &"x".repeat(45) + "end";
        terminal.type_text(&typed);
        terminal.wait_line("end");
        for word in ["three", "four"] {
            send(&server, format!("<bob> {word}\n"));
            terminal.wait_line(word);
            // The prompt is drawn again after the line.
            wait_until(&format!("each is there once, with {cluster}"), || {
                let screen = terminal.screen().concat();
                let is_there = |once: &&str| screen.matches(once).count() == 1;
                ["one", "two", "three", "end"].iter().all(is_there)
            });
        }
        terminal.press(&["Enter"]);
        assert_eq!(take_line(&server), typed);
    }
}

#[test]
fn a_password_is_hidden_whatever_it_is_and_without_colours_too() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&["NO_COLOR=1"], &[&stage.address]) else {
        return;
    };
    let server = stage.accept();
    terminal.type_text("/op s\u{e9}cr\u{1f600}t");
    terminal.wait_prompt("> /op *******");
    assert!(!terminal.colours().contains('\u{1b}'));
    terminal.press(&["Enter"]);
    assert_eq!(take_line(&server), "/op s\u{e9}cr\u{1f600}t");
}

#[test]
fn a_name_that_is_taken_is_asked_for_until_it_is_free() {
    let daemon = Daemon::start(&["chat", "127.0.0.1:0"]);
    let before = Talker::named(&daemon, "ann");
    let Some(terminal) = Terminal::client(&[], &[&daemon.address, "--name", "ann"]) else {
        return;
    };
    terminal.wait_line("== ann is taken; asking for it again until it is free");
    drop(before);
    let screen = terminal.wait_line("you are now ann");
    let refused = screen
        .iter()
        .filter(|line| line.contains("you are still guest-2"));
    assert_eq!(refused.count(), 1, "{screen:?}");
    // What the person asks for is asked for once.
    let _bob = Talker::named(&daemon, "bob");
    terminal.type_text("/nick bob");
    terminal.press(&["Enter"]);
    terminal.wait_line("you are still ann: this name, or one that looks like it, is taken");
    assert!(
        !terminal
            .screen()
            .iter()
            .any(|line| line.contains("bob is taken"))
    );
}

#[test]
fn another_width_takes_no_line_away() {
    let stage = Stage::new();
    let Some(terminal) = Terminal::client(&["NO_COLOR=1"], &[&stage.address]) else {
        return;
    };
    let server = stage.accept();
    terminal.wait_prompt(">");
    terminal.resize(25);
    let said = "a line that is received and takes several rows of so narrow a window";
    send(&server, format!("<bob> one\n<bob> {said}\n"));
    terminal.wait_line("window");
    let typed = "what is typed takes more than a row, too, and more than that";
    terminal.type_text(typed);
    // The end of it, in a row of its own.
    terminal.wait_text("re than that");
    for columns in [70, 30, 100, 40] {
        terminal.resize(columns);
        send(&server, format!("<bob> {columns} wide\n"));
        terminal.wait_text(&format!("{columns} wide"));
        // The prompt is drawn again after the line.
        wait_until(&format!("each is there once, of {columns} columns"), || {
            let seen: String = terminal.history().split_whitespace().collect();
            [said, typed].iter().all(|once| {
                let once: String = once.split_whitespace().collect();
                seen.matches(&once).count() == 1
            })
        });
    }
    // Words are not broken where they fit.
    terminal.resize(80);
    let long = "-- and this is a notice of the server that is wider than the window, on purpose";
    send(&server, format!("{long}\n"));
    let screen = terminal.wait_line("      purpose");
    assert!(
        screen
            .iter()
            .any(|line| line.ends_with("than the window, on")),
        "{screen:#?}"
    );
}
