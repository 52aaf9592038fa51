//! A file that is appended to, and that may be renamed meanwhile.
//!
//! Before each attempt to write, the path is checked: if it leads to another file than the open
//! one, that file is opened. If opening the path yields the same file, although its metadata differ
//! (`/dev/stdout`, a mount of a single file), writing goes on, and the log says once if the file
//! has no name.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memchr::memrchr;
use rustix::fs::{FlockOperation, OFlags, flock};

use super::sink::{
    Durability, Found, Holds, Sink, has_name, is_named_pipe, sync, tell_once, wait_writable,
};

/// How long another process may leave a line unfinished before it counts as dead.
const LINE_MAX: Duration = Duration::from_secs(10);

/// A file by its path. See the head of the file.
pub(super) struct NamedFile {
    path: PathBuf,
    holds: Holds,
    durability: Durability,
    /// `None` while it is a FIFO that has not had a reader yet.
    held: Option<Held>,
    /// It is another one than the writer knows of.
    is_other: bool,
}

/// The open file.
struct Held {
    file: File,
    id: Id,
    /// It is a regular file with lines, so it can end within a line.
    has_end: bool,
    /// Its directory entry is on the disk, if that is asked for.
    is_lasting: bool,
    /// It may end within a line: check before the next write.
    is_unsettled: bool,
    /// The last write of this process ends within a line.
    is_in_line: bool,
    /// Since when another process has an unfinished line.
    waits_since: Option<Instant>,
    /// The log has said that it has no name.
    is_told: bool,
}

/// Device and inode: equal for the same file.
type Id = (u64, u64);

impl NamedFile {
    /// Opens the file. A FIFO without a reader and a full disk are no errors: the writer waits for
    /// them.
    pub(super) fn open(path: &Path, holds: Holds, durability: Durability) -> io::Result<NamedFile> {
        let mut named = NamedFile {
            path: path.to_owned(),
            holds,
            durability,
            held: None,
            is_other: false,
        };
        match Held::open(path, holds) {
            Ok(held) => named.held = Some(held),
            Err(error) if is_unread(&error) && is_pipe(path) => {
                tracing::warn!(
                    ?path,
                    "the output is a pipe without a reader; waiting for one"
                );
            }
            Err(error) => return Err(error),
        }
        Ok(named)
    }

