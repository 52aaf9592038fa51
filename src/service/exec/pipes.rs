//! The pipes between poold and a program. Nothing here blocks.
//!
//! poold keeps the program's end of an output pipe open as well, until the program has ended:
//! otherwise the pipe's end would wake the worker a moment before the process's end. Only poold
//! reads its own ends, so a read of available bytes does not wait, and they need not be
//! non-blocking.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use bytes::{Buf, Bytes};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, ioctl_fionread};
use rustix::pipe::{PipeFlags, pipe_with};

use super::stderr::StderrLog;

/// Maximum bytes of one read from a pipe.
const PIECE: usize = 16 * 1024;
/// Maximum bytes that are read from a pipe after its program has ended: a pipe's capacity.
const REST_MAX: usize = 1024 * 1024;

/// See the head of the file.
pub(super) struct Pipes {
    errors: Printed,
    message: Option<MessagePipes>,
    /// The program's output so far, and its maximum.
    printed: Vec<u8>,
    printed_max: usize,
}

/// A pipe that a program writes to.
struct Printed {
    ours: OwnedFd,
    its: OwnedFd,
}

/// The input and output of a program that has a message.
struct MessagePipes {
    /// `None` when all is written.
    input: Option<(OwnedFd, Bytes)>,
    /// `None` when the program has started.
    its_input: Option<OwnedFd>,
    output: Printed,
}

/// Which pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pipe {
    Errors,
    Input,
    Output,
}

impl Pipes {
    /// For a program that has the socket: only its standard error.
    pub(super) fn errors() -> Result<Pipes, Errno> {
        Ok(Pipes {
            errors: Printed::new()?,
            message: None,
            printed: Vec::new(),
            printed_max: 0,
        })
    }

    /// Adds the input `bytes` and an output of at most `printed_max`.
    pub(super) fn with_message(mut self, bytes: Bytes, printed_max: usize) -> Result<Pipes, Errno> {
        let (its_input, input) = pipe_with(PipeFlags::CLOEXEC)?;
        // poold's end only: the program's end has flags of its own.
        let flags = fcntl_getfl(&input)?;
        fcntl_setfl(&input, flags | OFlags::NONBLOCK)?;
        self.message = Some(MessagePipes {
            input: Some((input, bytes)),
            its_input: Some(its_input),
            output: Printed::new()?,
        });
        self.printed_max = printed_max;
        Ok(self)
    }

    /// The program's standard error.
    pub(super) fn its_errors(&self) -> BorrowedFd<'_> {
        self.errors.its.as_fd()
    }

    /// The program's ends of input and output, if they are pipes and it has not started.
    pub(super) fn its_message(&self) -> Option<(BorrowedFd<'_>, BorrowedFd<'_>)> {
        let message = self.message.as_ref()?;
        let input = message.its_input.as_ref()?;
        Some((input.as_fd(), message.output.its.as_fd()))
    }

    /// Closes the program's end of its input, so that a write fails if the program does not read.
    pub(super) fn begun(&mut self) {
        if let Some(message) = &mut self.message {
            message.its_input = None;
        }
    }

    /// The pipes to poll.
    pub(super) fn watched(&self) -> impl Iterator<Item = (Pipe, PollFd<'_>)> {
        let message = self.message.as_ref();
        let input = message.and_then(|message| message.input.as_ref());
        let [errors, output] = [Some(&self.errors), message.map(|message| &message.output)]
            .map(|printed| printed.map(|printed| PollFd::new(&printed.ours, PollFlags::IN)));
        let input = input.map(|(pipe, _)| PollFd::new(pipe, PollFlags::OUT));
        let all = [
            (Pipe::Errors, errors),
            (Pipe::Input, input),
            (Pipe::Output, output),
        ];
        all.into_iter().filter_map(|(pipe, fd)| Some((pipe, fd?)))
    }

    /// Passes a piece on; answers its length.
    pub(super) fn pass(&mut self, pipe: Pipe, stderr: &mut StderrLog) -> usize {
        match (pipe, &mut self.message) {
            (Pipe::Errors, _) => self.errors.read(|piece| stderr.take(piece)),
            (Pipe::Output, Some(message)) => {
                let (printed, max) = (&mut self.printed, self.printed_max);
                // One byte above the maximum shows that there was more.
                message.output.read(|piece| {
                    let room = (max + 1).saturating_sub(printed.len());
                    printed.extend_from_slice(&piece[..piece.len().min(room)]);
                })
            }
            (Pipe::Input, Some(message)) => message.feed(),
            (_, None) => 0,
        }
    }

    /// Passes on what is left in the pipes.
    pub(super) fn pass_rest(&mut self, stderr: &mut StderrLog) {
        for pipe in [Pipe::Errors, Pipe::Output] {
            let mut rest = 0;
            while rest < REST_MAX {
                match self.pass(pipe, stderr) {
                    0 => break,
                    length => rest += length,
                }
            }
        }
    }

    /// Whether the output exceeds its maximum.
    pub(super) fn is_overlong(&self) -> bool {
        self.printed.len() > self.printed_max
    }

    /// The output, cut at its maximum.
    pub(super) fn into_printed(mut self) -> Vec<u8> {
        self.printed.truncate(self.printed_max);
        self.printed
    }
}

impl Printed {
    fn new() -> Result<Printed, Errno> {
        let (ours, its) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok(Printed { ours, its })
    }

    /// Reads once, if there are bytes; answers how many.
    fn read(&self, mut take: impl FnMut(&[u8])) -> usize {
        if ioctl_fionread(&self.ours).unwrap_or(0) == 0 {
            return 0;
        }
        let mut piece = [0; PIECE];
        match rustix::io::read(&self.ours, &mut piece) {
            Ok(length) => {
                take(&piece[..length]);
                length
            }
            Err(_) => 0,
        }
    }
}

impl MessagePipes {
    /// Writes what fits; closes the pipe at the end, or if the program does not read it.
    fn feed(&mut self) -> usize {
        let Some((pipe, bytes)) = &mut self.input else {
            return 0;
        };
        let written = match rustix::io::write(&*pipe, bytes) {
            Ok(length) => length,
            Err(Errno::AGAIN | Errno::INTR) => return 0,
            Err(_) => bytes.len(),
        };
        bytes.advance(written);
        if bytes.is_empty() {
            self.input = None;
        }
        written
    }
}

/// A pipe whose other end only poold holds must not wake the poll.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_prints_nothing_leaves_nothing_to_watch_for() {
        let pipes = Pipes::errors().expect("a pipe");
        let mut polled: Vec<_> = pipes.watched().map(|(_, fd)| fd).collect();
        assert_eq!(polled.len(), 1);
        let now = rustix::event::Timespec::default();
        let ready = rustix::event::poll(&mut polled, Some(&now));
        assert_eq!(ready, Ok(0));
    }
}
