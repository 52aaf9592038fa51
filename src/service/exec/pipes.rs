//! The pipes between us and a program. Nothing here blocks.
//!
//! Of what a program prints to, we keep its end as well until it has ended: so its end of the pipe
//! does not wake us a moment before its end as a process does. Nobody else reads our ends, so a
//! read of what is known to be there does not wait, and they need not be made non-blocking.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use bytes::{Buf, Bytes};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, ioctl_fionread};
use rustix::pipe::{PipeFlags, pipe_with};

use super::stderr::Complaints;

/// Most that is read from a pipe at once.
const PIECE: usize = 16 * 1024;
/// Most that is still read from a pipe after its program has ended: what a pipe can hold.
const REST_MAX: usize = 1024 * 1024;

/// See the head of the file.
pub(super) struct Pipes {
    errors: Printed,
    talk: Option<Talk>,
    /// What came out of the talk's output, and how much may.
    printed: Vec<u8>,
    printed_max: usize,
}

/// A pipe that a program prints to.
struct Printed {
    ours: OwnedFd,
    its: OwnedFd,
}

/// Of a program that has a message.
struct Talk {
    /// Until all is written.
    input: Option<(OwnedFd, Bytes)>,
    /// Until it is started.
    its_input: Option<OwnedFd>,
    output: Printed,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pipe {
    Errors,
    Input,
    Output,
}

impl Pipes {
    /// For a program that has the socket: only what it complains about comes to us.
    pub(super) fn errors() -> Result<Pipes, Errno> {
        Ok(Pipes {
            errors: Printed::new()?,
            talk: None,
            printed: Vec::new(),
            printed_max: 0,
        })
    }

    /// For a program that reads `bytes` and prints at most `printed_max`.
    pub(super) fn and_talk(mut self, bytes: Bytes, printed_max: usize) -> Result<Pipes, Errno> {
        let (its_input, input) = pipe_with(PipeFlags::CLOEXEC)?;
        // Our end only: the program's has flags of its own.
        let flags = fcntl_getfl(&input)?;
        fcntl_setfl(&input, flags | OFlags::NONBLOCK)?;
        self.talk = Some(Talk {
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

    /// The program's input and output, if they are pipes and it has not begun.
    pub(super) fn its_talk(&self) -> Option<(BorrowedFd<'_>, BorrowedFd<'_>)> {
        let talk = self.talk.as_ref()?;
        let input = talk.its_input.as_ref()?;
        Some((input.as_fd(), talk.output.its.as_fd()))
    }

    /// The program has begun: if it does not read, we are to notice.
    pub(super) fn begun(&mut self) {
        if let Some(talk) = &mut self.talk {
            talk.its_input = None;
        }
    }

    /// Those that something can come of.
    pub(super) fn watched(&self) -> impl Iterator<Item = (Pipe, PollFd<'_>)> {
        let talk = self.talk.as_ref();
        let input = talk.and_then(|talk| talk.input.as_ref());
        let [errors, output] = [Some(&self.errors), talk.map(|talk| &talk.output)]
            .map(|printed| printed.map(|printed| PollFd::new(&printed.ours, PollFlags::IN)));
        let input = input.map(|(pipe, _)| PollFd::new(pipe, PollFlags::OUT));
        let all = [
            (Pipe::Errors, errors),
            (Pipe::Input, input),
            (Pipe::Output, output),
        ];
        all.into_iter().filter_map(|(pipe, fd)| Some((pipe, fd?)))
    }

    /// Passes a piece on; answers how long it was, 0 if there was none.
    pub(super) fn pass(&mut self, pipe: Pipe, complaints: &mut Complaints) -> usize {
        match (pipe, &mut self.talk) {
            (Pipe::Errors, _) => self.errors.read(|piece| complaints.take(piece)),
            (Pipe::Output, Some(talk)) => {
                let (printed, max) = (&mut self.printed, self.printed_max);
                // One byte more than may be shows that there was more.
                talk.output.read(|piece| {
                    let room = (max + 1).saturating_sub(printed.len());
                    printed.extend_from_slice(&piece[..piece.len().min(room)]);
                })
            }
            (Pipe::Input, Some(talk)) => talk.feed(),
            (_, None) => 0,
        }
    }

    /// Passes on what is in them still.
    pub(super) fn pass_rest(&mut self, complaints: &mut Complaints) {
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
}

impl Printed {
    fn new() -> Result<Printed, Errno> {
        let (ours, its) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok(Printed { ours, its })
    }

    /// Reads once what is there; answers how much that was.
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

impl Talk {
    /// Writes as much as goes; then, or if nobody reads it, closes.
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

/// That nobody but us holds a pipe's other end is no reason to look at it again and again.
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