    /// Whether the path leads to another file than the open one, or to none.
    fn leads_away(&self) -> io::Result<bool> {
        let Some(held) = &self.held else {
            return Ok(true);
        };
        match std::fs::metadata(&self.path) {
            Ok(there) => Ok(id(&there) != held.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl Sink for NamedFile {
    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn prepare(&mut self) -> io::Result<Found> {
        if self.leads_away()? {
            let fresh = Held::open(&self.path, self.holds).map_err(say_unread)?;
            // Opening the path may yield the same file even if it has no name.
            if self.held.as_ref().is_none_or(|held| held.id != fresh.id) {
                self.held = Some(fresh);
                // Also if what follows fails, and is tried again.
                self.is_other = true;
            }
        }
        let path = &self.path;
        let held = self.held.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        if self.durability == Durability::Synced && !held.is_lasting {
            // Before anything is written: what fails here is tried again, nothing is written twice.
            sync_name(path)?;
            held.is_lasting = true;
        }
        if held.is_unsettled && held.has_end && held.settle(path)? == Found::Other {
            self.is_other = true;
        }
        match std::mem::take(&mut self.is_other) {
            true => Ok(Found::Other),
            false => Ok(Found::Same),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let held = self.held.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let written = held.file.write(bytes);
        match &written {
            Ok(length) => held.is_in_line = !bytes[..*length].ends_with(b"\n"),
            Err(_) => held.is_unsettled = true,
        }
        written
    }

    fn is_nameless(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !has_name(&held.file))
    }

    fn tell_nameless(&mut self) {
        if let Some(held) = &mut self.held {
            tell_once(&mut held.is_told, Some(&self.path));
        }
    }

    fn kept_of(&self, written: &[u8]) -> usize {
        match self.holds {
            Holds::Lines => memrchr(b'\n', written).map_or(0, |last| last + 1),
            Holds::Bytes => written.len(),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.held.as_ref().map_or(Ok(()), |held| sync(&held.file))
    }

    fn wait(&mut self, most: Duration) {
        match &self.held {
            Some(held) => wait_writable(&held.file, most),
            None => std::thread::sleep(most),
        }
    }

    fn may_be_read_again(&self) -> bool {
        self.held
            .as_ref()
            .is_none_or(|held| is_named_pipe(&held.file))
    }
}

impl Held {
    fn open(path: &Path, holds: Holds) -> io::Result<Held> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        // Opening a FIFO without a reader fails, instead of blocking without a timeout.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
        let file = options.open(path)?;
        let metadata = file.metadata()?;
        let mut held = Held {
            id: id(&metadata),
            file,
            has_end: holds == Holds::Lines && metadata.is_file(),
            is_lasting: false,
            is_unsettled: true,
            is_in_line: false,
            waits_since: None,
            is_told: false,
        };
        // Each writer holds the lock shared, so a process that gets it exclusively is the only one.
        let is_alone = held.is_alone();
        if held.has_end && is_alone {
            // If there is no room for the newline now, it is written before the first line.
            let _ = held.settle(path);
        }
        Ok(held)
    }

    /// Makes the next write begin a line, or continue its own. An earlier writer may have been
    /// killed in a write, or wait for room within a line.
    fn settle(&mut self, path: &Path) -> io::Result<Found> {
        let mut found = Found::Same;
        if self.is_in_line {
            if self.file.stream_position()? == self.file.metadata()?.len() {
                return Ok(Found::Same);
            }
            // Another process has appended to the file or emptied it: write the cut line again.
            found = Found::Other;
        }
        if ends_within_a_line(path).unwrap_or(false) {
            let since = *self.waits_since.get_or_insert_with(Instant::now);
            if !self.is_alone() && since.elapsed() < LINE_MAX {
                let what = "another process is in the midst of a line";
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, what));
            }
            self.file.write_all(b"\n")?;
        }
        (self.is_unsettled, self.is_in_line, self.waits_since) = (false, false, None);
        Ok(found)
    }

    /// Whether no other process has it open to write, as far as the lock tells. Without locks, as
    /// on some network file systems, there may be others.
    fn is_alone(&self) -> bool {
        let alone = flock(&self.file, FlockOperation::NonBlockingLockExclusive);
        let _ = flock(&self.file, FlockOperation::NonBlockingLockShared);
        alone != Err(rustix::io::Errno::WOULDBLOCK)
    }
}

fn id(metadata: &std::fs::Metadata) -> Id {
    (metadata.dev(), metadata.ino())
}

/// Whether a FIFO has no reader: fifo(7), ENXIO.
fn is_unread(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error())
}

fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Replaces the system's text, "no such device or address".
fn say_unread(error: io::Error) -> io::Error {
    if is_unread(&error) {
        return io::Error::new(io::ErrorKind::NotConnected, "nothing reads it");
    }
    error
}

/// Brings a file's directory entry to the disk: without it a new file is lost, fsync(2).
fn sync_name(path: &Path) -> io::Result<()> {
    match File::open(directory(path)) {
        Ok(directory) => sync(&directory),
        // A directory that may not be read can't be synced.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// The directory of a file.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Reads the last byte of a regular file, if that is permitted.
fn ends_within_a_line(path: &Path) -> io::Result<bool> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    File::open(path)?.read_exact_at(&mut last, metadata.len() - 1)?;
    Ok(last != [b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An unfinished line goes to the file that replaces this one, whatever happens in between.
    #[test]
    fn another_file_is_told_though_its_last_line_was_waited_for() {
        let name = format!("poold-named-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // What a run with this process id has left that was killed.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a directory");
        let (path, old) = (folder.join("lines"), folder.join("lines.1"));
        let open = |path: &Path| NamedFile::open(path, Holds::Lines, Durability::Synced);
        let mut named = open(&path).expect("a new file");
        named.prepare().expect("it is open");
        named.write(b"half a li").expect("room");
        std::fs::rename(&path, old).expect("renamed");
        let mut other = Held::open(&path, Holds::Lines).expect("a new file");
        other.file.write_all(b"another process's li").expect("room");
        let waits = named
            .prepare()
            .expect_err("the other one's line is under way");
        assert_eq!(waits.kind(), io::ErrorKind::ResourceBusy);
        other.file.write_all(b"ne\n").expect("room");
        assert_eq!(named.prepare().expect("its line has ended"), Found::Other);
        assert_eq!(named.prepare().expect("nothing has changed"), Found::Same);
        std::fs::remove_dir_all(folder).expect("our own");
    }
}
