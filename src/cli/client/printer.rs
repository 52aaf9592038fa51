//! Standard output of a client in a pipe.

use super::safe::SafeLines;
use crate::cli::exit::{Ending, print};

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
    passing: Passing,
    lines: SafeLines,
}

impl Printer {
    pub(crate) fn new(passing: Passing) -> Printer {
        let lines = SafeLines::default();
        Printer { passing, lines }
    }

    /// Passes on received bytes.
    pub(crate) fn print(&mut self, bytes: &[u8]) -> Ending {
        match self.passing {
            Passing::Exact => print(bytes),
            Passing::Escaped => {
                let mut text = String::new();
                self.lines.take(bytes, |line| text += &(line + "\n"));
                print(text.as_bytes())
            }
        }
    }

    pub(crate) fn end(mut self) -> Ending {
        print(self.lines.rest().unwrap_or_default().as_bytes())
    }
}
