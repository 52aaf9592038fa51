//! The processes that a keeper waits for: its server, and in the first keeper the keepers of
//! successors, which it starts.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, pidfd_open, pidfd_send_signal, wait,
};

use crate::cli::kept::{FIRST_KEEPER, NO, START, end_the_rest};
use crate::cli::signals::{self, Awaited};
use crate::cli::{exit, handover};
use crate::net::ready;

/// See the head of the file.
pub(super) struct Wards {
    all: Vec<Ward>,
    /// Until it has ended.
    server: Option<Pid>,
}

struct Ward {
    pid: Pid,
    pidfd: OwnedFd,
    /// Over which a server asks for a successor.
    socket: Option<UnixStream>,
}

impl Wards {
    /// Starts the server. If it `may_ask` for a successor, its standard input is a socket.
    pub(super) fn of_server(mut server: Command, may_ask: bool) -> io::Result<Wards> {
        let ward = match may_ask {
            true => Ward::with_socket(&mut server)?,
            false => Ward::spawn(&mut server, None)?,
        };
        Ok(Wards {
            server: Some(ward.pid),
            all: vec![ward],
        })
    }

    /// Waits until all of them have ended, and reaps orphans meanwhile; passes signals on. Answers
    /// how the last one ended.
    pub(super) fn wait_for_all(&mut self, signals: &Awaited) -> io::Result<WaitStatus> {
        loop {
            while let Some(signal) = signals.take() {
                match signal {
                    signals::Signal::SIGCHLD => {}
                    signals::Signal::SIGUSR1 => self.signal(Signal::USR1),
                    _ => self.signal(Signal::TERM),
                }
            }
            if let Some(status) = self.reap()? {
                return Ok(status);
            }
            // SIGCHLD, which stays pending, reports each child that ends from now on.
            let sockets = self.all.iter().filter_map(|ward| ward.socket.as_ref());
            let sockets = sockets.map(AsFd::as_fd);
            let awaited = std::iter::once(signals.as_fd()).chain(sockets);
            let mut awaited: Vec<_> = awaited
                .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
                .collect();
            ready::wait(&mut awaited, None)?;
            self.answer();
        }
    }

    /// Passes a signal on to all: a server that has a successor has less time then.
    fn signal(&self, signal: Signal) {
        for ward in &self.all {
            // It may have ended.
            let _ = pidfd_send_signal(&ward.pidfd, signal);
        }
    }

    /// Reaps what has ended; answers how the last one did.
    fn reap(&mut self) -> io::Result<Option<WaitStatus>> {
        loop {
            let (pid, status) = match wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => ended,
                Err(Errno::INTR) => continue,
                Ok(None) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let Some(at) = self.all.iter().position(|ward| ward.pid == pid) else {
                continue;
            };
            self.all.swap_remove(at);
            if let Some(signal) = status.terminating_signal() {
                let what = format!("signal {signal} ended the server; its programs are ended");
                exit::say(&what);
            }
            if self.server == Some(pid) {
                self.server = None;
            }
            if self.server.is_none() {
                // Orphans of its programs; those of a successor's are its own keeper's.
                let others: Vec<_> = self.all.iter().map(|ward| ward.pid).collect();
                end_the_rest(&others);
            }
            if self.all.is_empty() {
                return Ok(Some(status));
            }
        }
    }

    /// Starts a successor for each server that asks for one.
    fn answer(&mut self) {
        let mut started = Vec::new();
        for ward in &mut self.all {
            let Some(socket) = &mut ward.socket else {
                continue;
            };
            let mut asked = [0; START.len()];
            match socket.read(&mut asked) {
                Ok(length) if asked[..length] == *START.as_bytes() => {
                    let answer = match start_successor() {
                        Ok(successor) => {
                            let pid = successor.pid.as_raw_pid();
                            started.push(successor);
                            format!("{pid}\n")
                        }
                        Err(error) => format!("{NO}{error}\n"),
                    };
                    // It may have ended; then its successor goes on alone.
                    let _ = socket.write_all(answer.as_bytes());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Its end, or another version's request.
                Ok(_) | Err(_) => ward.socket = None,
            }
        }
        self.all.append(&mut started);
    }
}

impl Ward {
    fn with_socket(command: &mut Command) -> io::Result<Ward> {
        let (ours, its) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        Ward::spawn(command.stdin(Stdio::from(OwnedFd::from(its))), Some(ours))
    }

    fn spawn(command: &mut Command, socket: Option<UnixStream>) -> io::Result<Ward> {
        let pid = Pid::from_child(&command.spawn()?);
        Ok(Ward {
            pid,
            pidfd: pidfd_open(pid, PidfdFlags::empty())?,
            socket,
        })
    }
}

/// Starts the keeper of a successor, with the program that its path has now.
fn start_successor() -> io::Result<Ward> {
    let mut command = handover::again()?;
    command
        .env(FIRST_KEEPER, getpid().as_raw_pid().to_string())
        // Ctrl-C comes to the first keeper alone, which passes it on.
        .process_group(0);
    Ward::with_socket(&mut command)
}
