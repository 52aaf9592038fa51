//! At a terminal: a prompt below, what comes in above it.
//!
//! Two threads: this one edits the line, the other speaks to the server (`link`). What comes in is
//! handed to the editor, which alone paints.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::GraphemeClusterMode;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor, Event, EventHandler, ExternalPrinter};
use socket2::Socket;

use super::ending::Ending;
use super::helper::Prompter;
use super::keys::Keys;
use super::link::{Link, Name};
use super::paint::Colours;
use super::painted::{PROMPT, Painted};
use super::screen::Screen;
use super::shared::Session;
use super::unsent::Unsent;
use crate::error::start_advice;

/// Longest that leaving takes: the server's farewell and a little.
const LEAVING_MAX: Duration = Duration::from_secs(5);
const BRACKETED_PASTE_OFF: &[u8] = b"\x1b[?2004l";

type Line = Editor<Prompter, MemHistory>;

/// Whether the editor can do its work on this terminal.
pub fn is_capable() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    !["", "dumb", "cons25", "emacs"].contains(&term.as_str())
}

/// Talks until somebody leaves.
pub fn run(socket: Socket, address: &str, name: Option<&str>) -> Ending {
    match start(socket, address, name) {
        Ok(ending) => ending,
        Err(error) => Ending::Failed(format!("cannot use the terminal: {error}")),
    }
}

fn start(socket: Socket, address: &str, name: Option<&str>) -> Result<Ending, ReadlineError> {
    let before = tcgetattr(std::io::stdin()).map_err(std::io::Error::from)?;
    let (desk, ear) = Session::new()?;
    let desk = Arc::new(desk);
    let greeting = {
        let mut known = desk.known.lock();
        name.into_iter().for_each(|name| known.want(name));
        known.ask_for_name()
    };
    let colours = Colours::of_terminal();
    let (started, has_started) = sync_channel(1);
    let painted = Arc::new(Painted::default());
    let mut line = editor(Prompter {
        desk: Arc::clone(&desk),
        colours,
        started,
        painted: Arc::clone(&painted),
    })?;
    let mut printer = line.create_external_printer()?;
    let print = move |text| {
        painted.settle();
        // It fails when the editor has gone, and with it whoever would read it.
        let _ = printer.print(text);
    };
    let link = Link {
        address: address.to_owned(),
        desk: Arc::clone(&desk),
        ear,
        screen: Screen::new(Box::new(print), colours),
        unsent: Unsent::default(),
        is_leaving: false,
        name: Name::default(),
    };
    let (ended, ending) = sync_channel(1);
    let at_end = AtEnd {
        desk: Arc::clone(&desk),
        before,
        ended,
    };
    let speak = move || speak(link, socket, greeting, &has_started, at_end);
    std::thread::Builder::new()
        .name("link".into())
        .spawn(speak)
        .map_err(|error| io::Error::other(start_advice(&error)))?;
    let left = line.readline(PROMPT);
    desk.leave();
    Ok(match left {
        Err(ReadlineError::Interrupted) => Ending::Interrupted,
        Ok(_) | Err(ReadlineError::Eof) => farewell(&ending),
        Err(error) => return Err(error),
    })
}

fn editor(prompter: Prompter) -> Result<Line, ReadlineError> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        // Without colours, too, passwords are hidden.
        .color_mode(ColorMode::Forced)
        // What is typed is shown sign by sign (`helper`).
        .grapheme_cluster_mode(GraphemeClusterMode::WcWidth)
        .build();
    let keys = Keys::new(Arc::clone(&prompter.desk));
    // Ours is in `keys`.
    let history = MemHistory::with_config(&config);
    let mut line = Line::with_history(config, history)?;
    line.set_helper(Some(prompter));
    line.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(keys)));
    Ok(line)
}

/// What the speaking thread does when it is done.
struct AtEnd {
    desk: Arc<Session>,
    before: Termios,
    ended: SyncSender<Ending>,
}

fn speak(link: Link, socket: Socket, greeting: String, started: &Receiver<()>, at_end: AtEnd) {
    // Until the editor has the terminal, a line could land in its prompt.
    if started.recv().is_err() {
        return;
    }
    let ending = link.run(socket, greeting);
    if at_end.desk.is_leaving() {
        // Nobody waits any more if it came too late.
        let _ = at_end.ended.send(ending);
        return;
    }
    // The editor can't be called back from its wait for a key: the terminal is given back as it
    // was, and the process ends here.
    let mut output = std::io::stdout();
    let _ = output.write_all(BRACKETED_PASTE_OFF);
    let _ = output.write_all(b"\r\n").and_then(|()| output.flush());
    let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &at_end.before);
    std::process::exit(ending.tell().into());
}

fn farewell(ending: &Receiver<Ending>) -> Ending {
    match ending.recv_timeout(LEAVING_MAX) {
        Ok(ending) => ending,
        Err(RecvTimeoutError::Timeout) => {
            Ending::Failed("the server did not take everything in time".to_owned())
        }
        Err(RecvTimeoutError::Disconnected) => Ending::Failed("the connection failed".to_owned()),
    }
}
