//! Reads a file that the user names as a whole: within a size, and not waiting for ever on a pipe.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tracing::info;

/// Silence of a pipe after which the log says what is waited for.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// Longest silence of a pipe.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const PIECE: usize = 64 * 1024;

/// The text of a file, a named pipe or a process substitution, at most `bytes_max` long.
pub(crate) fn read(path: &Path, bytes_max: usize) -> io::Result<String> {
    // Without O_NONBLOCK a named pipe makes this wait until there is a writer.
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let mut file = options.open(path)?;
    let mut text = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        wait(&file, path)?;
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => text.extend_from_slice(&piece[..length]),
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
        if text.len() > bytes_max {
            let problem = format!("it has more than {bytes_max} bytes; name another file");
            return Err(io::Error::other(problem));
        }
    }
    String::from_utf8(text).map_err(|_| io::Error::other("it is no UTF-8 text"))
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Waits until there is something to read, or the end. A regular file is always ready.
fn wait(file: &File, path: &Path) -> io::Result<()> {
    if is_ready(file, TOLD_AFTER)? {
        return Ok(());
    }
    info!(?path, "waiting for a program to write to this pipe");
    if is_ready(file, SILENCE_MAX)? {
        return Ok(());
    }
    let problem = format!("no program wrote to it for {SILENCE_MAX:?}; name another file");
    Err(io::Error::other(problem))
}

fn is_ready(file: &File, most: Duration) -> io::Result<bool> {
    let most = Timespec::try_from(most).expect("seconds");
    loop {
        match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&most)) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
