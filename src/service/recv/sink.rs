//! The sink that the writer writes to, the standard output's, and how one piece is written to it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags};
use tracing::{error, info};

use crate::net::ready::wait;
use crate::series::Series;

/// When a message counts as safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the system has it.
    Written,
    /// When it is on the disk: one `fdatasync` for all waiting messages.
    Synced,
}

/// Wait after a failed write.
pub(super) const RETRY: Duration = Duration::from_millis(200);
/// Between two checks of a name.
pub(super) const NAME_EACH: Duration = Duration::from_millis(200);
/// The file system of pipes without a name: statfs(2).
const PIPEFS_MAGIC: i64 = 0x5049_5045;

/// Takes bytes in order. A short write says how far it came.
pub(super) trait Sink: Send {
    /// For the log; `None` for the standard output.
    fn path(&self) -> Option<&Path> {
        None
    }
    /// Called before each attempt to write: notices that a file was renamed.
    fn prepare(&mut self) -> io::Result<Found> {
        Ok(Found::Same)
    }
    /// One write.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Whether the file was removed.
    fn is_nameless(&self) -> bool {
        false
    }
    /// Logs once that it was removed, if writing to it goes on.
    fn tell_nameless(&mut self) {}
    /// How much of what was written counts when another file replaces this one; the rest is an
    /// unfinished line.
    fn kept_of(&self, written: &[u8]) -> usize {
        written.len()
    }
    /// Returns when what was written has reached the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Waits until a write may continue, at most `most`.
    fn wait(&mut self, most: Duration);
    /// Whether another reader may come when there is none.
    fn may_be_read_again(&self) -> bool {
        false
    }
}

/// Which file the next bytes go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// To the same file.
    Same,
    /// To another file.
    Other,
}

/// The content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Whole lines: ends a line that a predecessor could not end.
    Lines,
    /// Only the bytes that were received.
    Bytes,
}

/// The standard output, or a similar descriptor.
pub(super) struct Pipe(pub(super) File);

impl Sink for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        sync(&self.0)
    }

    fn wait(&mut self, most: Duration) {
        wait_writable(&self.0, most);
    }

    fn may_be_read_again(&self) -> bool {
        is_named_pipe(&self.0)
    }
}

/// Whether the file behind the standard output still has a name. The watch checks it: no file can
/// be opened in its place, so no write waits for the answer.
pub(super) struct Name {
    /// `None` if it is not a file, or if the log has said it.
    file: Option<File>,
    looked_at: Option<Instant>,
    writes: u64,
}

impl Name {
    pub(super) fn of(file: Option<File>) -> Name {
        Name {
            file: file.filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file())),
            looked_at: None,
            writes: 0,
        }
    }

    /// Checks the name, if something was written since the last check; answers when to check.
    pub(super) fn look(&mut self, now: Instant, writes: u64) -> Option<Instant> {
        let file = self.file.as_ref().filter(|_| writes > self.writes)?;
        let due = self.looked_at.map(|at| at + NAME_EACH);
        if due.is_some_and(|due| now < due) {
            return due;
        }
        (self.looked_at, self.writes) = (Some(now), writes);
        if !has_name(file) {
            tell_once(&mut false, None);
            self.file = None;
        }
        None
    }
}

/// Whether an open file still has a directory entry (nlink > 0).
pub(super) fn has_name(file: &File) -> bool {
    file.metadata()
        .map_or(true, |metadata| metadata.nlink() > 0)
}

/// Logs once that the file has no name.
pub(super) fn tell_once(is_told: &mut bool, path: Option<&Path>) {
    if !std::mem::replace(is_told, true) {
        tracing::warn!(
            path = path.map(tracing::field::debug),
            "the output's file was removed; what is written to it has no name"
        );
    }
}

/// Whether this is a FIFO, which a reader may open by its name.
pub(super) fn is_named_pipe(file: &File) -> bool {
    let is_pipe = file
        .metadata()
        .is_ok_and(|metadata| metadata.file_type().is_fifo() && metadata.nlink() > 0);
    // A pipe without a name has a link count of one as well.
    is_pipe && rustix::fs::fstatfs(file).is_ok_and(|on| on.f_type != PIPEFS_MAGIC)
}

pub(super) fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        // A pipe or a terminal can't be synced: fsync(2), EINVAL.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

pub(super) fn wait_writable(file: &File, most: Duration) {
    // The write is tried again in any case.
    let _ = wait(&mut [PollFd::new(file, PollFlags::OUT)], Some(most));
}

/// Writes one piece; retries failed writes. An error means that it can never be written.
pub(super) fn write(
    sink: &mut dyn Sink,
    piece: &[u8],
    durability: Durability,
    lines: &Mutex<Series<Instant>>,
) -> io::Result<()> {
    let mut retries = Retries::default();
    while let Err(error) = try_write(sink, piece, durability, &mut retries.written) {
        match error.kind() {
            io::ErrorKind::BrokenPipe if !sink.may_be_read_again() => return Err(error),
            io::ErrorKind::WouldBlock => {
                sink.wait(RETRY);
                continue;
            }
            _ => retries.report(&error, sink.path(), lines),
        }
        std::thread::sleep(RETRY);
    }
    retries.over();
    Ok(())
}

/// Writes what is left of the piece; `written` is how much of it is out.
pub(super) fn try_write(
    sink: &mut dyn Sink,
    piece: &[u8],
    durability: Durability,
    written: &mut usize,
) -> io::Result<()> {
    loop {
        if sink.prepare()? == Found::Other {
            // The old file keeps its whole lines; an unfinished line goes to the new file.
            *written = sink.kept_of(&piece[..*written]);
        }
        let begin = *written;
        let all = write_rest(sink, piece, written);
        if sink.is_nameless() {
            // The file was removed meanwhile: the new bytes go to the file in its place.
            let upto = std::mem::replace(written, begin);
            if sink.prepare()? == Found::Other {
                *written = sink.kept_of(&piece[..begin]);
                continue;
            }
            *written = upto;
            sink.tell_nameless();
        }
        all?;
        if durability == Durability::Synced
            && let Err(error) = sink.sync()
        {
            // After a failed sync the system forgets the data: the next sync would succeed without
            // it.
            *written = 0;
            return Err(error);
        }
        return Ok(());
    }
}

fn write_rest(sink: &mut dyn Sink, piece: &[u8], written: &mut usize) -> io::Result<()> {
    while *written < piece.len() {
        match sink.write(&piece[*written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => *written += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The failed attempts to write a piece.
#[derive(Default)]
struct Retries {
    written: usize,
    /// The last kind of error, and whether it was logged.
    kind: Option<io::ErrorKind>,
    has_line: bool,
}

impl Retries {
    /// Logs each kind of error once.
    fn report(&mut self, error: &io::Error, path: Option<&Path>, lines: &Mutex<Series<Instant>>) {
        if self.kind.replace(error.kind()) == Some(error.kind()) {
            return;
        }
        let now = Instant::now();
        let told = lines.lock().happened(now, now);
        if let Some(told) = told {
            self.has_line = true;
            error!(
                path = path.map(tracing::field::debug),
                earlier = told.earlier(),
                error = match error.kind() {
                    io::ErrorKind::BrokenPipe => "nothing reads it any more".to_owned(),
                    _ => error.to_string(),
                },
                "cannot write the output; nothing is lost, clients wait, trying again"
            );
        }
    }

    fn over(&self) {
        if self.has_line {
            info!("writing the output again");
        }
    }
}
