//! The position in a file: the id of the last entry that was printed.
//!
//! It is written after the output, so what is printed when the process is killed may be printed
//! again.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::redis::entry::Id;

/// Between two writes of the file.
const EACH: Duration = Duration::from_millis(100);

/// See the head of the file.
pub(super) struct Cursor {
    path: PathBuf,
    written: Option<(Id, Instant)>,
}

impl Cursor {
    /// The file, and the position in it, if it exists.
    pub(super) fn open(path: &Path) -> io::Result<(Cursor, Option<Id>)> {
        let id = match std::fs::read_to_string(path) {
            Ok(text) => Some(Id::read(text.trim()).ok_or_else(|| {
                io::Error::other("it holds no position; name another file or remove it")
            })?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let cursor = Cursor {
            path: path.to_owned(),
            written: None,
        };
        Ok((cursor, id))
    }

    /// Writes the position, unless it was written a moment ago; `must` writes it in any case.
    pub(super) fn write(&mut self, id: Id, must: bool) -> io::Result<()> {
        let is_due = self
            .written
            .is_none_or(|(last, at)| last != id && (must || at.elapsed() >= EACH));
        if !is_due {
            return Ok(());
        }
        // A reader of the file, and a crash, find the old position or the new one.
        let mut fresh = self.path.clone().into_os_string();
        fresh.push(".new");
        std::fs::write(&fresh, format!("{id}\n"))?;
        std::fs::rename(&fresh, &self.path)?;
        self.written = Some((id, Instant::now()));
        Ok(())
    }
}
