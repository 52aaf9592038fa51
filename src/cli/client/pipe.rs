//! In a pipe: bytes in, the same bytes out.
//!
//! Two threads, each with one direction and one buffer: nothing is queued, so a slow end slows the
//! other. The end of the input shuts the sending side. The server's end ends the client, once the
//! server has taken the rest of the input or can't take it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rustix::event::{PollFd, PollFlags};
use socket2::Socket;

use super::introduce::introduce;
use super::printer::{Passing, Printer};
use super::secure::{Loss, SETTLING, UNTAKEN};
use crate::cli::exit::Ending;
use crate::error::start_advice;
use crate::net::ready::wait;

const BUFFER: usize = 64 << 10;

/// The state of the sending side, for the receiving side.
#[derive(Default)]
struct Sending {
    holds: Mutex<Holds>,
    changed: Condvar,
    /// Why the input could not be read.
    trouble: Mutex<Option<io::Error>>,
}

/// The state of the input.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
enum Holds {
    /// It waits for input.
    Nothing,
    /// There is input that the server has not taken yet.
    #[default]
    Something,
    /// The input has ended, and the server has taken all.
    End,
    /// The server takes no more.
    Lost,
}

/// Copies in both directions until the server ends.
pub(crate) fn run(socket: Socket, loss: &Loss, name: Option<&str>, passing: Passing) -> Ending {
    let mut printer = Printer::new(passing);
    if let Some(name) = name {
        introduce(&socket, name, &mut printer)?;
    }
    let socket = Arc::new(socket);
    let sending = Arc::new(Sending::default());
    let sender = {
        let (socket, sending) = (Arc::clone(&socket), Arc::clone(&sending));
        // Not joined: it may block in a read that never returns.
        move || send(&socket, &sending)
    };
    if let Err(error) = std::thread::Builder::new().spawn(sender) {
        return Err(format!("cannot start: {}", start_advice(&error)).into());
    }
    receive(&socket, printer)?;
    if let Some(why) = loss.why() {
        return Err(why.to_owned().into());
    }
    let is_taken = sending.wait_taken();
    if let Some(error) = sending.trouble.lock().take() {
        return Err(format!("cannot read the input: {error}").into());
    }
    if !is_taken {
        return Err(UNTAKEN.to_owned().into());
    }
    // Nothing follows. Fails only if the server has gone already.
    let _ = socket.shutdown(Shutdown::Write);
    match loss.wait_why() {
        Some(why) => Err(why.to_owned().into()),
        None => Ok(()),
    }
}

impl Sending {
    fn set_holds(&self, holds: Holds) {
        *self.holds.lock() = holds;
        self.changed.notify_all();
    }

    /// After the server's end: waits while it still takes the input; answers whether it has taken
    /// all.
    fn wait_taken(&self) -> bool {
        loop {
            // In this order: the reader of the input has data before the flag shows it.
            let has_input = wait_input(Some(Duration::ZERO));
            let mut holds = self.holds.lock();
            match *holds {
                Holds::Nothing if !has_input => return true,
                Holds::End => return true,
                Holds::Lost => return false,
                Holds::Nothing | Holds::Something => {}
            }
            if self.changed.wait_for(&mut holds, SETTLING).timed_out() {
                return false;
            }
        }
    }
}

/// Copies standard input to the server, until one of them ends.
fn send(mut socket: &Socket, sending: &Sending) {
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    let mut input = match input.map(File::from) {
        Ok(input) => input,
        Err(error) => return *sending.trouble.lock() = Some(error),
    };
    let (mut length, mut buffer) = (0, vec![0; BUFFER]);
    loop {
        if length > 0 && socket.write_all(&buffer[..length]).is_err() {
            // The receiving side reports the error.
            return sending.set_holds(Holds::Lost);
        }
        sending.set_holds(Holds::Nothing);
        wait_input(None);
        sending.set_holds(Holds::Something);
        length = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => {
                *sending.trouble.lock() = Some(error);
                break;
            }
        };
    }
    sending.set_holds(Holds::End);
    // Fails only if the server has gone already.
    let _ = socket.shutdown(Shutdown::Write);
}

/// Waits for input or its end, at most `most`; answers whether there is.
fn wait_input(most: Option<Duration>) -> bool {
    wait(&mut [PollFd::new(&std::io::stdin(), PollFlags::IN)], most).is_ok_and(|count| count > 0)
}

/// Copies from the server to standard output, until the server ends or the output is closed.
fn receive(mut socket: &Socket, mut printer: Printer) -> Ending {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("the connection was lost: {error}").into()),
        };
        printer.print(&buffer[..length])?;
    }
    printer.end()
}
