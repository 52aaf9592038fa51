//! Standard output of a client in a pipe.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use super::ending::Ending;
use super::safe::SafeLines;

/// What happens to received bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// They are passed on unchanged.
    Exact,
    /// A terminal: only text may reach it.
    Escaped,
}

/// Standard output.
pub(crate) struct Printer {
    output: File,
    passing: Passing,
    lines: SafeLines,
}

impl Printer {
    pub(crate) fn new(passing: Passing) -> Result<Printer, Ending> {
        let output = std::io::stdout().as_fd().try_clone_to_owned();
        let output = output.map_err(|error| unwritten(&error))?.into();
        let lines = SafeLines::default();
        Ok(Printer {
            output,
            passing,
            lines,
        })
    }

    /// Passes on received bytes.
    pub(crate) fn print(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        let written = match self.passing {
            Passing::Exact => self.output.write_all(bytes),
            Passing::Escaped => {
                let text = escaped(&mut self.lines, bytes);
                self.output.write_all(text.as_bytes())
            }
        };
        written.map_err(|error| unwritten(&error))
    }

    pub(crate) fn end(mut self) -> Result<(), Ending> {
        let rest = self.lines.rest().unwrap_or_default();
        let written = self.output.write_all(rest.as_bytes());
        written.map_err(|error| unwritten(&error))
    }
}

fn escaped(lines: &mut SafeLines, bytes: &[u8]) -> String {
    let mut text = String::new();
    lines.take(bytes, |line| {
        text.push_str(&line);
        text.push('\n');
    });
    text
}

fn unwritten(error: &io::Error) -> Ending {
    match error.kind() {
        ErrorKind::BrokenPipe => Ending::OutputClosed,
        _ => Ending::Failed(format!("cannot write: {error}")),
    }
}
