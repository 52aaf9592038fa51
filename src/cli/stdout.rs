//! The standard output that the process got.
//!
//! Before `main` the standard library opens `/dev/null` in place of a closed standard stream; other
//! programs redirect a stream to `/dev/null` on purpose. To distinguish the two, `system.rs`
//! checks before the standard library does.

use std::io;
use std::path::Path;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;
use rustix::io::{Errno, write};
use rustix::stdio::stdout;

use crate::error::{Error, Result};
use crate::net::ready::wait;
use crate::system;

/// Whether this is a path of the standard output.
pub(super) fn is_at(path: &Path) -> bool {
    let paths = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    paths.iter().any(|one| path == Path::new(one))
}

/// Writes all to it. A process that shares it may have made it non-blocking.
pub(super) fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(stdout(), bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::AGAIN) => {
                wait(&mut [PollFd::new(&stdout(), PollFlags::OUT)], None)?;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Checks that the standard output can be written.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check() -> Result<()> {
    let flags = rustix::fs::fcntl_getfl(stdout());
    let is_read_only = flags.is_ok_and(|flags| flags & OFlags::ACCMODE == OFlags::RDONLY);
    let problem = if system::stdout_was_closed() {
        "it is closed, and what is received would be lost"
    } else if is_read_only {
        "it is open for reading only"
    } else {
        return Ok(());
    };
    Err(Error::Stdout { problem })
}
