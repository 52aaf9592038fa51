//! The log's lines on their way to the standard error, which holds nobody up: a line that it does
//! not take in time is left out, and when it takes more the log says how many were.
//!
//! All threads that log run here: workers, the acceptor, the thread of the signals.

use std::io::{self, Stderr, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::warn;

use crate::cli::log::nonblocking::Patient;

/// How long a line waits for room, unless the one before did so in vain.
const PATIENCE: Duration = Duration::from_millis(250);

/// See the head of the file.
#[derive(Clone)]
pub(super) struct Lines(Arc<Mutex<State>>);

/// Locked while a line is written, as the standard error itself is: lines don't mix, and the one
/// before decides on the patience.
struct State {
    stderr: Patient<Stderr>,
    /// Lines that are not all there, and as many of them as a line has told of.
    left_out: u64,
    told: u64,
    /// The last line was one of them; and a part of it is there.
    is_blocked: bool,
    is_cut: bool,
}

impl Lines {
    pub(super) fn new() -> Lines {
        Lines(Arc::new(Mutex::new(State {
            stderr: Patient::new(io::stderr()),
            left_out: 0,
            told: 0,
            is_blocked: false,
            is_cut: false,
        })))
    }
}

impl Write for Lines {
    /// Takes a whole line, in any case.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let untold = self.0.lock().untold();
        if let Some(lines) = untold {
            // A line as any other, which may be left out, too: then it is told again.
            warn!(lines, "the log was not taken; lines are left out of it");
        }
        self.0.lock().write(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl State {
    /// The number of omitted lines that is not logged yet, if there is room for it.
    fn untold(&mut self) -> Option<u64> {
        if self.left_out == self.told || !self.end_cut() {
            return None;
        }
        self.told = self.left_out;
        Some(self.left_out)
    }

    /// Ends a line that was cut; answers whether there was room to.
    fn end_cut(&mut self) -> bool {
        if self.is_cut {
            self.is_cut = !matches!(self.stderr.write(b"\n", Duration::ZERO), Ok(1));
        } else if self.is_blocked {
            return self.stderr.has_room();
        }
        !self.is_cut
    }

    fn write(&mut self, line: &[u8]) {
        let patience = match self.is_blocked {
            true => Duration::ZERO,
            false => PATIENCE,
        };
        let written = match self.end_cut() {
            true => self.stderr.write(line, patience).unwrap_or(0),
            false => 0,
        };
        self.is_blocked = written < line.len();
        self.is_cut |= written > 0 && self.is_blocked;
        self.left_out += u64::from(self.is_blocked);
    }
}
