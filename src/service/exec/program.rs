//! The program: found and checked once, before clients connect.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Maximum length of a `#!` line: the kernel's own bound.
const HEAD: usize = 256;

/// A program with its arguments that passed the check.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) file: CString,
    /// Its arguments; the first is its name.
    pub(super) words: Vec<CString>,
}

impl Program {
    /// Finds the program `words[0]` as a shell does; the rest are its arguments. `folder` is its
    /// directory, if not poold's.
    ///
    /// # Errors
    /// A line that says why it can't be started.
    pub fn new(words: Vec<OsString>, folder: Option<&Path>) -> Result<Program, String> {
        let name = words.first().ok_or("no program is given")?;
        let file = find(name)?;
        check(&file, folder)?;
        // An argument of the command line has no zero byte, and so its path has none.
        let string = |text: OsString| CString::new(text.into_vec()).map_err(|e| e.to_string());
        Ok(Program {
            file: string(file.into_os_string())?,
            words: words.into_iter().map(string).collect::<Result<_, _>>()?,
        })
    }
}

/// The program's file: a name with a slash is a path, any other is searched in PATH.
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
    // Make a relative directory absolute: the program may run in another directory.
    let absolute = |folder: PathBuf| std::path::absolute(Path::new(".").join(folder));
    let folders = env::split_paths(&path).filter_map(|folder| absolute(folder).ok());
    let mut files = folders
        .map(|folder| folder.join(name))
        .filter(|file| file.is_file());
    let first = files.next();
    let found = first.iter().cloned().chain(files);
    let runs = found.into_iter().find(|file| is_executable(file));
    // A file that can't be executed makes a better error than none.
    runs.or(first)
        .ok_or_else(|| format!("cannot run {shown}: it is not in PATH"))
}

/// Checks whether the file can probably be started.
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
        // An executable file need not be readable.
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
    // A relative interpreter is searched in the program's directory.
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
