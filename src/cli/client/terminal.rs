//! A session at a terminal: the prompt below, received lines above it.
//!
//! Two threads: this one edits the line, the other has the connection (`link`). Received lines go
//! to the editor, which alone paints.

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

use super::helper::Prompter;
use super::keys::Keys;
use super::link::{Link, Name};
use super::paint::Colours;
use super::painted::{PROMPT, Painted};
use super::screen::Screen;
use super::secure::Loss;
use super::shared::Session;
use super::unsent::Unsent;
use crate::cli::exit::{DONE, Ending, Failure};
use crate::error::start_advice;
use crate::tls::ClientTls;

/// Maximum time of leaving: the server's last line and a little.
const LEAVING_MAX: Duration = Duration::from_secs(5);
const BRACKETED_PASTE_OFF: &[u8] = b"\x1b[?2004l";

type LineEditor = Editor<Prompter, MemHistory>;

/// Runs the session until the client or the server ends it.
pub(crate) fn run(
    first: (Socket, Loss),
    address: &str,
    tls: Option<ClientTls>,
    name: Option<&str>,
) -> Ending {
    match start(first, address, tls, name) {
        Ok(ending) => ending,
        Err(error) => Err(format!("cannot use the terminal: {error}").into()),
    }
}

fn start(
    first: (Socket, Loss),
    address: &str,
    tls: Option<ClientTls>,
    name: Option<&str>,
) -> Result<Ending, ReadlineError> {
    let before = tcgetattr(std::io::stdin()).map_err(std::io::Error::from)?;
    let (session, wake) = Session::new()?;
    let session = Arc::new(session);
    let greeting = {
        let mut known = session.known.lock();
        name.into_iter().for_each(|name| known.want(name));
        known.ask_for_name()
    };
    let colours = Colours::of_terminal();
    let (started, has_started) = sync_channel(1);
    let painted = Arc::new(Painted::default());
    let mut line = editor(Prompter {
        session: Arc::clone(&session),
        colours,
        started,
        painted: Arc::clone(&painted),
    })?;
    let mut printer = line.create_external_printer()?;
    let print = move |text| {
        painted.settle();
        // Fails when the editor has ended, which needs no line any more.
        let _ = printer.print(text);
    };
    let link = Link {
        address: address.to_owned(),
        tls,
        session: Arc::clone(&session),
        wake,
        screen: Screen::new(Box::new(print), colours),
        unsent: Unsent::default(),
        is_leaving: false,
        name: Name::default(),
    };
    let (ended, ending) = sync_channel(1);
    let at_end = AtEnd {
        session: Arc::clone(&session),
        before,
        ended,
    };
    let speak = move || speak(link, first, greeting, &has_started, at_end);
    std::thread::Builder::new()
        .name("link".into())
        .spawn(speak)
        .map_err(|error| io::Error::other(start_advice(&error)))?;
    let left = line.readline(PROMPT);
    session.leave();
    Ok(match left {
        Err(ReadlineError::Interrupted) => Err(Failure::Interrupted),
        Ok(_) | Err(ReadlineError::Eof) => farewell(&ending),
        Err(error) => return Err(error),
    })
}

fn editor(prompter: Prompter) -> Result<LineEditor, ReadlineError> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        // Passwords are hidden without colours as well.
        .color_mode(ColorMode::Forced)
        // Typed text is shown sign by sign (`helper`).
        .grapheme_cluster_mode(GraphemeClusterMode::WcWidth)
        .build();
    let keys = Keys::new(Arc::clone(&prompter.session));
    // The history is in `keys`.
    let history = MemHistory::with_config(&config);
    let mut line = LineEditor::with_history(config, history)?;
    line.set_helper(Some(prompter));
    line.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(keys)));
    Ok(line)
}

/// What the connection thread does at its end.
struct AtEnd {
    session: Arc<Session>,
    before: Termios,
    ended: SyncSender<Ending>,
}

fn speak(
    link: Link,
    first: (Socket, Loss),
    greeting: String,
    started: &Receiver<()>,
    at_end: AtEnd,
) {
    // Until the editor has the terminal, a line could appear in its prompt.
    if started.recv().is_err() {
        return;
    }
    let ending = link.run(first, greeting);
    if at_end.session.is_leaving() {
        // Fails only if the wait has timed out.
        let _ = at_end.ended.send(ending);
        return;
    }
    // The editor's wait for a key can't be interrupted: restore the terminal and end the process
    // here.
    let mut output = std::io::stdout();
    let _ = output.write_all(BRACKETED_PASTE_OFF);
    let _ = output.write_all(b"\r\n").and_then(|()| output.flush());
    let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &at_end.before);
    std::process::exit(
        ending
            .map_or_else(|failure| failure.tell(), |()| DONE)
            .into(),
    );
}

fn farewell(ending: &Receiver<Ending>) -> Ending {
    match ending.recv_timeout(LEAVING_MAX) {
        Ok(ending) => ending,
        Err(RecvTimeoutError::Timeout) => Err("the server did not take everything in time"
            .to_owned()
            .into()),
        Err(RecvTimeoutError::Disconnected) => Err("the connection failed".to_owned().into()),
    }
}
