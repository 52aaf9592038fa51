//! A Unix socket's file, and the lock under which it is made and removed.
//!
//! To check that no process listens on a socket, to remove it and to bind its path are three steps;
//! to check that a file is still one's own and to remove it are two. Another process may do the
//! same with the same path in between, so each process holds a lock: flock(2) of the file's
//! directory. A lock file of its own would have to be removed, and could be another user's or a
//! link. The kernel frees the lock when its holder ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::net::address::Address;

/// Maximum wait for the lock, which is held for a few system calls.
pub(super) const LOCK_WITHIN: Duration = Duration::from_secs(5);
/// The same at the end of the server.
const END_WITHIN: Duration = Duration::from_millis(500);
/// Between two tries: flock(2) has no deadline.
const TRY_EACH: Duration = Duration::from_millis(5);

/// The lock of a directory, held until this is dropped.
#[derive(Debug)]
pub(super) enum Lock {
    Held {
        _folder: File,
    },
    /// The file system has no such lock, or the directory can't be read.
    Unavailable(io::Error),
}

impl Lock {
    /// Takes the lock of the directory that `path` is in.
    ///
    /// # Errors
    /// When there is no such directory, or another process does not give the lock back in time.
    pub(super) fn take(path: &Path, within: Duration) -> io::Result<Lock> {
        let folder = path.parent().unwrap_or(Path::new(""));
        // With the dot, opening fails if it is not a directory.
        let folder = match File::open(folder.join(".")) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(Lock::Unavailable(error));
            }
            Err(error) => return Err(error),
        };
        let until = Instant::now() + within;
        loop {
            match folder.try_lock() {
                Ok(()) => return Ok(Lock::Held { _folder: folder }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(TRY_EACH);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::other(
                        "another process keeps its directory locked (flock); end it or choose \
                         another directory",
                    ));
                }
                Err(TryLockError::Error(error)) => return Ok(Lock::Unavailable(error)),
            }
        }
    }
}

/// A Unix socket's file, removed at the end of the server, unless another file has taken its place:
/// a successor may listen there while this one drains.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    made: Option<Identity>,
}

impl SocketFile {
    /// The files of those addresses that have one.
    pub(crate) fn all_of(addresses: &[Address]) -> Vec<SocketFile> {
        let files = addresses.iter().filter_map(|address| match address {
            Address::Unix(path) => Some(SocketFile::of(path)),
            Address::Tcp(_) => None,
        });
        files.collect()
    }

    pub(super) fn of(path: &Path) -> SocketFile {
        SocketFile {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            made: identity(path),
        }
    }

    /// Keeps the file at the end.
    pub(crate) fn keep(&mut self) {
        self.made = None;
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.made.is_none() || identity(&self.path) != self.made {
            return;
        }
        // Without the lock the file stays; the next server on this path replaces it.
        let Ok(_lock) = Lock::take(&self.path, END_WITHIN) else {
            return;
        };
        if identity(&self.path) == self.made {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Device, inode and time of creation, because inodes of removed files are used again.
type Identity = (u64, u64, (i64, i64));

fn identity(path: &Path) -> Option<Identity> {
    let found = fs::symlink_metadata(path).ok()?;
    let made = (found.mtime(), found.mtime_nsec());
    Some((found.dev(), found.ino(), made))
}
