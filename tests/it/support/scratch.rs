//! A temporary directory, removed at the end of the test.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("poold-it-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match std::fs::create_dir(&path) {
                Ok(()) => return Scratch(path),
                // A run with the same process id was killed, as in a container that starts again.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("our own names are UTF-8")
}

/// Makes a file that can be run, with the content of another. Another process writes it: what a child
/// that has not executed its own program yet holds open for writing does not start.
pub fn program(path: &Path, content: &Path) {
    let mut install = Command::new("install");
    let status = install.args(["-m", "755"]).args([content, path]).status();
    assert!(status.expect("coreutils").success(), "{}", path.display());
}

/// The same of a script; its text is beside it.
pub fn script(path: &Path, script: &str) {
    let content = path.with_extension("text");
    std::fs::write(&content, script).expect("our own directory");
    program(path, &content);
}
