//! What is run: found and looked at once, before anybody connects.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};

use super::For;
use crate::peer::Peer;

/// What is looked for in `#!` at most: the kernel's own bound.
const HEAD: usize = 256;

/// A program with its arguments, that could be started when it was looked at.
#[derive(Clone, Debug)]
pub struct Program {
    file: PathBuf,
    words: Vec<OsString>,
    folder: Option<PathBuf>,
    /// Of our environment, what no child gets.
    removed: Vec<OsString>,
}

/// Not for a program: what tells of a client, and here of another one, and what lets us talk to
/// the service manager, in whose name no client may speak.
const NOT_FOR_CHILDREN: [&str; 12] = [
    "PROTO",
    "TCPLOCALIP",
    "TCPLOCALPORT",
    "TCPREMOTEIP",
    "TCPREMOTEPORT",
    "TCPCONNNUM",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
];

impl Program {
    /// The program `words[0]`, looked for as a shell does, with the rest as its arguments.
    ///
    /// # Errors
    /// A line that says why it can't be started.
    pub fn new(words: Vec<OsString>) -> Result<Program, String> {
        let name = words.first().ok_or("no program is given")?;
        let file = find(name)?;
        check(&file)?;
        Ok(Program::at(file, words))
    }

    /// A program of which it is known that it is there, `words[0]` being what it sees as its name.
    pub fn at(file: PathBuf, words: Vec<OsString>) -> Program {
        let is_ours = |name: &OsString| name.as_bytes().starts_with(b"POOLD_");
        let ours = env::vars_os().map(|(name, _)| name).filter(is_ours);
        let removed = ours.chain(NOT_FOR_CHILDREN.map(OsString::from)).collect();
        Program {
            file,
            words,
            folder: None,
            removed,
        }
    }

    /// The same program, in this directory instead of our own.
    pub fn in_folder(self, folder: Option<PathBuf>) -> Program {
        Program { folder, ..self }
    }

    /// The file that is run, and what it is told: its name, and its arguments.
    pub fn into_parts(self) -> (PathBuf, Vec<OsString>) {
        (self.file, self.words)
    }

    /// How it is started for a client, the `of_address`th child for its address now.
    pub(super) fn command(&self, who: &For, of_address: usize) -> Command {
        let mut command = Command::new(&self.file);
        if let Some((name, arguments)) = self.words.split_first() {
            command.arg0(name).args(arguments);
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        for name in &self.removed {
            command.env_remove(name);
        }
        command.env("POOLD_CLIENT", who.id.to_string());
        match who.peer {
            Peer::Unix(_) => {
                command.env("PROTO", "UNIX");
            }
            Peer::Tcp(remote) => {
                command
                    .env("PROTO", "TCP")
                    .env("TCPREMOTEIP", remote.ip().to_canonical().to_string())
                    .env("TCPREMOTEPORT", remote.port().to_string())
                    .env("TCPCONNNUM", of_address.to_string());
            }
        }
        if let Some(local) = who.local {
            command
                .env("TCPLOCALIP", local.ip().to_canonical().to_string())
                .env("TCPLOCALPORT", local.port().to_string());
        }
        command
    }
}

/// The program's file: what has a slash is a path, all else is looked for in PATH.
fn find(name: &OsStr) -> Result<PathBuf, String> {
    let shown = name.display();
    if name.is_empty() {
        return Err("the program has no name".to_owned());
    }
    if name.as_bytes().contains(&b'/') {
        let file = std::path::absolute(name);
        return file.map_err(|error| format!("cannot run {shown}: {error}"));
    }
    let usual = || OsString::from_vec(b"/usr/local/bin:/usr/bin:/bin".to_vec());
    let path = env::var_os("PATH").unwrap_or_else(usual);
    let files = env::split_paths(&path).map(|folder| folder.join(name));
    let mut files = files.filter(|file| file.is_file());
    let first = files.next();
    let found = first.iter().cloned().chain(files);
    let runs = found.into_iter().find(|file| is_executable(file));
    // One that is there and may not be run says more than none.
    runs.or(first)
        .ok_or_else(|| format!("cannot run {shown}: it is not in PATH"))
}

/// Whether it can be started, as far as a look can tell.
fn check(file: &Path) -> Result<(), String> {
    let cannot = |why: &dyn std::fmt::Display| format!("cannot run {}: {why}", file.display());
    let data = file.metadata().map_err(|error| cannot(&error))?;
    if !data.is_file() {
        return Err(cannot(&"it is not a file"));
    }
    if !is_executable(file) {
        return Err(cannot(&"it may not be executed; see chmod +x"));
    }
    let Ok(head) = head(file) else {
        // What may be executed need not be readable.
        return Ok(());
    };
    let Some(line) = head.strip_prefix(b"#!") else {
        if head.starts_with(b"\x7fELF") {
            return Ok(());
        }
        return Err(cannot(
            &"it is no program and has no #! line; or use --shell",
        ));
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| b" \t".contains(byte));
    let interpreter = words.find(|word| !word.is_empty()).unwrap_or_default();
    let interpreter = Path::new(OsStr::from_bytes(interpreter));
    if is_executable(interpreter) {
        return Ok(());
    }
    let name = interpreter.display().to_string();
    Err(cannot(&format!("its interpreter {name:?} can't be run")))
}

fn is_executable(file: &Path) -> bool {
    access(file, Access::EXEC_OK).is_ok()
}

fn head(file: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(file)?.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}
