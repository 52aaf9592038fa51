//! Opens a source. Each becomes one descriptor to read from.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, SeekFrom, open, seek};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use super::spec::Spec;
use crate::net::address::Address;
use crate::net::connect::connect;

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a program may take to end after TERM.
const TERM_MAX: Duration = Duration::from_millis(500);

/// An open source.
pub(super) struct Input {
    pub(super) from: OwnedFd,
    /// Only of a source that takes messages.
    pub(super) to: Option<OwnedFd>,
    /// Only of a file that is followed: where it is and which it was.
    pub(super) followed: Option<Followed>,
    _program: Option<Program>,
}

/// A file that grows, and may be replaced.
pub(super) struct Followed {
    path: PathBuf,
    inode: (u64, u64),
    /// Where reading began.
    from: u64,
}

/// How far a file is read: its device and inode, the position, and how much before that is not
/// published yet.
pub(super) struct Place {
    inode: (u64, u64),
    at: u64,
    pending: u64,
}

impl Place {
    /// Adds `length` bytes that were read; the last message in them ended at `end`.
    pub(super) fn advance(&mut self, length: usize, end: Option<usize>) {
        self.at += length as u64;
        self.pending = match end {
            Some(end) => (length - end) as u64,
            None => self.pending + length as u64,
        };
    }

    /// For the process that goes on from there.
    pub(super) fn published(&self) -> [u64; 3] {
        [self.inode.0, self.inode.1, self.at - self.pending]
    }
}

/// A program that ends, with its children, when this is dropped.
struct Program(Child);

/// `is_first`: it was never open; a followed file then begins at its end, or where the process
/// before was in it. `takes`: it is to be written to, if it is of a kind that can be; then nothing
/// of it blocks.
pub(super) fn open_source(
    spec: &Spec,
    is_first: bool,
    former: Option<[u64; 3]>,
    takes: bool,
) -> io::Result<Input> {
    let plain = |from| Input {
        from,
        to: None,
        followed: None,
        _program: None,
    };
    match spec {
        Spec::Socket(text) => both_ways(socket(text).map(plain)?, takes),
        Spec::Stdin => io::stdin().as_fd().try_clone_to_owned().map(plain),
        Spec::File(path) => follow(path, is_first, former),
        Spec::Fifo(path) => fifo(path).map(plain),
        Spec::Serial { path, baud } => both_ways(serial(path, *baud).map(plain)?, takes),
        Spec::Exec(text) => program(text, takes),
        Spec::Stream(_) | Spec::Wrong(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn both_ways(input: Input, takes: bool) -> io::Result<Input> {
    if !takes {
        return Ok(input);
    }
    let to = input.from.try_clone()?;
    ioctl_fionbio(&to, true)?;
    Ok(Input {
        to: Some(to),
        ..input
    })
}

fn socket(text: &str) -> io::Result<OwnedFd> {
    let address = text.parse::<Address>();
    let address = address.map_err(|error| io::Error::other(error.to_string()))?;
    let socket = connect(&address, CONNECT_MAX)?;
    // So that the end of a host that just vanishes is noticed, in time.
    socket.set_keepalive(matches!(address, Address::Tcp(_)))?;
    Ok(socket.into())
}

fn follow(path: &Path, is_first: bool, former: Option<[u64; 3]>) -> io::Result<Input> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("this is no regular file"));
    }
    let opened = OwnedFd::from(file);
    let inode = (meta.dev(), meta.ino());
    let to = match former {
        Some([dev, ino, at]) if (dev, ino) == inode && at <= meta.len() => SeekFrom::Start(at),
        // It was replaced meanwhile.
        Some(_) => SeekFrom::Start(0),
        None if is_first => SeekFrom::End(0),
        None => SeekFrom::Start(0),
    };
    let begins = seek(&opened, to)?;
    Ok(Input {
        from: opened,
        to: None,
        followed: Some(Followed {
            path: path.to_owned(),
            inode,
            from: begins,
        }),
        _program: None,
    })
}

impl Followed {
    /// Where it is when nothing was read.
    pub(super) fn place(&self) -> Place {
        Place {
            inode: self.inode,
            at: self.from,
            pending: 0,
        }
    }

    /// Whether the path is another file by now, or the file has become shorter than what was read.
    pub(super) fn is_replaced(&self, from: &OwnedFd) -> bool {
        let Ok(meta) = std::fs::metadata(&self.path) else {
            // Between two files there may be none.
            return false;
        };
        let at = seek(from, SeekFrom::Current(0)).unwrap_or(0);
        (meta.dev(), meta.ino()) != self.inode || meta.len() < at
    }
}

/// Open for writing, too: so its end never comes, however many writers come and go.
fn fifo(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if !std::fs::metadata(path)?.file_type().is_fifo() {
        return Err(io::Error::other("this is no named pipe: see mkfifo"));
    }
    Ok(open(path, flags, Mode::empty())?)
}

fn serial(path: &Path, baud: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let line = open(path, flags, Mode::empty())?;
    let mut settings = tcgetattr(&line)?;
    settings.make_raw();
    // No modem's signals: many devices have none.
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    settings.set_speed(baud)?;
    tcsetattr(&line, OptionalActions::Now, &settings)?;
    Ok(line)
}

fn program(text: &str, takes: bool) -> io::Result<Input> {
    let input = match takes {
        true => Stdio::piped(),
        false => Stdio::null(),
    };
    let mut child = Command::new("sh")
        .args(["-c", text])
        .stdin(input)
        .stdout(Stdio::piped())
        // So that its children end with it.
        .process_group(0)
        .spawn()?;
    let output = child.stdout.take();
    let to = child.stdin.take().map(OwnedFd::from);
    let program = Program(child);
    if let Some(to) = &to {
        ioctl_fionbio(to, true)?;
    }
    let from = output.ok_or_else(|| io::Error::other("it has no output"))?;
    Ok(Input {
        from: from.into(),
        to,
        followed: None,
        _program: Some(program),
    })
}

impl Drop for Program {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.0);
        // Its process is not waited for yet, so the number is still its own.
        let _ = kill_process_group(group, Signal::TERM);
        let until = Instant::now() + TERM_MAX;
        while Instant::now() < until {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.0.wait();
    }
}
