//! The standard output that the process got; the only file that names `ctor`.
//!
//! Before `main` the standard library opens `/dev/null` in place of a closed standard stream; other
//! programs redirect a stream to `/dev/null` on purpose. To distinguish the two, this checks before
//! the standard library does.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;
use rustix::io::fcntl_getfd;
use rustix::stdio::stdout;

use crate::error::{Error, Result};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

// SAFETY: it needs nothing that exists only in `main`: one system call, one atomic store.
#[ctor::ctor(unsafe)]
fn look() {
    WAS_CLOSED.store(fcntl_getfd(stdout()).is_err(), Ordering::Relaxed);
}

/// Whether this is a path of the standard output.
pub(super) fn is_at(path: &Path) -> bool {
    let paths = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    paths.iter().any(|one| path == Path::new(one))
}

/// Checks that the standard output can be written.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check() -> Result<()> {
    let problem = if WAS_CLOSED.load(Ordering::Relaxed) {
        "it is closed, and what is received would be lost"
    } else if is_read_only() {
        "it is open for reading only"
    } else {
        return Ok(());
    };
    Err(Error::Stdout { problem })
}

fn is_read_only() -> bool {
    let flags = rustix::fs::fcntl_getfl(stdout());
    flags.is_ok_and(|flags| flags & OFlags::ACCMODE == OFlags::RDONLY)
}
