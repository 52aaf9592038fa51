//! Tests that are passed over because a program is missing: the last line of `cargo test` names them
//! (`tests/passed_over.rs`), because the output of a successful test is not shown.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

/// Whether a program that a test needs is installed; in CI the test fails without it.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !is_there {
        lacks(program);
    }
    is_there
}

/// What `tests/senders/install.sh` brings, unless it has not; in CI the test fails without it.
pub fn brought(what: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let folder = target.expect("it has one").join("senders");
    let found = folder.join(what);
    if found.exists() {
        return Some(found);
    }
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!must, "{} is missing, and this is CI", found.display());
    note("run tests/senders/install.sh");
    None
}

/// Records that this test is passed over, because a program is not installed.
pub fn lacks(program: &str) {
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!must, "{program} is missing, and this is CI");
    note(&format!("install {program}"));
}

/// Records that this test is passed over; `to_do` says how to make it run.
pub fn cannot(to_do: &str) {
    note(to_do);
}

/// Whether this process ignores a signal since its start, as under `nohup` or in the background of
/// a script; its children inherit that.
pub fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.map(|mask| u64::from_str_radix(mask.trim(), 16));
    ignored.expect("proc(5)").expect("a mask") >> (signal.as_raw() - 1) & 1 != 0
}

fn note(to_do: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    eprintln!("passed over: {name}: {to_do}");
    // One file for each run: cargo starts both.
    let path = format!(
        "{}/passed-over-{}",
        env!("CARGO_TARGET_TMPDIR"),
        parent_id()
    );
    let file = OpenOptions::new().append(true).create(true).open(path);
    // One write: others append at the same time.
    let line = format!("{name}\t{to_do}\n");
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .expect("cargo has made the folder");
}
