//! A program for each client: it gets the socket itself, its worker waits until it ends.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use super::StreamService;
use crate::stream::Stream;

/// What is run.
pub struct Program {
    words: Vec<OsString>,
}

impl Program {
    /// A program and its arguments.
    pub fn new(words: &[OsString]) -> Program {
        Program {
            words: words.to_vec(),
        }
    }
}

/// See the head of the file.
pub struct Exec {
    program: Program,
}

impl Exec {
    /// Runs this program.
    pub fn new(program: Program) -> Exec {
        Exec { program }
    }
}

impl StreamService for Exec {
    fn serve(&self, stream: Stream) -> io::Result<()> {
        let socket = || Ok::<_, io::Error>(Stdio::from(stream.as_fd().try_clone_to_owned()?));
        let mut command = Command::new(&self.program.words[0]);
        command.args(&self.program.words[1..]);
        command.stdin(socket()?).stdout(socket()?);
        command.spawn()?.wait()?;
        Ok(())
    }
}
