//! Standard output of a client in a pipe.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

use super::safe::SafeLines;
use crate::cli::exit::{Ending, Failure, unprinted};

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
    pub(crate) fn new(passing: Passing) -> Result<Printer, Failure> {
        let output = std::io::stdout().as_fd().try_clone_to_owned();
        let output = output.map_err(|error| unprinted(&error))?.into();
        let lines = SafeLines::default();
        Ok(Printer {
            output,
            passing,
            lines,
        })
    }

    /// Passes on received bytes.
    pub(crate) fn print(&mut self, bytes: &[u8]) -> Ending {
        let written = match self.passing {
            Passing::Exact => self.output.write_all(bytes),
            Passing::Escaped => {
                let mut text = String::new();
                self.lines.take(bytes, |line| text += &(line + "\n"));
                self.output.write_all(text.as_bytes())
            }
        };
        written.map_err(|error| unprinted(&error))
    }

    pub(crate) fn end(mut self) -> Ending {
        let rest = self.lines.rest().unwrap_or_default();
        let written = self.output.write_all(rest.as_bytes());
        written.map_err(|error| unprinted(&error))
    }
}
