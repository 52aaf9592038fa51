//! Writes the log's lines to the standard error without delaying a thread for long: a line that is
//! not taken in time is left out, and the log says later how many were.
//!
//! All threads that log run here: workers, the acceptor, the signal thread.

use std::io::{self, Stderr, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::warn;

use crate::cli::log::nonblocking::Patient;

/// How long a line waits for room, unless the last one got none.
const PATIENCE: Duration = Duration::from_millis(250);

/// See the head of the file.
#[derive(Clone)]
pub(super) struct LogWriter(Arc<Mutex<State>>);

/// Locked while a line is written, so lines don't mix, and each line knows whether the last one
/// got room.
struct State {
    stderr: Patient<Stderr>,
    /// Lines that are missing or cut, and how many of them were reported.
    left_out: u64,
    told: u64,
    /// The last line was missing or cut; and whether a part of it is there.
    is_blocked: bool,
    is_cut: bool,
}

impl LogWriter {
    pub(super) fn new() -> LogWriter {
        LogWriter(Arc::new(Mutex::new(State {
            stderr: Patient::new(io::stderr()),
            left_out: 0,
            told: 0,
            is_blocked: false,
            is_cut: false,
        })))
    }
}

impl Write for LogWriter {
    /// Takes a whole line, and writes or counts it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let untold = self.0.lock().untold();
        if let Some(lines) = untold {
            // This line may be left out as well; then it is tried again.
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

    /// Ends a line that was cut; answers whether there was room.
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
