//! Where the output goes: the standard output, or a file that may be moved away under it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{FlockOperation, OFlags, flock};

/// Takes bytes in order. A short or failed write says how far it came.
pub(super) trait Sink: Send {
    /// For people; the standard output has none.
    fn path(&self) -> Option<&Path> {
        None
    }
    /// Called before each piece: the moment to notice that a file was moved away.
    fn prepare(&mut self) -> io::Result<()>;
    /// One write.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Whether what was written can still be found under some name. If not, the piece has to be
    /// written again after [`prepare`](Sink::prepare).
    fn is_kept(&self) -> bool;
    /// Returns when what was written has reached the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Waits until a write may go on, or until `most` has passed.
    fn wait(&mut self, most: Duration);
}

/// The standard output, or a descriptor like it.
pub(super) struct Pipe(pub(super) File);

impl Sink for Pipe {
    fn prepare(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn is_kept(&self) -> bool {
        true
    }

    fn sync(&mut self) -> io::Result<()> {
        sync(&self.0)
    }

    fn wait(&mut self, most: Duration) {
        wait_writable(&self.0, most);
    }
}

/// A file that is appended to, and opened again when its name leads elsewhere.
pub(super) struct NamedFile {
    path: PathBuf,
    file: File,
    holds: Holds,
    /// Its name has reached the disk, too.
    is_lasting: bool,
}

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Whole lines: one that a predecessor could not end is ended.
    Lines,
    /// Bytes, and none but those that were received.
    Bytes,
}

impl NamedFile {
    pub(super) fn open(path: &Path, holds: Holds) -> io::Result<NamedFile> {
        Ok(NamedFile {
            path: path.to_owned(),
            file: open_to_append(path, holds, OFlags::empty())?,
            holds,
            is_lasting: false,
        })
    }

    fn is_at_its_name(&self) -> io::Result<bool> {
        let here = self.file.metadata()?;
        match std::fs::metadata(&self.path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (here.dev(), here.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Sink for NamedFile {
    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn prepare(&mut self) -> io::Result<()> {
        if !self.is_at_its_name()? {
            // If a pipe is there now, nobody waits here until somebody reads it.
            self.file = open_to_append(&self.path, self.holds, OFlags::NONBLOCK)?;
            self.is_lasting = false;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn is_kept(&self) -> bool {
        // A file that was moved still has a name; one that was removed has none.
        self.file
            .metadata()
            .map_or(true, |metadata| metadata.nlink() > 0)
    }

    fn sync(&mut self) -> io::Result<()> {
        sync(&self.file)?;
        if !self.is_lasting {
            // A new file is found by nobody without its entry: fsync(2), description. A directory
            // that may not be read can't be synced.
            if let Ok(directory) = File::open(directory(&self.path)) {
                sync(&directory)?;
            }
            self.is_lasting = true;
        }
        Ok(())
    }

    fn wait(&mut self, most: Duration) {
        wait_writable(&self.file, most);
    }
}

fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        // A pipe or a terminal has no disk behind it: fsync(2), EINVAL.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

/// Where a file's name stands.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn open_to_append(path: &Path, holds: Holds, flags: OFlags) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    options.custom_flags(flags.bits().cast_signed());
    let mut file = options.open(path)?;
    // Everybody who writes here holds the lock with the others: who gets it alone is alone.
    let is_alone = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    if holds == Holds::Lines && is_alone && ends_within_a_line(path).unwrap_or(false) {
        // Whoever wrote before was killed in a write: its last line must not swallow our first.
        file.write_all(b"\n")?;
    }
    // Without locks, as on some network file systems, it is written all the same.
    let _ = flock(&file, FlockOperation::NonBlockingLockShared);
    Ok(file)
}

/// Only of a file can the end be looked at, and only if it may be read.
fn ends_within_a_line(path: &Path) -> io::Result<bool> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    File::open(path)?.read_exact_at(&mut last, metadata.len() - 1)?;
    Ok(last != [b'\n'])
}

fn wait_writable(file: &File, most: Duration) {
    let mut polled = [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::OUT)];
    let most = Timespec::try_from(most).ok();
    // Whatever ends the wait, the write is tried again.
    let _ = rustix::event::poll(&mut polled, most.as_ref());
}
