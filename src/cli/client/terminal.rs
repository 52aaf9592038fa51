//! A session at a terminal: the prompt below, received lines above it.
//!
//! Two threads: this one edits the line, the other has the connection (`link`). Received lines go
//! to the editor, which alone paints.

use std::io::{self, ErrorKind, Write};
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
use super::screen::{Print, Screen};
use super::secure::Loss;
use super::shared::Session;
use super::unsent::Unsent;
use crate::cli::exit::{DONE, Ending, Failure, INTERRUPTED};
use crate::cli::signals;
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
    give_back_on_signal(before.clone())?;
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
    let print = above(line.create_external_printer()?, Arc::clone(&painted));
    let link = Link {
        address: address.to_owned(),
        tls,
        session: Arc::clone(&session),
        wake,
        screen: Screen::new(print, colours),
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
    let left = edit(&mut line, &session, &painted);
    // It takes no more lines to show: the connection thread must not wait for that, it still has to
    // send what was typed.
    drop(line);
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

/// Edits lines until the person leaves. What is no UTF-8, from a terminal with another character
/// set, ends the editor's call: another one goes on with the line.
fn edit(
    line: &mut LineEditor,
    session: &Session,
    painted: &Painted,
) -> Result<String, ReadlineError> {
    let mut left = line.readline(PROMPT);
    while let Err(ReadlineError::Io(error)) = &left
        && error.kind() == ErrorKind::InvalidData
    {
        session.garble();
        left = line.readline_with_initial(PROMPT, (&painted.line(), ""));
    }
    left
}

/// Prints above the prompt.
fn above(mut printer: impl ExternalPrinter + Send + 'static, painted: Arc<Painted>) -> Print {
    Box::new(move |text: String| {
        painted.settle();
        if printer.print(text.clone()).is_err() {
            // The editor has ended. An error here only affects the display.
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
    })
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
    give_back(&at_end.before);
    std::process::exit(
        ending
            .map_or_else(|failure| failure.tell(), |()| DONE)
            .into(),
    );
}

/// Restores the terminal while the editor has it.
fn give_back(before: &Termios) {
    let mut output = std::io::stdout();
    let _ = output.write_all(BRACKETED_PASTE_OFF);
    let _ = output.write_all(b"\r\n").and_then(|()| output.flush());
    let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, before);
}

/// A signal from elsewhere (`kill`, `timeout`) ends the process; keys are no signals while the
/// editor has the terminal.
fn give_back_on_signal(before: Termios) -> io::Result<()> {
    signals::pass_on(move || {
        give_back(&before);
        std::process::exit(INTERRUPTED.into());
    })
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
