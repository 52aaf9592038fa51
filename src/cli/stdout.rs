//! The standard output, as the process was given it; the only file that names `ctor`.
//!
//! The standard library opens `/dev/null` in the place of a standard stream that is closed, before
//! `main`, and so do many programs for one whose output they throw away on purpose. To tell the
//! two apart, this looks before the standard library does.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;
use rustix::io::fcntl_getfd;
use rustix::stdio::stdout;

use crate::error::{Error, Result};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

// SAFETY: it needs nothing that is there only in `main`: one system call, one atomic store.
#[ctor::ctor(unsafe)]
fn look() {
    WAS_CLOSED.store(fcntl_getfd(stdout()).is_err(), Ordering::Relaxed);
}

/// Whether this is a path of the standard output's.
pub(super) fn is_at(path: &Path) -> bool {
    let paths = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    paths.iter().any(|one| path == Path::new(one))
}

/// Whether it can be written to.
///
/// # Errors
/// With what is wrong.
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
