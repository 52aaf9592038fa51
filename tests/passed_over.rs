//! The last line of `cargo test`: how many tests of `it` were passed over, and what they need.
//!
//! It has no harness, so what it prints is shown; cargo runs it after `it`, and both are its
//! children.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::time::Duration;

/// A file of a run that ended before it could be read.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        // For a runner that asks for names: there is no test here.
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("passed-over-{}", parent_id()));
    let noted = fs::read_to_string(&path).unwrap_or_default();
    let _ = fs::remove_file(&path);
    remove_stale(folder);
    let lines = || noted.lines().filter_map(|line| line.split_once('\t'));
    let tests: BTreeSet<_> = lines().map(|(test, _)| test).collect();
    let needs: BTreeSet<_> = lines().map(|(_, need)| need).collect();
    let needs: Vec<_> = needs.into_iter().collect();
    match tests.len() {
        0 if !arguments.is_empty() => {}
        0 => eprintln!("no test was passed over"),
        1 => eprintln!("1 test was passed over; to run it: {}", needs.join(", ")),
        many => eprintln!(
            "{many} tests were passed over; to run them: {}",
            needs.join(", ")
        ),
    }
}

fn remove_stale(folder: &Path) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let is_ours = entry
            .file_name()
            .to_string_lossy()
            .starts_with("passed-over-");
        let age = entry.metadata().and_then(|found| found.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if is_ours && age.is_some_and(|age| age > STALE) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
