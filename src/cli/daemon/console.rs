//! The console at the terminal that started the server: prints the chat, and takes lines and
//! operator commands.
//!
//! One thread, `console`, waits for the terminal and for a socket pair that the rooms write to when
//! there is something to print. It ends with the server, also if the terminal is stopped. From a
//! drain on it only prints: a successor may have the terminal as well.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Stdout, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

use crate::cli::log::nonblocking::Patient;
use crate::drain::ServerPhase;
use crate::error::{Error, Result};
use crate::net::ready::wait;
use crate::server::Handle;
use crate::service::chat::{Chat, Console};

/// Time for the terminal to take the last output at the end.
const LAST_MAX: Duration = Duration::from_millis(250);
/// Between checks while another process group has the terminal.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The console's thread, while it runs.
pub(crate) struct Terminal {
    thread: JoinHandle<()>,
    wake_sender: UnixStream,
}

/// Starts the console if the standard input is a terminal.
pub(crate) fn start(chat: &Chat, server: &Handle) -> Result<Option<Terminal>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let cannot = Error::start("the console");
    let (wake_sender, wakes) = UnixStream::pair().map_err(cannot)?;
    wake_sender.set_nonblocking(true).map_err(cannot)?;
    wakes.set_nonblocking(true).map_err(cannot)?;
    let for_rooms = wake_sender.try_clone().map_err(cannot)?;
    let console = chat.console(move || {
        // A full socket is a wake-up as well.
        let _ = (&for_rooms).write(&[1]);
    });
    if io::stderr().is_terminal() {
        console.shares_its_place_with_the_log();
    }
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?;
    let thread = std::thread::Builder::new().name("console".into());
    let server = server.clone();
    let thread = thread.spawn(move || keep(console, &server, &File::from(stdin), &wakes));
    Ok(Some(Terminal {
        thread: thread.map_err(cannot)?,
        wake_sender,
    }))
}

impl Terminal {
    /// Ends the console after its last output.
    pub(crate) fn end(self) {
        let _ = self.wake_sender.shutdown(std::net::Shutdown::Write);
        // A panic of the thread was reported when it happened.
        let _ = self.thread.join();
    }
}

/// Runs the thread.
fn keep(mut console: Console, server: &Handle, stdin: &File, wakes: &UnixStream) {
    let mut printer = Printer {
        stdout: Patient::new(io::stdout()),
        unprinted: Vec::new(),
    };
    let mut listens = true;
    let hears = |console: &Console| server.phase() == ServerPhase::Running && console.hears();
    loop {
        printer.print(&console, Duration::ZERO);
        let mut polled = vec![PollFd::new(wakes, PollFlags::IN)];
        let is_heard = listens && hears(&console) && is_in_front(stdin);
        if is_heard {
            polled.push(PollFd::new(stdin, PollFlags::IN));
        }
        if !printer.unprinted.is_empty() {
            polled.push(PollFd::new(&printer.stdout, PollFlags::OUT));
        }
        let most = (listens && !is_heard).then_some(LOOK_AGAIN);
        if wait(&mut polled, most).is_err() {
            return;
        }
        let is_typed = is_heard && !polled[1].revents().is_empty();
        if is_over(wakes) {
            printer.print(&console, LAST_MAX);
            return;
        }
        if is_typed && hears(&console) && is_in_front(stdin) {
            listens = console.hear(|typed| take_typed(stdin, typed));
        }
    }
}

/// Whether this process may read the terminal. A shell's background process is stopped when it
/// does, and a stopped server serves no client.
fn is_in_front(terminal: &File) -> bool {
    tcgetpgrp(terminal).map_or(true, |in_front| in_front == getpgrp())
}

/// Reads the wake-ups; answers whether there will be no more.
fn is_over(mut wakes: &UnixStream) -> bool {
    let mut rings = [0; 64];
    loop {
        match wakes.read(&mut rings) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}

/// Reads once; `false` at the end of the input, which is not the end of the server.
fn take_typed(mut stdin: &File, typed: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    match stdin.read(&mut buffer) {
        Ok(length) => {
            typed.extend_from_slice(&buffer[..length]);
            length > 0
        }
        Err(error) => error.kind() == ErrorKind::Interrupted,
    }
}

/// Prints as much as the terminal takes; the rest waits in the console, which is bounded.
struct Printer {
    stdout: Patient<Stdout>,
    unprinted: Vec<u8>,
}

impl Printer {
    fn print(&mut self, console: &Console, most: Duration) {
        loop {
            if self.unprinted.is_empty() {
                self.unprinted = console.shown();
            }
            // Without a reader the console is not needed.
            let all = self.unprinted.len();
            let printed = self.stdout.write(&self.unprinted, most).unwrap_or(all);
            self.unprinted.drain(..printed);
            if printed == 0 || !self.unprinted.is_empty() {
                return;
            }
        }
    }
}
