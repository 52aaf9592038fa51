//! Appends each room's lines to a file of its own, and reads them back after a restart.
//!
//! `2026-11-22T08:51:10Z <ann> hello`, `… * ann waves`, `… -- topic: what it is about`.
//!
//! Lines are queued under the room's lock, which keeps their order, and written without it by the
//! first thread that comes, so only that thread waits for the disk. The file is opened for each
//! write: it can be renamed or removed at any time.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use rustix::fs::OFlags;
use tracing::{error, info};

use super::history::{Entry, History, Kind, Past};
use super::{Event, Name, Text};
use crate::escape::escape;

/// Maximum bytes that wait for a slow disk; further lines are counted and lost.
const QUEUED_MAX: usize = 1 << 20;
/// Maximum bytes of a file's end that are read when a room is opened.
const TAIL_MAX: u64 = 256 * 1024;
/// Length of a line's time: `2026-11-22T08:51:10Z`.
const STAMP: usize = 20;

/// See the head of the file.
pub(super) struct Journal {
    path: PathBuf,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    bytes: String,
    /// A thread is writing.
    is_written: bool,
    lost: u64,
    /// The last write failed, and left a line without its end.
    failing: bool,
    /// Lines since then that are not in the file.
    missing: usize,
    is_cut: bool,
}

impl Journal {
    pub(super) fn new(directory: &Path, room: &Name) -> Journal {
        Journal {
            path: directory.join(format!("{}.log", room.key())),
            queue: Mutex::default(),
        }
    }

    /// Queues the lines of an event.
    pub(super) fn queue(&self, event: &Event, at: SystemTime) {
        let stamp = humantime::format_rfc3339_seconds(at);
        let mut queue = self.queue.lock();
        if queue.bytes.len() >= QUEUED_MAX {
            queue.lost += 1;
            return;
        }
        let out = &mut queue.bytes;
        let _ = match event {
            Event::Said { by, lines } => lines
                .as_str()
                .split_terminator('\n')
                .try_for_each(|line| writeln!(out, "{stamp} <{by}> {line}")),
            Event::Acted { by, text } => writeln!(out, "{stamp} * {by} {}", text.as_str()),
            Event::Topic { text, .. } => writeln!(out, "{stamp} -- topic: {}", text.as_str()),
            _ => Ok(()),
        };
    }

    /// Writes the queue, unless another thread does.
    pub(super) fn write(&self) {
        while let Some((bytes, lost)) = self.take() {
            let mut length = 0;
            let written = append(&self.path, bytes.as_bytes(), &mut length);
            let mut queue = self.queue.lock();
            queue.is_written = false;
            if let Some(last) = bytes.as_bytes()[..length].last() {
                queue.is_cut = *last != b'\n';
            }
            let was_failing = std::mem::replace(&mut queue.failing, written.is_err());
            let rest = bytes.as_bytes()[length..].split(|byte| *byte == b'\n');
            queue.missing += rest.filter(|line| !line.is_empty()).count();
            let missing = queue.missing;
            if written.is_ok() {
                queue.missing = 0;
            }
            drop(queue);
            self.report(&written, was_failing, lost, missing);
        }
    }

    /// What there is to write, and how many turns were lost before it.
    fn take(&self) -> Option<(String, u64)> {
        let mut queue = self.queue.lock();
        if queue.is_written || queue.bytes.is_empty() {
            return None;
        }
        queue.is_written = true;
        let mut bytes = std::mem::take(&mut queue.bytes);
        if queue.is_cut {
            bytes.insert(0, '\n');
        }
        Some((bytes, std::mem::take(&mut queue.lost)))
    }

    fn report(&self, written: &io::Result<()>, was_failing: bool, lost: u64, missing: usize) {
        let file = self.path.display();
        if lost > 0 {
            error!(%file, "a room's file is written too slowly: {lost} turns are not in it");
        }
        match written {
            Ok(()) if was_failing => info!(%file, missing, "writing a room's file again"),
            Err(error) if !was_failing => {
                error!(%file, %error, "can't write a room's file; the lines are lost");
            }
            _ => {}
        }
    }

    /// Reads the room's history and topic from the file.
    pub(super) fn restore(&self, lines_max: usize) -> Past {
        let mut past = Past::none(lines_max);
        match tail(&self.path) {
            Ok(tail) => {
                for line in tail.lines() {
                    recall(line, &mut past);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let file = self.path.display();
                error!(%file, %error, "can't read a room's file; it begins without a past");
            }
        }
        past
    }
}

impl Past {
    pub(super) fn none(lines_max: usize) -> Past {
        Past {
            history: History::new(lines_max),
            topic: Text::default(),
        }
    }
}

/// Opens the file without blocking, so a FIFO without a reader is an error and no thread waits for
/// it.
fn open(how: &mut OpenOptions, path: &Path) -> io::Result<File> {
    how.custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
}

/// Writes all bytes; counts in `length` how many it wrote.
fn append(path: &Path, bytes: &[u8], length: &mut usize) -> io::Result<()> {
    let mut file = open(OpenOptions::new().create(true).append(true), path)?;
    while *length < bytes.len() {
        match file.write(&bytes[*length..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(more) => *length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The file's last lines. Ends a line that a crash has cut.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = open(OpenOptions::new().read(true), path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_MAX).read_to_end(&mut bytes)?;
    if bytes.last().is_some_and(|last| *last != b'\n') {
        append(path, b"\n", &mut 0)?;
    }
    let text = String::from_utf8_lossy(&bytes);
    let whole = match text.split_once('\n') {
        Some((_, rest)) if from > 0 => rest,
        _ => &text,
    };
    Ok(whole.to_owned())
}

/// Parses a line of the file; skips other lines.
fn recall(line: &str, past: &mut Past) -> Option<()> {
    let (stamp, rest) = line.split_at_checked(STAMP)?;
    let at = humantime::parse_rfc3339(stamp).ok()?;
    let rest = rest.strip_prefix(' ')?;
    if let Some(topic) = rest.strip_prefix("-- topic: ") {
        past.topic = printable(topic);
        return Some(());
    }
    let (kind, by, text) = if let Some(said) = rest.strip_prefix('<') {
        let (by, text) = said.split_once("> ")?;
        (Kind::Said, by, text)
    } else {
        let (by, text) = rest.strip_prefix("* ")?.split_once(' ')?;
        (Kind::Acted, by, text)
    };
    past.history.push(Entry {
        at,
        by: Arc::new(Name::new(by).ok()?),
        kind,
        text: printable(text).as_str().into(),
    });
    Some(())
}

/// Escapes text of the file, which may have been edited.
fn printable(text: &str) -> Text {
    let mut clean = Vec::new();
    escape(text.as_bytes(), &mut clean);
    Text::printable(String::from_utf8_lossy(&clean).into_owned())
}
