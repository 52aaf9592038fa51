//! The standard error, as a place that holds nobody up: a line that it does not take in time is
//! left out, and when it takes more the log says how many were.
//!
//! Whoever has something to tell runs here: workers, the acceptor, the thread of the signals. A
//! pipe that nobody reads, or a terminal that was stopped, would hold all of them for ever.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing::warn;

/// How long a line waits for room, unless one before it did so in vain.
const PATIENCE: Duration = Duration::from_millis(250);
/// What a pipe that has room takes at once (`PIPE_BUF`).
const PIECE: usize = 4096;

/// Locked while a line is written, as the standard error itself is: lines don't mix, and the one
/// before decides on the patience.
static STATE: Mutex<State> = Mutex::new(State {
    left_out: 0,
    told: 0,
    is_blocked: false,
    is_cut: false,
});

/// How the lines have fared so far.
struct State {
    /// Lines that are not all there, and as many of them as a line has told of.
    left_out: u64,
    told: u64,
    /// The last line was one of them; and a part of it is there.
    is_blocked: bool,
    is_cut: bool,
}

/// See the head of the file.
pub(super) struct Patient;

impl Write for Patient {
    /// Takes a whole line, in any case.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let untold = STATE.lock().untold();
        if let Some(lines) = untold {
            // A line as any other, which may be left out, too: then it is told again.
            warn!(lines, "the log was not taken; lines are left out of it");
        }
        STATE.lock().write(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl State {
    /// How many lines were left out, if nobody knows yet and there is room to tell.
    fn untold(&mut self) -> Option<u64> {
        if self.left_out == self.told || !has_room(Duration::ZERO) {
            return None;
        }
        self.told = self.left_out;
        Some(self.left_out)
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let mut patience = match self.is_blocked {
            true => Duration::ZERO,
            false => PATIENCE,
        };
        let end_of_last = self.is_cut.then_some(&b"\n"[..]);
        for piece in end_of_last.into_iter().chain(line.chunks(PIECE)) {
            self.is_blocked = !has_room(patience);
            if self.is_blocked {
                self.left_out += 1;
                return Ok(());
            }
            io::stderr()
                .write_all(piece)
                .inspect_err(|_| self.left_out += 1)?;
            self.is_cut = !piece.ends_with(b"\n");
            patience = PATIENCE;
        }
        Ok(())
    }
}

/// Waits until a piece can be written without waiting. What can't be asked is not waited for: the
/// write says what is wrong with it.
fn has_room(most: Duration) -> bool {
    let until = Instant::now() + most;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).unwrap_or_default();
        let stderr = io::stderr();
        let mut asked = [PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::OUT)];
        match poll(&mut asked, Some(&left)) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return true,
        }
    }
}
