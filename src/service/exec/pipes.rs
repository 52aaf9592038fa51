//! Our ends of a child's pipes. Nothing here blocks.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use bytes::{Buf, Bytes};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::complaints::Complaints;

/// Most that is read from a pipe at once.
const PIECE: usize = 16 * 1024;
/// Most that is still read from a pipe after its child has ended: what a pipe can hold.
const REST_MAX: usize = 1024 * 1024;

/// See the head of the file. One that is at its end is gone.
#[derive(Default)]
pub(super) struct Pipes {
    errors: Option<ChildStderr>,
    input: Option<(ChildStdin, Bytes)>,
    output: Option<ChildStdout>,
    /// What came out of `output`, and how much may.
    printed: Vec<u8>,
    printed_max: usize,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pipe {
    Errors,
    Input,
    Output,
}

impl Pipes {
    /// For a child that has the socket: only what it complains about comes to us.
    pub(super) fn errors(errors: Option<ChildStderr>) -> io::Result<Pipes> {
        errors.as_ref().map_or(Ok(()), unblock)?;
        Ok(Pipes {
            errors,
            ..Pipes::default()
        })
    }

    /// For a child that reads `bytes` and prints at most `printed_max`.
    pub(super) fn and_talk(
        mut self,
        input: Option<ChildStdin>,
        bytes: Vec<u8>,
        output: Option<ChildStdout>,
        printed_max: usize,
    ) -> io::Result<Pipes> {
        input.as_ref().map_or(Ok(()), unblock)?;
        output.as_ref().map_or(Ok(()), unblock)?;
        self.input = input.map(|input| (input, bytes.into()));
        self.output = output;
        self.printed_max = printed_max;
        Ok(self)
    }

    /// Those that something can come of.
    pub(super) fn watched(&self) -> Vec<(Pipe, PollFd<'_>)> {
        let errors = self.errors.as_ref();
        let input = self.input.as_ref();
        let output = self.output.as_ref();
        [
            errors.map(|pipe| (Pipe::Errors, PollFd::new(pipe, PollFlags::IN))),
            input.map(|(pipe, _)| (Pipe::Input, PollFd::new(pipe, PollFlags::OUT))),
            output.map(|pipe| (Pipe::Output, PollFd::new(pipe, PollFlags::IN))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Passes a piece on; answers how long it was, 0 if there was none.
    pub(super) fn pass(&mut self, pipe: Pipe, complaints: &mut Complaints) -> usize {
        match pipe {
            Pipe::Errors => read(&mut self.errors, |piece| complaints.take(piece)),
            Pipe::Output => {
                let (printed, max) = (&mut self.printed, self.printed_max);
                // One byte more than may be shows that there was more.
                read(&mut self.output, |piece| {
                    let room = (max + 1).saturating_sub(printed.len());
                    printed.extend_from_slice(&piece[..piece.len().min(room)]);
                })
            }
            Pipe::Input => self.feed(),
        }
    }

    /// Passes on what is in them still.
    pub(super) fn pass_rest(&mut self, complaints: &mut Complaints) {
        self.input = None;
        for pipe in [Pipe::Errors, Pipe::Output] {
            let mut rest = 0;
            while rest < REST_MAX {
                match self.pass(pipe, complaints) {
                    0 => break,
                    length => rest += length,
                }
            }
        }
    }

    /// Whether more was printed than may be.
    pub(super) fn is_overlong(&self) -> bool {
        self.printed.len() > self.printed_max
    }

    /// What was printed, cut at the bound.
    pub(super) fn into_printed(mut self) -> Vec<u8> {
        self.printed.truncate(self.printed_max);
        self.printed
    }

    /// Writes as much as goes; then, or if nobody reads it, closes.
    fn feed(&mut self) -> usize {
        let Some((pipe, bytes)) = &mut self.input else {
            return 0;
        };
        let written = match pipe.write(bytes) {
            Ok(length) => length,
            Err(error) if is_passing(&error) => return 0,
            Err(_) => bytes.len(),
        };
        bytes.advance(written);
        if bytes.is_empty() {
            self.input = None;
        }
        written
    }
}

/// Reads once; closes the pipe at its end.
fn read(pipe: &mut Option<impl Read>, mut take: impl FnMut(&[u8])) -> usize {
    let mut piece = [0; PIECE];
    match pipe.as_mut().map(|pipe| pipe.read(&mut piece)) {
        Some(Ok(length)) if length > 0 => {
            take(&piece[..length]);
            length
        }
        Some(Err(error)) if is_passing(&error) => 0,
        _ => {
            *pipe = None;
            0
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Our end only: the child's has flags of its own.
fn unblock(pipe: &impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}
