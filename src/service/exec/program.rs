//! What is run: found and looked at once, before anybody connects.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// What is looked for in `#!` at most: the kernel's own bound.
const HEAD: usize = 256;

/// A program with its arguments, that could be started when it was looked at.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) file: CString,
    /// The first is what it sees as its name.
    pub(super) words: Vec<CString>,
}

impl Program {
    /// The program `words[0]`, looked for as a shell does, with the rest as its arguments. It will
    /// run in `folder`, if that is another than ours.
    ///
    /// # Errors
    /// A line that says why it can't be started.
    pub fn new(words: Vec<OsString>, folder: Option<&Path>) -> Result<Program, String> {
        let name = words.first().ok_or("no program is given")?;
        let file = find(name)?;
        check(&file, folder)?;
        // What was typed has no zero byte, and so has no path.
        let string = |text: OsString| CString::new(text.into_vec()).map_err(|e| e.to_string());
        Ok(Program {
            file: string(file.into_os_string())?,
            words: words.into_iter().map(string).collect::<Result<_, _>>()?,
        })
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
    // A relative one is not to be looked for again from the program's own directory.
    let absolute = |folder: PathBuf| std::path::absolute(Path::new(".").join(folder));
    let folders = env::split_paths(&path).filter_map(|folder| absolute(folder).ok());
    let mut files = folders
        .map(|folder| folder.join(name))
        .filter(|file| file.is_file());
    let first = files.next();
    let found = first.iter().cloned().chain(files);
    let runs = found.into_iter().find(|file| is_executable(file));
    // One that is there and may not be run says more than none.
    runs.or(first)
        .ok_or_else(|| format!("cannot run {shown}: it is not in PATH"))
}

/// Whether it can be started, as far as a look can tell.
fn check(file: &Path, folder: Option<&Path>) -> Result<(), String> {
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
    // A relative one is looked for where the program will run.
    let from = folder.unwrap_or(Path::new(""));
    let is_named = !interpreter.as_os_str().is_empty();
    if is_named && is_executable(&from.join(interpreter)) {
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
